// The table of paths.
#include "net/http/api.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "net/http/authorize.h"
#include "net/page/page.h"

namespace tocsin::http {
namespace {

struct Route {
  std::string_view path;     ///< `*` stands for one part between slashes
  std::string_view methods;  ///< separated by a space
  Demand demand;
  Handler handler;
  /// How the sender expects to be refused; null: as error_response() says it.
  Response (*refuse)(const Request&, int status, const std::string& message) = nullptr;
};

constexpr std::array kRoutes = {
    Route{"/write", "POST", Demand::kWrite, &handle_write_v1},
    Route{"/api/v2/write", "POST", Demand::kWrite, &handle_write_v2, &refuse_write_v2},
    Route{"/insert/jsonline", "POST", Demand::kWrite, &handle_json_lines},
    Route{"/loki/api/v1/push", "POST", Demand::kWrite, &handle_loki_push, &refuse_loki},
    Route{"/v1/logs", "POST", Demand::kWrite, &handle_otlp_logs, &refuse_otlp},
    Route{"/_bulk", "POST PUT", Demand::kWrite, &handle_elastic_bulk, &refuse_elastic},
    Route{"/*/_bulk", "POST PUT", Demand::kWrite, &handle_elastic_bulk, &refuse_elastic},
    Route{"/_license", "GET HEAD", Demand::kAnyToken, &handle_elastic_license, &refuse_elastic},
    Route{"/_cluster/health", "GET HEAD", Demand::kAnyToken, &handle_elastic_health,
          &refuse_elastic},
    Route{"/_index_template/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup,
          &refuse_elastic},
    Route{"/_component_template/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup,
          &refuse_elastic},
    Route{"/_template/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup,
          &refuse_elastic},
    Route{"/_ilm/policy/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup,
          &refuse_elastic},
    Route{"/_data_stream/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup,
          &refuse_elastic},
    Route{"/_ingest/pipeline/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup,
          &refuse_elastic},
    Route{"/_alias/*", "GET HEAD PUT", Demand::kAnyToken, &handle_elastic_setup, &refuse_elastic},
    Route{"/query", "GET POST", Demand::kAnyToken, &handle_influx_query},
    Route{"/ping", "GET HEAD", Demand::kNothing, &handle_ping},
    Route{"/health", "GET HEAD", Demand::kNothing, &handle_health},
    Route{"/settings", "GET", Demand::kNothing, &handle_questdb_settings},
    Route{"/api/query", "GET POST", Demand::kRead, &handle_query},
    Route{"/api/complete", "GET POST", Demand::kRead, &handle_complete},
    Route{"/api/rejected/retry", "POST", Demand::kAdmin, &handle_retry},
    Route{"/api/v1/alerts", "GET", Demand::kRead, &handle_alerts},
    Route{"/api/v1/rules", "GET", Demand::kRead, &handle_rules},
    Route{"/api/v1/alerts/ack", "POST", Demand::kAdmin, &handle_acknowledge},
    Route{"/api/v2/silences", "GET", Demand::kRead, &handle_silences},
    Route{"/api/v2/silences", "POST", Demand::kAdmin, &handle_silences},
    Route{"/api/v2/silence/*", "GET", Demand::kRead, &handle_silence},
    Route{"/api/v2/silence/*", "DELETE", Demand::kAdmin, &handle_silence},
    Route{"/api/v2/alerts", "GET", Demand::kRead, &handle_alertmanager_alerts},
    Route{"/api/v2/status", "GET", Demand::kRead, &handle_alertmanager_status},
    Route{"/metrics", "GET", Demand::kRead, &handle_metrics},
    Route{"/-/healthy", "GET HEAD", Demand::kNothing, &handle_healthy},
    Route{"/-/ready", "GET HEAD", Demand::kNothing, &handle_ready},
    Route{"/-/reload", "POST", Demand::kAdmin, &handle_reload},
    Route{"/-/retention/confirm", "POST", Demand::kAdmin, &handle_retention_confirm},
    Route{"/api/tokens", "GET POST", Demand::kTokens, &handle_tokens},
    Route{"/api/tokens/revoke", "POST", Demand::kTokens, &handle_token_revoke},
};

bool matches(std::string_view pattern, std::string_view path) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == path;
  const std::string_view end = pattern.substr(star + 1);
  if (path.size() <= star + end.size()) return false;
  const std::string_view part = path.substr(star, path.size() - star - end.size());
  return path.starts_with(pattern.substr(0, star)) && path.ends_with(end) &&
         part.find('/') == part.npos;
}

bool allows(std::string_view methods, std::string_view method) {
  const size_t at = methods.find(method);
  if (method.empty() || at == methods.npos) return false;
  const size_t end = at + method.size();
  return (at == 0 || methods[at - 1] == ' ') && (end == methods.size() || methods[end] == ' ');
}

// Of all rows with the path, because methods may demand different scopes.
std::string methods_at(std::string_view path) {
  std::string out;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, path)) continue;
    if (!out.empty()) out += ' ';
    out += route.methods;
  }
  return out;
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

// Clients of Elasticsearch ask at the path of the page which version it is.
bool is_elastic_client(const Request& request) {
  const std::string accepted = request.header("accept");
  return accepted.find("json") != accepted.npos && accepted.find("html") == accepted.npos &&
         allows("GET HEAD", request.method);
}

// Of a path without a row, nothing is demanded: the page's files are open, as it must ask for a
// token itself.
const Route* route_of(const Request& request) {
  static constexpr Route kElasticInfo{"/", "GET HEAD", Demand::kAnyToken, &handle_elastic_info,
                                      &refuse_elastic};
  if (request.path == "/" && is_elastic_client(request)) return &kElasticInfo;
  const Route* other_method = nullptr;
  for (const Route& route : kRoutes) {
    if (!matches(route.path, request.path)) continue;
    if (allows(route.methods, request.method)) return &route;
    if (other_method == nullptr) other_method = &route;
  }
  return other_method;
}

std::optional<Response> denial_of(const Context& context, const Route& route,
                                  const Request& request) {
  if (context.access == nullptr) return std::nullopt;
  const auto denial =
      context.access->check({route.demand, context.tokens_required, secret_of(request),
                             is_local(request), context.clock.now()});
  if (!denial) return std::nullopt;
  Response response = route.refuse != nullptr
                          ? route.refuse(request, denial->status, denial->message)
                          : error_response(denial->status, denial->message);
  add_challenge(response);
  return response;
}

Response page_response(const PageAsset& asset) {
  Response response{200, std::string(asset.content_type), std::string(asset.content)};
  response.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

}  // namespace

std::optional<Response> refuse_request(const Context& context, const Request& request) {
  if (const std::string message = foreign_page_error(context.names, request); !message.empty()) {
    return error_response(403, message);
  }
  const Route* route = route_of(request);
  if (route == nullptr) return std::nullopt;
  if (!allows(route->methods, request.method)) {
    const std::string methods = methods_at(request.path);
    return wrong_method(methods.empty() ? route->methods : methods, request.method);
  }
  return denial_of(context, *route, request);
}

void handle_request(const Context& context, Request request, Reply reply) {
  if (auto refusal = refuse_request(context, request)) return reply(*std::move(refusal));
  if (const Route* route = route_of(request)) {
    return route->handler(context, std::move(request), std::move(reply));
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

void handle_retention_confirm(const Context& context, Request, Reply reply) {
  auto outcome = std::make_shared<Result<std::string>>();
  run_in_background(
      context.loop,
      [outcome, &database = context.database] { *outcome = database.confirm_retention(); },
      [outcome, reply] {
        if (!*outcome)
          return reply(error_response(status_of(outcome->error().code), outcome->error().message));
        reply({200, "text/plain", **outcome + "\n"});
      });
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
