#include "query/scan/execution.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace tocsin {
namespace {

int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Execution::Execution(const Plan& plan, const QueryOptions& options)
    : plan_(plan), options_(options), started_ns_(monotonic_ns()) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  thread_count_ = options.threads == 0 ? cores : options.threads;
  deadline_ns_ = options.timeout > 0 && options.timeout < INT64_MAX - started_ns_
                     ? started_ns_ + options.timeout
                     : INT64_MAX;
}

int64_t Execution::elapsed_us() const { return (monotonic_ns() - started_ns_) / 1000; }

void Execution::finish_step(size_t stage_end, uint64_t rows_out) {
  int64_t before = 0;
  for (const StepStatistics& step : steps) before += step.elapsed_us;
  steps.push_back({stage_end, rows_out, elapsed_us() - before});
}

Status Execution::check() const {
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
  const size_t total = execution_->memory_bytes_ += bytes - before;  // may wrap, which is correct
  return total <= execution_->options().memory_bytes_max;
}

Status MemoryGauge::set(size_t bytes) {
  if (try_set(bytes)) return {};
  const size_t max = execution_->options().memory_bytes_max;
  execution_->memory_exceeded = true;
  return fail(
      ErrorCode::kLimit,
      fmt::format("the query needs more than {} MiB of memory; add a `limit`, use a shorter "
                  "range, filter more rows out, or group by fewer keys",
                  (max + kMiB - 1) / kMiB));
}

Result<Scan> open_scan(const Database& database, Execution& execution, TimeRange range) {
  const Plan& plan = execution.plan();
  SnapshotScope scope;
  scope.range = range;
  for (const SourceMeasurement& source : plan.source) scope.measurements.push_back(source.name);

  Scan scan;
  TOCSIN_TRY(scan.snapshot, database.snapshot(scope));
  scan.maps.reserve(plan.source.size());
  std::vector<std::pair<MeasurementId, size_t>> by_id;
  for (const SourceMeasurement& source : plan.source) {
    const Measurement* stored = scan.snapshot.catalog->find(source.name);
    TOCSIN_TRY(MeasurementMap map, MeasurementMap::make(plan, source, stored));
    if (stored) by_id.emplace_back(stored->id, scan.maps.size());
    scan.maps.push_back(std::move(map));
  }
  std::ranges::sort(by_id);

  for (const auto& segment : scan.snapshot.segments) {
    const SegmentInfo& info = segment->info();
    const auto found = std::ranges::lower_bound(by_id, std::pair{info.measurement, size_t{0}});
    if (found == by_id.end() || found->first != info.measurement) continue;
    ScanUnit unit{segment.get(), &scan.maps[found->second], 0, info.row_count};
    if (info.min_time < range.start || info.max_time >= range.end) {
      TOCSIN_TRY(const auto rows, segment->rows_in(range));
      unit.start = rows.first;
      unit.end = rows.second;
    }
    if (unit.start < unit.end) {
      scan.units.push_back(unit);
    } else {
      ++execution.segments_skipped;
    }
  }
  std::ranges::sort(scan.units, {}, [](const ScanUnit& unit) {
    const SegmentInfo& info = unit.segment->info();
    return std::tuple(info.min_time, unit.map, info.id);
  });
  return scan;
}

Status check_intact(const Scan& scan) {
  for (const auto& segment : scan.snapshot.segments) {
    TOCSIN_RETURN_IF_ERROR(segment->check_intact());
  }
  return {};
}

Status run_parallel(Execution& execution, size_t count,
                    const std::function<Status(unsigned, size_t)>& work) {
  const auto thread_count =
      static_cast<unsigned>(std::min<size_t>(execution.thread_count(), std::max<size_t>(count, 1)));
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status result;
  const auto run = [&](unsigned thread) {
    for (size_t index = next++; index < count; index = next++) {
      Status status = execution.check();
      if (status) status = work(thread, index);
      if (status) continue;
      const std::lock_guard lock(mutex);
      if (result) result = std::move(status);
      next = count;
      return;
    }
  };
  std::vector<std::thread> threads;
  try {
    for (unsigned thread = 1; thread < thread_count; ++thread) threads.emplace_back(run, thread);
  } catch (const std::system_error&) {
    // The system allows no more threads; continue with those that have started.
  }
  run(0);
  for (std::thread& thread : threads) thread.join();
  return result;
}

}  // namespace tocsin
