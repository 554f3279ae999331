// /api/rejected/retry: stores lines of `rejected` after a fix, on a query thread.
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
