// Addresses to listen on: HOST:PORT as text, and whether they are reachable from this machine only.
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

/// Parses `127.0.0.1:8086`, `[::1]:8086`, `localhost:8086` or `*:8086`. kInvalid says what was
/// expected.
Result<Address> parse_address(std::string_view text);

/// The host of a peer's address: `127.0.0.1` for `127.0.0.1:4711`, `::1` for `[::1]:4711`.
std::string host_of_peer(std::string_view peer);

}  // namespace tocsin
