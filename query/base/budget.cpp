#include "query/base/budget.h"

#include <chrono>

#include <fmt/format.h>

namespace tocsin {
namespace {

int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Budget::Budget(const QueryOptions& options) : options_(options), started_ns_(monotonic_ns()) {
  deadline_ns_ = options.timeout > 0 && options.timeout < INT64_MAX - started_ns_
                     ? started_ns_ + options.timeout
                     : INT64_MAX;
}

int64_t Budget::elapsed_us() const { return (monotonic_ns() - started_ns_) / 1000; }

Status Budget::check() const {
  if (options_.cancelled && options_.cancelled->load(std::memory_order_relaxed)) {
    return fail(ErrorCode::kCancelled, "the query was cancelled");
  }
  if (deadline_ns_ != INT64_MAX && monotonic_ns() > deadline_ns_) {
    return fail(ErrorCode::kTimeout,
                fmt::format("the query did not finish within {}; use a shorter range or fewer "
                            "measurements, or raise the timeout",
                            format_duration(options_.timeout)));
  }
  return {};
}

bool MemoryGauge::try_set(size_t bytes) {
  const size_t before = std::exchange(held_, bytes);
  const size_t total = budget_->memory_bytes_ += bytes - before;  // may wrap, which is correct
  return total <= budget_->options().memory_bytes_max;
}

Status MemoryGauge::set(size_t bytes) {
  if (try_set(bytes)) return {};
  const size_t max = budget_->options().memory_bytes_max;
  budget_->memory_exceeded = true;
  return fail(
      ErrorCode::kLimit,
      fmt::format("the query needs more than {} MiB of memory; add a `limit`, use a shorter "
                  "range, filter more rows out, or group by fewer keys",
                  (max + kMiB - 1) / kMiB));
}

}  // namespace tocsin
