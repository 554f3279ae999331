#include "query/scan/execution.h"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

namespace tocsin {

Execution::Execution(const Plan& plan, const QueryOptions& options) : Budget(options), plan_(plan) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  thread_count_ = options.threads == 0 ? cores : options.threads;
}

void Execution::finish_step(size_t stage_end, uint64_t rows_out) {
  int64_t before = 0;
  for (const StepStatistics& step : steps) before += step.elapsed_us;
  steps.push_back({stage_end, rows_out, elapsed_us() - before});
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
