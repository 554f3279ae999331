// Names other than localhost are not resolved: the address of a listener should be explicit.
#include "net/event_loop/address.h"

#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "db/base/network.h"

namespace tocsin {
namespace {

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

bool Address::is_loopback() const { return is_loopback_host(host); }

std::string Address::text() const {
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<Address> parse_address(std::string_view text) {
  const auto wrong = [&] {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("cannot listen on `{}`: expected HOST:PORT with a numeric address, like "
                    "127.0.0.1:8086, [::1]:8086 or *:8086",
                    text));
  };
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return wrong();
  Address address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.host = host == "localhost" ? "127.0.0.1" : host == "*" ? "0.0.0.0" : std::string(host);
  address.ipv6 = is_ipv6(address.host);
  if (!is_numeric_host(address.host)) return wrong();
  return address;
}

std::string host_of_peer(std::string_view peer) {
  std::string_view host = peer.substr(0, peer.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

}  // namespace tocsin
