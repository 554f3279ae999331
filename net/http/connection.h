// One HTTP/1.1 client: reads requests, one at a time, and writes their responses in order.
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
  Duration receive_timeout = 30 * kSecond;  ///< without a byte, inside a request
  Duration send_timeout = kMinute;          ///< without the client taking a byte of a response
  /// From the client's end, or the request's begin if that is later, until the client of a request
  /// that can be cancelled is asked whether it is still there; doubles each time.
  Duration probe_delay = 200 * kMillisecond;
};

/// Of one request's line and headers, of a chunk's size and extensions, and of the trailers.
inline constexpr size_t kHeaderBytesMax = 16 * 1024;

/// All functions on the loop's thread. What `handle` refers to must outlive it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Handle = std::function<void(Request, Reply)>;
  /// `gone` runs once, when the socket is on its way out; `answered` with each response's status.
  struct Events {
    Handle handle;
    std::function<void(int status)> answered;
    std::function<void()> gone;
  };

  Connection(uv_loop_t* loop, std::unique_ptr<Socket> socket, ConnectionOptions options,
             Events events);
  ~Connection();

  void start();
  /// Answers the request that is under way, if there is one, and ends.
  void drain();
  /// Cancels what is under way and ends.
  void abort();
  /// Answers with that and ends, whatever the client sends.
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
  void restart_timer();
  void close(bool gracefully);

  std::unique_ptr<Socket> socket_;
  const ConnectionOptions options_;
  const Events events_;
  LoopTimer timer_;
  std::unique_ptr<Parser> parser_;

  std::string input_;      // read, not yet parsed
  bool handling_ = false;  // a request is with its handler
  bool sending_ = false;   // a response is on its way
  bool reading_ = false;
  bool close_after_ = false;  // the response under way is the last one
  bool draining_ = false;
  bool peer_ended_ = false;
  bool head_ = false;                       // the request under way is HEAD
  bool chunks_ = false;                     // its client understands chunked bodies; else a long
                                            // one ends with the connection
  std::function<bool(std::string&)> more_;  // of the response under way
  size_t unsent_at_timer_ = 0;
  Duration probe_delay_ = 0;
  std::shared_ptr<std::atomic<bool>>
      cancelled_;  // of the request under way; shared with its handler
};

}  // namespace tocsin::http
