#include "net/event_loop/bind.h"

#include <cerrno>

#include <fmt/format.h>
#include <uv.h>

namespace tocsin {

tl::unexpected<Error> listen_error(const Address& address, const std::string& setting, int error) {
  if (error == EADDRINUSE) {
    return fail(ErrorCode::kConflict,
                fmt::format("cannot listen on {}: the port is in use; stop the program that uses "
                            "it (`ss -lntup sport = :{}` shows it) or choose another port with {}",
                            address.text(), address.port, setting));
  }
  return fail(ErrorCode::kIo, fmt::format("cannot listen on {}: {}; choose another address with {}",
                                          address.text(), uv_strerror(-error), setting));
}

sockaddr_storage storage_of(const Address& address) {
  sockaddr_storage storage{};
  if (address.ipv6) {
    uv_ip6_addr(address.host.c_str(), address.port, reinterpret_cast<sockaddr_in6*>(&storage));
  } else {
    uv_ip4_addr(address.host.c_str(), address.port, reinterpret_cast<sockaddr_in*>(&storage));
  }
  return storage;
}

uint16_t port_of(const sockaddr_storage& storage) {
  const auto* generic = reinterpret_cast<const sockaddr*>(&storage);
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(generic)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(generic)->sin_port);
}

}  // namespace tocsin
