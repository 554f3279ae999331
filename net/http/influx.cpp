// The other requests of InfluxDB clients: ping, health, and CREATE DATABASE.

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/json.h"
#include "net/http/api.h"

namespace tocsin::http {
namespace {

// The InfluxDB release whose write API is implemented; clients check it.
constexpr const char* kInfluxVersion = "1.8.10";

}  // namespace

// Telegraf sends CREATE DATABASE at start. There is only one database, which always exists.
void handle_influx_query(const Context&, Request request, Reply reply) {
  std::string query = request.parameter_or("q", "");
  if (query.empty()) {
    for (const auto& [name, value] : parse_parameters(request.body)) {
      if (name == "q") query = value;
    }
  }
  if (starts_with_ignoring_case(trimmed_start(query), "CREATE DATABASE"))
    return reply(json_response(200, "{\"results\":[{\"statement_id\":0}]}\n"));
  reply(error_response(
      400, "InfluxQL is not supported; send queries in Tocsin's language to /api/query"));
}

void handle_ping(const Context& context, Request request, Reply reply) {
  Response response{204, "", ""};
  const std::string verbose = request.parameter_or("verbose", "");
  if (verbose == "true" || verbose == "1") {
    response = json_response(200, fmt::format("{{\"version\":{}}}\n", json_quote(kInfluxVersion)));
  }
  response.headers = {{"X-Influxdb-Version", kInfluxVersion},
                      {"X-Influxdb-Build", "tocsin-" + context.version}};
  reply(std::move(response));
}

void handle_health(const Context& context, Request, Reply reply) {
  const DatabaseCounters counters = context.database.counters();
  std::string message = counters.writable ? "ready for queries and writes" : counters.trouble;
  if (!counters.retention_waits.empty()) message += "; " + counters.retention_waits;
  reply(json_response(
      counters.writable ? 200 : 503,
      fmt::format("{{\"name\":\"tocsin\",\"message\":{},\"status\":\"{}\",\"version\":{}}}\n",
                  json_quote(message), counters.writable ? "pass" : "fail",
                  json_quote(context.version))));
}

}  // namespace tocsin::http
