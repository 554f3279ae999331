// One thread's way through the source: segments in, vectors of rows that passed the filters out.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "query/plan/windows.h"
#include "query/scan/execution.h"
#include "query/scan/segment_source.h"
#include "query/vector/evaluator.h"

namespace tocsin {

/// What a thread saw of each window, by its index.
struct WindowCounts {
  std::vector<uint64_t> source_rows;   ///< before any filter
  std::vector<uint64_t> matched_rows;  ///< after the filters before the first stats
};

/// Cuts the units down to the rows of wanted windows: one unit per run of adjoining wanted windows.
Result<std::vector<ScanUnit>> units_of_windows(const std::vector<ScanUnit>& units,
                                               const Windows& windows);

/// Not thread-safe: one per thread. Execution, program and windows must outlive it.
class SourceReader {
 public:
  /// With windows, rows are given with their window, and now() is that window's end.
  SourceReader(Execution& execution, const Program& program, const Windows* windows);
  ~SourceReader() { execution_.bytes_read += source_.bytes_read(); }
  SourceReader(const SourceReader&) = delete;
  SourceReader& operator=(const SourceReader&) = delete;

  /// Makes ready for the unit's rows; false when statistics tell that no row passes the filters.
  Result<bool> open(const ScanUnit& unit);
  /// The rows [start, start + count) of the open unit's segment that pass the filters: see
  /// evaluator().
  Status load(uint32_t start, uint32_t count);

  /// Calls `take()` for each vector of the open unit that has rows left after the filters.
  template <class F>
  Status read(const ScanUnit& unit, F take) {
    note_access(Access::kRead);
    for (uint32_t start = unit.start; start < unit.end;) {
      // Up to where the segment's own vectors end: those are decoded as a whole.
      const uint32_t count =
          std::min<uint32_t>(kVectorRows - start % kVectorRows, unit.end - start);
      TOCSIN_RETURN_IF_ERROR(load(start, count));
      if (!evaluator_.rows().empty()) TOCSIN_RETURN_IF_ERROR(take());
      start += count;
    }
    return {};
  }

  /// Rows of `source`, [start, start + counted.size()), each of which stands for several of the
  /// open unit, all of one window: as load().
  Status load_counted(ColumnSource& source, size_t start, std::span<const EntryStatistics> counted,
                      uint32_t window);
  enum class Access : uint8_t {
    kRead,
    kSkipped,   ///< no row can pass the filters
    kAnswered,  ///< from its metadata, without a row being read
  };
  /// Says how the open unit is read: for the statistics of the query.
  void note_access(Access access);

  /// From now on the rows and segments read do not count: another reader sees the same ones.
  void stop_counting() { counting_ = false; }

  Evaluator& evaluator() { return evaluator_; }
  SegmentSource& source() { return source_; }
  /// The window of each row of the vector loaded (i64), or null without windows.
  const Vector* window() const { return windows_ ? &window_ : nullptr; }
  WindowCounts& counts() { return counts_; }

 private:
  Status count_skipped(const ScanUnit& unit);
  Status assign_windows(uint32_t start, uint32_t count);

  Execution& execution_;
  const Windows* windows_;
  SegmentSource source_;
  Evaluator evaluator_;
  const Segment* segment_ = nullptr;
  bool counting_ = true;
  bool is_new_segment_ = false;  // no unit of it was open before
  Vector window_;
  std::vector<Timestamp> times_;  // scratch
  std::vector<Timestamp> now_;
  std::vector<uint8_t> inside_;
  WindowCounts counts_;
};

}  // namespace tocsin
