// UDP on the loop: a bound socket, and a receiver that passes its datagrams on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "db/base/file.h"
#include "db/base/result.h"
#include "net/event_loop/address.h"

using uv_loop_t = struct uv_loop_s;

namespace tocsin {

/// A bound socket whose datagrams wait in the system until a UdpReceiver reads them.
class UdpSocket {
 public:
  /// Errors as ListenSocket::open().
  static Result<std::unique_ptr<UdpSocket>> open(const Address& address,
                                                 const std::string& setting);
  uint16_t port() const { return port_; }

 private:
  friend class UdpReceiver;
  explicit UdpSocket(int descriptor) : descriptor_(descriptor) {}
  Descriptor descriptor_;
  uint16_t port_ = 0;
};

/// Receives until it is destroyed. All functions must be called on the loop's thread.
class UdpReceiver {
 public:
  /// The views are valid only during the call. `peer` is a numeric address without port.
  using Receive = std::function<void(std::string_view data, const std::string& peer)>;

  static Result<std::unique_ptr<UdpReceiver>> start(uv_loop_t* loop,
                                                    std::unique_ptr<UdpSocket> socket,
                                                    Receive receive);
  ~UdpReceiver();
  uint16_t port() const { return port_; }
  /// Datagrams that the system dropped because its buffer was full; modulo 2^32.
  uint64_t system_drops() const;

 private:
  struct State;
  UdpReceiver(State* state, uint16_t port) : state_(state), port_(port) {}
  State* state_;  // freed by the handle's close callback
  uint16_t port_;
};

}  // namespace tocsin
