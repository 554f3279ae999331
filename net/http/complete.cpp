// /api/complete: suggestions for a position in an unfinished query.
#include "query/complete/complete.h"

#include <fmt/format.h>

#include "db/base/json.h"
#include "net/http/api.h"
#include "net/parse/number.h"

namespace tocsin::http {
namespace {

std::string completion_json(const Completion& completion) {
  std::string body =
      fmt::format("{{\"start\":{},\"end\":{},\"suggestions\":[", completion.start, completion.end);
  bool first = true;
  for (const Suggestion& each : completion.suggestions) {
    body += fmt::format("{}{{\"kind\":\"{}\",\"text\":{},\"detail\":{}}}", first ? "" : ",",
                        name_of(each.kind), json_quote(each.text), json_quote(each.detail));
    first = false;
  }
  return body + "]}\n";
}

}  // namespace

void handle_complete(const Context& context, Request request, Reply reply) {
  const std::string text = request.method == "POST" ? request.body : request.parameter_or("q", "");
  size_t cursor = text.size();
  if (const auto given = request.parameter("cursor")) {
    const auto number = parse_i64(*given);
    if (!number || *number < 0) {
      return reply(error_response(400, "parameter cursor: expected a byte offset"));
    }
    cursor = static_cast<size_t>(*number);
  }
  QueryOptions options;
  options.zone = context.query_zone;
  // On a query thread, because values are read from segments.
  const bool posted =
      context.workers.post([text, cursor, reply, options, &database = context.database,
                            post = context.mailbox.poster()] {
        const Completion completion = complete(text, cursor, database, options);
        post([reply, body = completion_json(completion)] { reply(json_response(200, body)); });
      });
  if (!posted) reply(error_response(503, "too many queries are waiting; try again"));
}

}  // namespace tocsin::http
