#include "net/http/record_write.h"

#include <utility>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/limits.h"
#include "net/event_loop/address.h"
#include "net/http/dry_run.h"
#include "net/http/once.h"

namespace tocsin::http {
namespace {

constexpr size_t kShownProblemsMax = 5;

struct RecordJob {
  IngestText text;
  RecordWrite write;
  std::string peer;  // for the log
  Status unpacked;
  Reply reply;

  void answer(const RecordOutcome& outcome) const {
    Response response = write.answer(outcome);
    if (outcome.status == 503) response.headers.emplace_back("Retry-After", "1");
    reply(std::move(response));
  }
};

RecordOutcome outcome_of(const IngestReport& report) {
  if (!report.status) {
    const Error& error = report.status.error();
    // A failing disk may recover; most shippers drop what is answered with another 5xx or a 4xx.
    const int status = error.code == ErrorCode::kIo ? 503 : unpack_status(error.code);
    return failed_write(status, error.message);
  }
  RecordOutcome outcome;
  outcome.rows_rejected = report.rows_rejected;
  size_t shown = 0;
  for (const IngestProblem& problem : report.problems) {
    if (shown == kShownProblemsMax) break;
    outcome.message +=
        fmt::format("{}record {}: {}", shown++ == 0 ? "" : "; ", problem.line, problem.reason);
  }
  if (shown < outcome.rows_rejected)
    outcome.message += fmt::format("; and {} more", outcome.rows_rejected - shown);
  return outcome;
}

void ingest_records(const Context& context, const std::shared_ptr<RecordJob>& job) {
  if (!job->unpacked) {
    const Error& error = job->unpacked.error();
    return job->answer(failed_write(unpack_status(error.code), error.message));
  }
  if (job->text.once) identify_body(*job->text.once, job->text.text);
  context.ingest.add(
      std::move(job->text), [] {},
      [job](const IngestReport& report) {
        const RecordOutcome outcome = outcome_of(report);
        if (outcome.rows_rejected > 0) {
          log(LogLevel::kWarning, fmt::format("http {}: rejected records: {}: {}", job->peer,
                                              outcome.rows_rejected, outcome.message));
        }
        job->answer(outcome);
      });
}

std::string measurement_of(const Context& context, const Request& request) {
  const std::string header = request.header("x-tocsin-measurement");
  return request.parameter_or("measurement", header.empty() ? context.measurement : header);
}

}  // namespace

RecordOutcome failed_write(int status, std::string message) {
  return {status, std::move(message), 0};
}

void write_records(const Context& context, Request request, RecordWrite write, Reply reply) {
  auto job = std::make_shared<RecordJob>();  // shared by the callbacks of its steps
  job->write = std::move(write);
  job->reply = std::move(reply);
  job->peer = request.peer;
  IngestText& text = job->text;
  text.records = job->write.parser;
  text.dry_run = dry_run_of(request, job->reply);
  text.once = once_of(context, request, job->reply);
  text.options.measurement = measurement_of(context, request);
  text.options.now = context.clock.now();
  text.source = "http " + host_of_peer(request.peer);
  text.path = request.path;
  text.urgent = true;  // the client waits for the answer
  text.alone = true;
  if (text.options.measurement.empty() || text.options.measurement.size() > kNameBytesMax) {
    return job->answer(
        failed_write(400, fmt::format("a measurement has 1 to {} bytes, not {}", kNameBytesMax,
                                      text.options.measurement.size())));
  }
  text.text = std::move(request.body);
  if (job->write.packing == Packing::kNone) return ingest_records(context, job);
  run_in_background(
      context.loop,
      [job, bytes_max = context.body_bytes_max] {
        job->unpacked = unpack(job->write.packing, bytes_max, job->text.text);
      },
      [&context, job] { ingest_records(context, job); });
}

}  // namespace tocsin::http
