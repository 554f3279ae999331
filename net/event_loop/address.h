// Addresses to listen on: HOST:PORT as text, and whether only this machine can reach them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// A numeric address and a port.
struct Address {
  std::string host;  ///< `127.0.0.1`, `::1`
  uint16_t port = 0;
  bool ipv6 = false;

  bool is_loopback() const;
  std::string text() const;  ///< `127.0.0.1:8086`, `[::1]:8086`
};

/// `127.0.0.1:8086`, `[::1]:8086`, `localhost:8086`, `*:8086`. kInvalid says what was expected.
Result<Address> parse_address(std::string_view text);

/// A peer's `127.0.0.1:4711` or `[::1]:4711` without its port: `127.0.0.1`, `::1`.
std::string host_of_peer(std::string_view peer);

/// Whether `host` is a numeric IPv4 or IPv6 address, without brackets.
bool is_numeric_host(const std::string& host);
/// Whether `host` is `localhost`, in 127.0.0.0/8, or ::1, without brackets.
bool is_loopback_host(const std::string& host);

}  // namespace tocsin
