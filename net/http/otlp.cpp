// OTLP/HTTP for logs: answers have the encoding of the request. Exporters repeat what is answered
// with 429, 502, 503 or 504, and drop what is answered with another error.
// Source: opentelemetry-proto, docs/specification.md, OTLP/HTTP.
#include "net/parse/otlp.h"

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "db/base/json.h"
#include "net/http/api.h"
#include "net/http/record_write.h"

namespace tocsin::http {
namespace {

constexpr const char* kProtobufType = "application/x-protobuf";

// google.rpc.Code
int code_of(int status) {
  switch (status) {
    case 400: return 3;   // INVALID_ARGUMENT
    case 401: return 16;  // UNAUTHENTICATED
    case 403: return 7;   // PERMISSION_DENIED
    case 413: return 8;   // RESOURCE_EXHAUSTED
    case 503: return 14;  // UNAVAILABLE
    default: return 13;   // INTERNAL
  }
}

// ExportLogsServiceResponse, or google.rpc.Status after an error.
Response answer_otlp_protobuf(const RecordOutcome& outcome) {
  std::string body;
  protozero::pbf_writer message(body);
  if (outcome.status != 200) {
    message.add_int32(1, code_of(outcome.status));
    message.add_string(2, outcome.message);
  } else if (outcome.rows_rejected > 0) {
    protozero::pbf_writer partial(message, 1);
    partial.add_int64(1, static_cast<int64_t>(outcome.rows_rejected));
    partial.add_string(2, outcome.message);
  }
  return {outcome.status, kProtobufType, std::move(body)};
}

Response answer_otlp_json(const RecordOutcome& outcome) {
  if (outcome.status != 200) {
    return json_response(outcome.status,
                         fmt::format("{{\"code\":{},\"message\":{}}}\n", code_of(outcome.status),
                                     json_quote(outcome.message)));
  }
  if (outcome.rows_rejected == 0) return json_response(200, "{}\n");
  // In the JSON of protobuf, integers of 64 bits are strings.
  return json_response(
      200,
      fmt::format("{{\"partialSuccess\":{{\"rejectedLogRecords\":\"{}\",\"errorMessage\":{}}}}}\n",
                  outcome.rows_rejected, json_quote(outcome.message)));
}

}  // namespace

Response refuse_otlp(const Request& request, int status, const std::string& message) {
  const RecordOutcome outcome = failed_write(status, message);
  return request.has_content_type("application/json") ? answer_otlp_json(outcome)
                                                      : answer_otlp_protobuf(outcome);
}

void handle_otlp_logs(const Context& context, Request request, Reply reply) {
  const bool json = request.has_content_type("application/json");
  if (!json && !request.has_content_type(kProtobufType)) {
    return reply(error_response(
        415, fmt::format("unsupported Content-Type `{}`; use application/x-protobuf or "
                         "application/json",
                         request.header("content-type"))));
  }
  RecordWrite write{json ? &parse_otlp_json : &parse_otlp_protobuf, Packing::kNone,
                    json ? &answer_otlp_json : &answer_otlp_protobuf};
  const Result<Packing> packing = packing_of(request);
  if (!packing) return reply(write.answer(failed_write(415, packing.error().message)));
  write.packing = *packing;
  write_records(context, std::move(request), std::move(write), std::move(reply));
}

}  // namespace tocsin::http
