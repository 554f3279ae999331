// The table of paths, and the checks that reject requests of foreign web pages.
#include "net/http/api.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/event_loop/address.h"
#include "net/page/page.h"

namespace tocsin::http {
namespace {

struct Route {
  std::string_view path;
  std::string_view methods;  ///< separated by a space
  Handler handler;
};

constexpr std::array kRoutes = {
    Route{"/write", "POST", &handle_write_v1},
    Route{"/api/v2/write", "POST", &handle_write_v2},
    Route{"/insert/jsonline", "POST", &handle_json_lines},
    Route{"/query", "GET POST", &handle_influx_query},
    Route{"/ping", "GET HEAD", &handle_ping},
    Route{"/health", "GET HEAD", &handle_health},
    Route{"/api/query", "GET POST", &handle_query},
    Route{"/api/complete", "GET POST", &handle_complete},
    Route{"/api/rejected/retry", "POST", &handle_retry},
    Route{"/api/v1/alerts", "GET", &handle_alerts},
    Route{"/api/v1/rules", "GET", &handle_rules},
    Route{"/metrics", "GET", &handle_metrics},
    Route{"/-/healthy", "GET HEAD", &handle_healthy},
    Route{"/-/ready", "GET HEAD", &handle_ready},
    Route{"/-/reload", "POST", &handle_reload},
};

// The host in lower case, without port and brackets: `::1` for `[::1]:8086`.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return lower_case(host.substr(1, host.find(']') - 1));
  return lower_case(host.substr(0, host.rfind(':')));
}

// A page of another origin can make a browser on this machine send requests here. Such a request is
// recognised by its Origin or, after DNS rebinding, by its Host.
std::string refusal(const Context& context, const Request& request) {
  const std::string host = request.header("host");
  const std::string name = host_name(host);
  const auto& allowed = context.allowed_hosts;
  const bool known = is_loopback_host(name) || (context.numeric_hosts && is_numeric_host(name)) ||
                     std::any_of(allowed.begin(), allowed.end(), [&](const std::string& other) {
                       return equals_ignoring_case(other, name);
                     });
  // HTTP/1.0 may omit Host; browsers never do.
  const bool sent = request.headers.count("host") != 0;
  if (sent && !known) {
    return fmt::format("host `{}` is not allowed; use localhost or a loopback address", name);
  }
  const auto origin = request.headers.find("origin");
  if (origin == request.headers.end() || equals_ignoring_case(origin->second, "http://" + host))
    return "";
  return "requests from pages of another origin are not allowed";
}

bool allows(std::string_view methods, std::string_view method) {
  const size_t at = methods.find(method);
  if (method.empty() || at == methods.npos) return false;
  const size_t end = at + method.size();
  return (at == 0 || methods[at - 1] == ' ') && (end == methods.size() || methods[end] == ' ');
}

Response wrong_method(std::string_view methods, const std::string& method) {
  std::string list(methods);
  for (size_t at = list.find(' '); at != list.npos; at = list.find(' ', at + 2))
    list.replace(at, 1, ", ");
  Response response =
      error_response(405, fmt::format("method {} is not allowed here; use {}", method, list));
  response.headers.emplace_back("Allow", list);
  return response;
}

Response page_response(const PageAsset& asset) {
  Response response{200, std::string(asset.content_type), std::string(asset.content)};
  response.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

}  // namespace

void handle_request(const Context& context, Request request, Reply reply) {
  if (const std::string message = refusal(context, request); !message.empty()) {
    return reply(error_response(403, message));
  }
  for (const Route& route : kRoutes) {
    if (route.path != request.path) continue;
    if (!allows(route.methods, request.method))
      return reply(wrong_method(route.methods, request.method));
    return route.handler(context, std::move(request), std::move(reply));
  }
  if (const PageAsset* asset = find_page_asset(request.path)) {
    if (!allows("GET HEAD", request.method)) return reply(wrong_method("GET HEAD", request.method));
    return reply(page_response(*asset));
  }
  reply(error_response(404, fmt::format("there is nothing at `{}`", request.path)));
}

void handle_healthy(const Context&, Request, Reply reply) {
  reply({200, "text/plain", "healthy\n"});
}

void handle_ready(const Context& context, Request, Reply reply) {
  if (context.ready()) return reply({200, "text/plain", "ready\n"});
  reply({503, "text/plain", "not ready: followed files are still being read\n"});
}

void handle_reload(const Context& context, Request, Reply reply) {
  if (!context.reload) return reply(error_response(501, "this server has no rule files to reload"));
  auto outcome = std::make_shared<Result<std::string>>();
  run_in_background(
      context.loop, [outcome, reload = context.reload] { *outcome = reload(); },
      [outcome, reply] {
        if (!*outcome)
          return reply(error_response(status_of(outcome->error().code), outcome->error().message));
        reply({200, "text/plain", **outcome + "\n"});
      });
}

}  // namespace tocsin::http
