// IP networks: an address and the number of its bits that count.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// `10.0.0.0/8`, `fd00::/8`, or one address. Addresses like `::ffff:10.0.0.1` are IPv4 addresses.
class IpNetwork {
 public:
  /// kInvalid says what was expected, also if bits after the prefix are set, as in `10.1.2.3/8`:
  /// such a network may be larger than its author believes.
  static Result<IpNetwork> parse(std::string_view text);

  /// Whether `address`, without brackets, is in the network. False if it is not an address.
  bool contains(const std::string& address) const;

  bool operator==(const IpNetwork&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};  // IPv4 is mapped into ::ffff:0:0/96
  unsigned prefix_ = 0;
};

/// Whether `host`, without brackets, is a numeric IPv4 or IPv6 address.
bool is_numeric_host(const std::string& host);
/// Whether `host`, without brackets, is `localhost` or an address of this machine only: in
/// 127.0.0.0/8, or ::1.
bool is_loopback_host(const std::string& host);

}  // namespace tocsin
