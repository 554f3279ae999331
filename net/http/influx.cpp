// The other requests of clients that write line protocol: InfluxDB's ping, health and CREATE
// DATABASE, and the settings that QuestDB's clients ask for.

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/json.h"
#include "db/limits.h"
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

// QuestDB's clients over HTTP ask before their first write which versions of their line protocol
// the server reads (questdb/questdb, SettingsEndpointTest). Versions 2 and 3 have binary values;
// version 1 is plain text.
void handle_questdb_settings(const Context& context, Request, Reply reply) {
  reply(json_response(
      200, fmt::format("{{\"config\":{{\"release.type\":\"OSS\",\"release.version\":{},"
                       "\"accepting.writes\":[\"http\"],\"line.proto.support.versions\":[1],"
                       "\"ilp.proto.transports\":[\"http\"],\"cairo.max.file.name.length\":{}}},"
                       "\"preferences.version\":0,\"preferences\":{{}}}}\n",
                       json_quote("tocsin-" + context.version), kNameBytesMax)));
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
