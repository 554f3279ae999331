// One HTTP/1.1 client: handles its requests one at a time and sends the responses in order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "db/base/time.h"
#include "net/event_loop/loop.h"
#include "net/event_loop/socket.h"
#include "net/http/message.h"

namespace tocsin::http {

struct ConnectionOptions {
  size_t body_bytes_max = size_t{64} << 20;
  Duration idle_timeout = 75 * kSecond;     ///< between requests
  Duration receive_timeout = 30 * kSecond;  ///< without a new byte inside a request
  Duration send_timeout = kMinute;          ///< without the client reading a byte of a response
  /// After the client has ended its side, how long a cancellable request runs before the connection
  /// is probed to find out whether the client still exists; doubles each time.
  Duration probe_delay = 200 * kMillisecond;
};

/// Limit of the request line with the headers, of the size line of a chunk, and of the trailers.
inline constexpr size_t kHeaderBytesMax = 16 * 1024;

/// All functions must be called on the loop's thread. Whatever `handle` refers to must outlive it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Handle = std::function<void(Request, Reply)>;
  /// `gone` is called once, when the socket is being closed; `answered` with each response's
  /// status.
  struct Events {
    Handle handle;
    std::function<void(int status)> answered;
    std::function<void()> gone;
    /// The answer that a request gets before its body is read, by its header. May be empty.
    std::function<std::optional<Response>(const Request&)> refuse = {};
  };

  Connection(uv_loop_t* loop, std::unique_ptr<Socket> socket, ConnectionOptions options,
             Events events);
  ~Connection();

  void start();
  /// Answers the pending request, if there is one, and closes.
  void drain();
  /// Cancels the pending request and closes.
  void abort();
  /// Sends the response and closes, whatever the client sends.
  void refuse(Response response);

 private:
  struct Parser;  // Beast's, for one request

  void on_data(std::string_view data);
  void on_end(bool clean);
  void on_timeout();
  void probe();
  void schedule_probe();
  void parse();
  bool feed_parser();
  bool accept_header();
  void dispatch();
  void answer(Response response, bool close);
  void sent();
  void send_more();
  void reject(int status, const std::string& message);
  void reject(Response response);
  void restart_timer();
  void close(bool gracefully);

  std::unique_ptr<Socket> socket_;
  const ConnectionOptions options_;
  const Events events_;
  LoopTimer timer_;
  std::unique_ptr<Parser> parser_;

  std::string input_;      // received, not yet parsed
  bool handling_ = false;  // a request is being handled
  bool sending_ = false;   // a response is being sent
  bool reading_ = false;
  bool close_after_ = false;  // close after the current response
  bool draining_ = false;
  bool peer_ended_ = false;
  size_t unsent_at_timer_ = 0;
  Duration probe_delay_ = 0;

  // Of the current request and response.
  bool head_ = false;                             // the method is HEAD
  bool chunks_ = false;                           // the client understands chunked bodies
  std::function<bool(std::string&)> more_;        // see Response
  std::shared_ptr<std::atomic<bool>> cancelled_;  // shared with the handler
};

}  // namespace tocsin::http
