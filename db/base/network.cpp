#include "db/base/network.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace tocsin {
namespace {

using AddressBytes = std::array<uint8_t, 16>;

constexpr unsigned kAddressBits = 128;
constexpr unsigned kMappedBits = 96;  // before the IPv4 address in ::ffff:0:0/96

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

std::optional<AddressBytes> bytes_of_address(const std::string& text) {
  AddressBytes bytes{};
  const std::string mapped = is_ipv4(text) ? "::ffff:" + text : text;
  if (inet_pton(AF_INET6, mapped.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

AddressBytes masked(AddressBytes bytes, unsigned prefix) {
  for (unsigned bit = prefix; bit < kAddressBits; ++bit) {
    bytes[bit / 8] &= static_cast<uint8_t>(~(0x80U >> bit % 8));
  }
  return bytes;
}

}  // namespace

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalid,
                fmt::format("`{}` is not a network; expected an address and a prefix length, like "
                            "10.0.0.0/8 or fd00::/8, or one address",
                            text));
  };
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  const auto bytes = bytes_of_address(address);
  if (!bytes) return wrong();
  const unsigned first = is_ipv4(address) ? kMappedBits : 0;
  IpNetwork network;
  network.prefix_ = kAddressBits;
  if (slash != text.npos) {
    const std::string_view length = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (error != std::errc() || end != length.data() + length.size()) return wrong();
    if (bits > kAddressBits - first) return wrong();
    network.prefix_ = first + bits;
  }
  network.bytes_ = masked(*bytes, network.prefix_);
  if (network.bytes_ != *bytes) {
    return fail(ErrorCode::kInvalid,
                fmt::format("`{}` has bits after its prefix; write the first address of the "
                            "network, or one address without a prefix",
                            text));
  }
  return network;
}

bool IpNetwork::contains(const std::string& address) const {
  const auto bytes = bytes_of_address(address);
  return bytes && masked(*bytes, prefix_) == bytes_;
}

bool is_numeric_host(const std::string& host) { return bytes_of_address(host).has_value(); }

bool is_loopback_host(const std::string& host) {
  static const IpNetwork kLoopback4 = *IpNetwork::parse("127.0.0.0/8");
  static const IpNetwork kLoopback6 = *IpNetwork::parse("::1");
  return host == "localhost" || kLoopback4.contains(host) || kLoopback6.contains(host);
}

}  // namespace tocsin
