// Loki's push API: 204, or a status with a text, as Loki answers. Its clients drop what is answered
// with a 4xx other than 429, and repeat the rest.
#include "net/parse/loki.h"

#include <fmt/format.h>

#include "net/http/api.h"
#include "net/http/record_write.h"

namespace tocsin::http {
namespace {

Response answer_loki(const RecordOutcome& outcome) {
  if (outcome.status != 200) return {outcome.status, "text/plain", outcome.message + "\n"};
  if (outcome.rows_rejected == 0) return {204, "", ""};
  return {400, "text/plain",
          fmt::format("{}; {} entries rejected, all others stored\n", outcome.message,
                      outcome.rows_rejected)};
}

}  // namespace

Response refuse_loki(const Request&, int status, const std::string& message) {
  return answer_loki(failed_write(status, message));
}

void handle_loki_push(const Context& context, Request request, Reply reply) {
  const auto refuse = [&](const std::string& message) {
    reply(answer_loki(failed_write(415, message)));
  };
  const Result<Packing> packing = packing_of(request);
  if (!packing) return refuse(packing.error().message);
  RecordWrite write{&parse_loki_json, *packing, &answer_loki};
  if (!request.has_content_type("application/json")) {
    const std::string type = request.header("content-type");
    if (!type.empty() && !request.has_content_type("application/x-protobuf")) {
      return refuse(fmt::format(
          "unsupported Content-Type `{}`; use application/json or application/x-protobuf", type));
    }
    // Loki's clients do not always name the encoding, but it is always snappy.
    if (*packing == Packing::kGzip) return refuse("protobuf must be compressed with snappy");
    write.parser = &parse_loki_protobuf;
    write.packing = Packing::kSnappy;
  }
  write_records(context, std::move(request), std::move(write), std::move(reply));
}

}  // namespace tocsin::http
