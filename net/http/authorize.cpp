#include "net/http/authorize.h"

#include "db/base/ascii.h"
#include "db/base/binary_text.h"
#include "db/base/network.h"
#include "net/event_loop/address.h"

namespace tocsin::http {
namespace {

// The part after the colon of `user:secret` in base64.
std::optional<std::string> after_colon(std::string_view base64) {
  const auto text = parse_base64(base64);
  if (!text || text->find(':') == text->npos) return std::nullopt;
  return text->substr(text->find(':') + 1);
}

std::optional<std::string> secret_of_header(std::string_view value) {
  const size_t space = value.find(' ');
  if (space == value.npos) return std::nullopt;
  const std::string_view scheme = value.substr(0, space);
  const std::string_view rest = trimmed(value.substr(space));
  for (const std::string_view plain : {"bearer", "token"}) {
    if (equals_ignoring_case(scheme, plain)) return std::string(rest);
  }
  for (const std::string_view packed : {"basic", "apikey"}) {
    if (equals_ignoring_case(scheme, packed)) return after_colon(rest);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> secret_of(const Request& request) {
  if (request.headers.contains("authorization")) {
    return secret_of_header(request.header("authorization"));
  }
  const bool influx = request.path == "/write" || request.path == "/query";
  return influx ? request.parameter("p") : std::nullopt;
}

bool is_local(const Request& request) {
  for (const char* name : {"forwarded", "x-forwarded-for", "x-real-ip", "via"}) {
    if (request.headers.contains(name)) return false;
  }
  return is_loopback_host(host_of_peer(request.peer));
}

void add_challenge(Response& response) {
  if (response.status != 401) return;
  response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tocsin\"");
}

}  // namespace tocsin::http
