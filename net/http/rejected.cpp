// /api/rejected/retry: stores lines of `rejected` after a fix, on a query thread.
#include <array>

#include <fmt/format.h>

#include "db/base/log.h"
#include "net/http/api.h"
#include "net/rejected/retry.h"

namespace tocsin::http {
namespace {

struct RetryJob {
  RetryOptions options;
  std::shared_ptr<std::atomic<bool>> cancelled;  // shared with the connection
  Reply reply;
};

Response retry(Database& database, RetryJob& job) {
  job.options.stop = job.cancelled.get();
  const Result<RetryReport> report = retry_rejected(database, job.options);
  if (!report) return error_response(status_of(report.error().code), report.error().message);
  log(LogLevel::kInfo, fmt::format("retried rejected lines: {} stored, {} rejected again",
                                   report->stored, report->rejected_again));
  return json_response(200, retry_report_json(*report));
}

}  // namespace

void handle_retry(const Context& context, Request request, Reply reply) {
  // A misspelled filter would retry all lines.
  constexpr std::array<std::string_view, 2> kKnown = {"source", "reason"};
  if (const auto others = request.other_parameters(kKnown); !others.empty()) {
    return reply(error_response(
        400, fmt::format("unknown parameter `{}`; expected source or reason", others.front())));
  }
  auto job = std::make_shared<RetryJob>();  // shared with the worker
  job->options.source = request.parameter_or("source", "");
  job->options.reason = request.parameter_or("reason", "");
  job->cancelled = request.cancelled;
  job->reply = std::move(reply);
  const bool posted =
      context.workers.post([job, &database = context.database, post = context.mailbox.poster()] {
        Response response = retry(database, *job);
        post([job, response = std::move(response)] { job->reply(response); });
      });
  if (!posted) job->reply(error_response(503, "too many queries are waiting; try again"));
}

}  // namespace tocsin::http
