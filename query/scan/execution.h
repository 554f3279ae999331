// One run of a query: its limits, what it counts, and its threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "query/base/options.h"
#include "query/format/result.h"
#include "query/plan/plan.h"
#include "query/scan/segment_source.h"

namespace tocsin {

/// Limits and counters shared by the operators and threads of one run. Thread-safe but for
/// `warnings`. Plan and options must outlive it.
class Execution {
 public:
  Execution(const Plan& plan, const QueryOptions& options);

  const Plan& plan() const { return plan_; }
  const QueryOptions& options() const { return options_; }
  unsigned thread_count() const { return thread_count_; }
  int64_t elapsed_us() const;

  /// kCancelled or kTimeout when it is time to stop; looked at between vectors.
  Status check() const;

  std::atomic<uint64_t> rows_scanned{0};
  std::atomic<uint64_t> rows_matched{0};
  std::atomic<uint64_t> segments_read{0};
  std::atomic<uint64_t> segments_skipped{0};
  std::atomic<uint64_t> segments_answered{0};
  std::atomic<uint64_t> bytes_read{0};
  std::atomic<uint64_t> bytes_spilled{0};
  uint64_t windows_remembered = 0;
  std::atomic<bool> memory_exceeded{false};  ///< some MemoryGauge said kLimit
  std::vector<StepStatistics> steps;         // by the thread that runs the plan
  std::string spill_folder;                  ///< made when needed; empty: the system's for such

  /// The stages before `stage_end` are done.
  void finish_step(size_t stage_end, uint64_t rows_out);

 private:
  friend class MemoryGauge;

  const Plan& plan_;
  const QueryOptions& options_;
  unsigned thread_count_;
  int64_t started_ns_;   // of the monotonic clock
  int64_t deadline_ns_;  // INT64_MAX: none
  std::atomic<size_t> memory_bytes_{0};
};

/// What one operator, or one thread of it, holds in memory; gives it back when destroyed.
class MemoryGauge {
 public:
  explicit MemoryGauge(Execution& execution) : execution_(&execution) {}
  ~MemoryGauge() { execution_->memory_bytes_ -= held_; }
  MemoryGauge(MemoryGauge&& other) noexcept
      : execution_(other.execution_), held_(std::exchange(other.held_, 0)) {}
  MemoryGauge& operator=(MemoryGauge&&) = delete;

  /// Says how many bytes are held now. kLimit when all operators together hold too many.
  Status set(size_t bytes);
  /// The same, for who can do with fewer: false when these are too many; they count until the next
  /// call all the same.
  bool try_set(size_t bytes);

 private:
  Execution* execution_;
  size_t held_ = 0;
};

/// Rows [start, end) of one segment.
struct ScanUnit {
  const Segment* segment = nullptr;
  const MeasurementMap* map = nullptr;
  uint32_t start = 0;
  uint32_t end = 0;
  /// So few that what is to be prepared once for a segment does not pay.
  bool few_rows() const { return (end - start) * 4 < segment->info().row_count; }
  /// Every row of the segment lies in the range that was asked for.
  bool whole() const { return start == 0 && end == segment->info().row_count; }
};

/// A snapshot of what a plan's source reads. Units are ordered by their first time, then by the
/// order of the measurements in the plan, then by id.
struct Scan {
  Snapshot snapshot;
  std::vector<MeasurementMap> maps;  ///< by measurement of the plan; never resized once made
  std::vector<ScanUnit> units;
};

/// Opens the segments of the plan's measurements that have rows in `range`.
Result<Scan> open_scan(const Database& database, Execution& execution, TimeRange range);

/// To be asked when all was read: kCorrupt when the file of one of its segments could not be.
Status check_intact(const Scan& scan);

/// Calls `work(thread, index)` for every index in [0, count) on up to `execution.thread_count()`
/// threads and returns the first error; after one, no further index is started. `thread` is below
/// the thread count. Runs on the caller alone when there is little to do.
Status run_parallel(Execution& execution, size_t count,
                    const std::function<Status(unsigned thread, size_t index)>& work);

}  // namespace tocsin
