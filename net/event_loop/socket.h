// Stream sockets on the loop: a listener that hands out connections, and a connection that reads,
// writes and ends politely.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"
#include "net/event_loop/address.h"

using uv_loop_t = struct uv_loop_s;

namespace tocsin {

/// One accepted connection. All functions on the loop's thread. Destroying it closes it at once.
class Socket {
 public:
  struct Callbacks {
    std::function<void(std::string_view)> data;  ///< the view is valid during the call only
    /// Once: the peer has ended, or (not clean) the connection broke. Not clean also after a clean
    /// end, when the peer does not take what is written any more.
    std::function<void(bool clean)> end;
  };

  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Before the first read. Callbacks may destroy the socket.
  void on(Callbacks callbacks);
  void start_reading();
  void stop_reading();
  /// Sends in order; `sent` runs when the last byte has been handed to the system, unless the
  /// socket goes first.
  void write(std::string data, std::function<void()> sent = nullptr);
  size_t unsent_bytes() const;
  const std::string& peer() const;  ///< `127.0.0.1:4711`

  /// Hands over the last bytes, tells the peer, and closes when it has ended too or after
  /// kLingerTime: a close while its bytes are still coming would make the system reset the
  /// connection and lose the answer.
  static void finish(std::unique_ptr<Socket> socket);
  /// Closes at once, and so that the peer sees a broken connection: an end would make it take what
  /// it has for the whole.
  static void abort(std::unique_ptr<Socket> socket);

 private:
  friend class Listener;
  struct State;
  explicit Socket(State* state) : state_(state) {}
  State* state_;  // freed by the handle's close callback
};

inline constexpr Duration kLingerTime = kSecond;

/// Accepts connections until it is destroyed. All functions on the loop's thread.
class Listener {
 public:
  using Accept = std::function<void(std::unique_ptr<Socket>)>;

  /// Binds and listens. kConflict: the port is in use; kIo: anything else. Both say what to do.
  /// `setting` is the option that would choose another port, e.g. `--http HOST:PORT`.
  static Result<std::unique_ptr<Listener>> listen(uv_loop_t* loop, const Address& address,
                                                  const std::string& setting, Accept accept);
  ~Listener();
  uint16_t port() const { return port_; }

 private:
  struct State;
  Listener(State* state, uint16_t port) : state_(state), port_(port) {}
  State* state_;  // freed by the handle's close callback
  uint16_t port_;
};

}  // namespace tocsin
