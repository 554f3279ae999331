// One run of a query: its limits, counters and threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "query/base/budget.h"
#include "query/format/result.h"
#include "query/plan/plan.h"
#include "query/scan/segment_source.h"

namespace tocsin {

/// Limits and counters shared by the operators and threads of one run. The non-atomic members are
/// used only by the thread that runs the plan. Plan and options must outlive it.
class Execution : public Budget {
 public:
  Execution(const Plan& plan, const QueryOptions& options);

  const Plan& plan() const { return plan_; }
  unsigned thread_count() const { return thread_count_; }

  std::atomic<uint64_t> rows_scanned{0};
  std::atomic<uint64_t> rows_matched{0};
  std::atomic<uint64_t> segments_read{0};
  std::atomic<uint64_t> segments_skipped{0};
  std::atomic<uint64_t> segments_answered{0};
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> bytes_spilled{0};
  std::atomic<bool> groups_exceeded{false};  ///< a stats stopped at StatsPlan::group_count_max
  uint64_t windows_remembered = 0;
  std::vector<std::string> warnings;  ///< of this run
  std::vector<StepStatistics> steps;
  std::string spill_folder;  ///< created when needed; empty: the system's temporary folder

  /// Records a step that ended with the stage before `stage_end`.
  void finish_step(size_t stage_end, uint64_t rows_out);

 private:
  const Plan& plan_;
  unsigned thread_count_;
};

/// Rows [start, end) of one segment.
struct ScanUnit {
  const Segment* segment = nullptr;
  const MeasurementMap* map = nullptr;
  uint32_t start = 0;
  uint32_t end = 0;
  /// Too few rows to pay for per-segment preparation.
  bool few_rows() const { return (end - start) * 4 < segment->info().row_count; }
  /// Whether the unit has all rows of the segment.
  bool whole() const { return start == 0 && end == segment->info().row_count; }
};

/// A snapshot of the data that a plan's source reads. Units are ordered by the segments' first
/// times, then by the order of the measurements in the plan, then by segment id.
struct Scan {
  Snapshot snapshot;
  std::vector<MeasurementMap> maps;  ///< by measurement of the plan; units point into it
  std::vector<ScanUnit> units;
};

/// Opens the segments of the plan's measurements that have rows in `range`.
Result<Scan> open_scan(const Database& database, Execution& execution, TimeRange range);

/// Call after the last read and before returning results: kCorrupt if the file of a segment could
/// not be read.
Status check_intact(const Scan& scan);

/// Calls `work(thread, index)` for every index in [0, count) on up to `execution.thread_count()`
/// threads and returns the first error, after which no further index is started. `thread` is below
/// the thread count; the caller's thread is thread 0.
Status run_parallel(Execution& execution, size_t count,
                    const std::function<Status(unsigned thread, size_t index)>& work);

}  // namespace tocsin
