// TCP sockets on the loop: a listener that accepts connections, and connections that read, write
// and close without losing data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "db/base/file.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "net/event_loop/address.h"

using uv_loop_t = struct uv_loop_s;

namespace tocsin {

class TlsContext;

/// One accepted connection. All functions must be called on the loop's thread. Destruction closes
/// the connection at once.
class Socket {
 public:
  struct Callbacks {
    std::function<void(std::string_view)> data;  ///< the view is valid only during the call
    /// The peer closed its side (`clean`), or the connection broke. May be called a second time,
    /// not clean, if a write fails after a clean end.
    std::function<void(bool clean)> end;
    /// On a socket with TLS, the peer began with these bytes, which are not TLS. The socket has
    /// become plain, so that an answer can be sent. If empty, the connection ends, not clean.
    std::function<void(std::string_view)> not_tls = {};
  };

  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Must be called before the first read. Callbacks may destroy the socket.
  void set_callbacks(Callbacks callbacks);
  /// Makes this the server's side of a TLS connection. The connection ends, not clean, if the
  /// handshake fails or takes longer than kTlsHandshakeTimeout. A peer that ends without saying so
  /// in TLS has not ended clean. Requires: nothing was read or written.
  void start_tls(const TlsContext& context);
  void start_reading();
  void stop_reading();
  /// Sends in order; before the end of a TLS handshake it waits. Calls `sent` when the last byte
  /// has been passed to the system, unless the socket is destroyed first.
  void write(std::string data, std::function<void()> sent = nullptr);
  size_t unsent_bytes() const;
  const std::string& peer() const;  ///< `127.0.0.1:4711`

  /// Sends the remaining bytes, ends its side, and closes when the peer has ended too or after
  /// kLingerTime. Closing while bytes of the peer still arrive would make the system reset the
  /// connection, and the peer could lose the answer.
  static void finish(std::unique_ptr<Socket> socket);
  /// Resets the connection, so that the peer does not take an incomplete answer for a complete one.
  static void abort(std::unique_ptr<Socket> socket);

 private:
  friend class Listener;
  struct State;
  explicit Socket(State* state) : state_(state) {}
  State* state_;  // freed by the handle's close callback
};

inline constexpr Duration kLingerTime = kSecond;

/// A bound socket whose connections wait until a Listener accepts them.
class ListenSocket {
 public:
  /// Binds and listens. kConflict: the port is in use; kIo: any other error. Both messages say what
  /// to do. `setting` is the option that chooses the address, such as `--http HOST:PORT`.
  static Result<std::unique_ptr<ListenSocket>> open(const Address& address,
                                                    const std::string& setting);
  uint16_t port() const { return port_; }

 private:
  friend class Listener;
  explicit ListenSocket(int descriptor) : descriptor_(descriptor) {}
  Descriptor descriptor_;
  uint16_t port_ = 0;
};

/// Accepts connections until it is destroyed. All functions must be called on the loop's thread.
class Listener {
 public:
  using Accept = std::function<void(std::unique_ptr<Socket>)>;

  static Result<std::unique_ptr<Listener>> start(uv_loop_t* loop,
                                                 std::unique_ptr<ListenSocket> socket,
                                                 Accept accept);
  ~Listener();
  uint16_t port() const { return port_; }

 private:
  struct State;
  Listener(State* state, uint16_t port) : state_(state), port_(port) {}
  State* state_;  // freed by the handle's close callback
  uint16_t port_;
};

}  // namespace tocsin
