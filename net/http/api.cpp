// The table of paths.
#include "net/http/api.h"

#include <array>

#include <fmt/format.h>

#include "net/page/page.h"

namespace tocsin::http {
namespace {

struct Route {
  std::string_view path;     ///< `*` stands for one part between slashes
  std::string_view methods;  ///< separated by a space
  Handler handler;
};

constexpr std::array kRoutes = {
    Route{"/write", "POST", &handle_write_v1},
    Route{"/api/v2/write", "POST", &handle_write_v2},
    Route{"/insert/jsonline", "POST", &handle_json_lines},
    Route{"/loki/api/v1/push", "POST", &handle_loki_push},
    Route{"/v1/logs", "POST", &handle_otlp_logs},
    Route{"/_bulk", "POST PUT", &handle_elastic_bulk},
    Route{"/*/_bulk", "POST PUT", &handle_elastic_bulk},
    Route{"/_license", "GET HEAD", &handle_elastic_license},
    Route{"/_cluster/health", "GET HEAD", &handle_elastic_health},
    Route{"/_index_template/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/_component_template/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/_template/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/_ilm/policy/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/_data_stream/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/_ingest/pipeline/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/_alias/*", "GET HEAD PUT", &handle_elastic_setup},
    Route{"/query", "GET POST", &handle_influx_query},
    Route{"/ping", "GET HEAD", &handle_ping},
    Route{"/health", "GET HEAD", &handle_health},
    Route{"/settings", "GET", &handle_questdb_settings},
    Route{"/api/query", "GET POST", &handle_query},
    Route{"/api/complete", "GET POST", &handle_complete},
    Route{"/api/rejected/retry", "POST", &handle_retry},
    Route{"/api/v1/alerts", "GET", &handle_alerts},
    Route{"/api/v1/rules", "GET", &handle_rules},
    Route{"/metrics", "GET", &handle_metrics},
    Route{"/-/healthy", "GET HEAD", &handle_healthy},
    Route{"/-/ready", "GET HEAD", &handle_ready},
    Route{"/-/reload", "POST", &handle_reload},
    Route{"/-/retention/confirm", "POST", &handle_retention_confirm},
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

Response page_response(const PageAsset& asset) {
  Response response{200, std::string(asset.content_type), std::string(asset.content)};
  response.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

}  // namespace

void handle_request(const Context& context, Request request, Reply reply) {
  if (const std::string message = foreign_page_error(context.names, request); !message.empty()) {
    return reply(error_response(403, message));
  }
  for (const Route& route : kRoutes) {
    if (!matches(route.path, request.path)) continue;
    if (!allows(route.methods, request.method))
      return reply(wrong_method(route.methods, request.method));
    return route.handler(context, std::move(request), std::move(reply));
  }
  if (request.path == "/" && is_elastic_client(request))
    return handle_elastic_info(context, std::move(request), std::move(reply));
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
