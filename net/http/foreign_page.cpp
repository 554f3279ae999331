// A foreign page is recognised by the Origin that browsers add to its requests, by Sec-Fetch-Site
// (Fetch Metadata Request Headers, W3C), or, after DNS rebinding, by its Host.
#include "net/http/foreign_page.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/network.h"

namespace tocsin::http {
namespace {

// The host in lower case, without port and brackets: `::1` for `[::1]:8086`.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return lower_case(host.substr(1, host.find(']') - 1));
  return lower_case(host.substr(0, host.rfind(':')));
}

// Scheme and authority of a URL as browsers send them: `https://logs.example` for
// `https://Logs.example:443/tocsin/`.
std::string origin_of(std::string_view url) {
  const size_t authority = url.find("//") + 2;
  std::string origin = lower_case(url.substr(0, url.find('/', authority)));
  for (const auto& [scheme, port] : {std::pair("http://", ":80"), std::pair("https://", ":443")}) {
    if (origin.starts_with(scheme) && origin.ends_with(port))
      origin.resize(origin.size() - std::string_view(port).size());
  }
  return origin;
}

bool is_known_host(const OwnNames& names, const std::string& name) {
  if (is_loopback_host(name) || (names.numeric_hosts && is_numeric_host(name))) return true;
  const auto equals = [&](const std::string& other) { return equals_ignoring_case(other, name); };
  if (std::any_of(names.allowed_hosts.begin(), names.allowed_hosts.end(), equals)) return true;
  if (names.external_url.empty()) return false;
  const std::string origin = origin_of(names.external_url);
  return host_name(origin.substr(origin.find("//") + 2)) == name;
}

// The origins of this server's own page.
bool is_own_origin(const OwnNames& names, const std::string& origin, const std::string& host) {
  if (equals_ignoring_case(origin, (names.tls ? "https://" : "http://") + host)) return true;
  return !names.external_url.empty() && equals_ignoring_case(origin, origin_of(names.external_url));
}

// Somebody followed a link to the page, for example in a chat. The link may carry a query, which
// can only read, and whose result the foreign page does not see.
bool opens_the_page(const Request& request) {
  return request.path == "/" && (request.method == "GET" || request.method == "HEAD") &&
         request.header("sec-fetch-mode") == "navigate" &&
         request.header("sec-fetch-dest") == "document";
}

}  // namespace

std::string foreign_page_error(const OwnNames& names, const Request& request) {
  const std::string host = request.header("host");
  const std::string name = host_name(host);
  // HTTP/1.0 may omit Host; browsers never do.
  if (request.headers.contains("host") && !is_known_host(names, name)) {
    return fmt::format(
        "host `{}` is not allowed; use localhost or a loopback address, or add the name to "
        "`listen.allowed_hosts`",
        name);
  }
  if (request.headers.contains("origin") && !is_own_origin(names, request.header("origin"), host)) {
    return "requests from pages of another origin are not allowed; if this page is the server's "
           "own, behind a proxy, set `listen.external_url` to its address";
  }
  // `same-site` is another server of the same domain, such as another port of localhost.
  const std::string site = request.header("sec-fetch-site");
  const bool is_foreign = !site.empty() && site != "same-origin" && site != "none";
  if (is_foreign && !opens_the_page(request)) {
    return "requests from pages of another site are not allowed";
  }
  return "";
}

}  // namespace tocsin::http
