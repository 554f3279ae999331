// Reads segments and produces vectors of the rows that pass the filters.
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

/// Row counts of each window, by its index.
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
  /// With windows, each row has its window, and now() is that window's end.
  SourceReader(Execution& execution, const Program& program, const Windows* windows);
  ~SourceReader() { execution_.bytes_read += source_.bytes_read(); }
  SourceReader(const SourceReader&) = delete;
  SourceReader& operator=(const SourceReader&) = delete;

  /// Opens a unit. False if its statistics show that no row passes the filters.
  Result<bool> open(const ScanUnit& unit);
  /// Loads the rows [start, start + count) of the open unit's segment and filters them; evaluator()
  /// then has the rows that pass.
  Status load(uint32_t start, uint32_t count);

  /// Calls `consume()` for each vector of the open unit that has rows left after the filters.
  template <class F>
  Status read(const ScanUnit& unit, F consume) {
    note_access(Access::kRead);
    for (uint32_t start = unit.start; start < unit.end;) {
      // Not beyond the end of the segment's own vector, because those are decoded as a whole.
      const uint32_t count =
          std::min<uint32_t>(kVectorRows - start % kVectorRows, unit.end - start);
      TOCSIN_RETURN_IF_ERROR(load(start, count));
      if (!evaluator_.rows().empty()) TOCSIN_RETURN_IF_ERROR(consume());
      start += count;
    }
    return {};
  }

  /// Like load(), for the rows [start, start + counted.size()) of `source`, each of which
  /// represents several rows of the open unit. All of them are in one window.
  Status load_counted(ColumnSource& source, size_t start, std::span<const EntryStatistics> counted,
                      uint32_t window);
  enum class Access : uint8_t {
    kRead,
    kSkipped,   ///< no row can pass the filters
    kAnswered,  ///< from its metadata, without reading rows
  };
  /// Records how the open unit is read, for the statistics of the query.
  void note_access(Access access);

  /// From now on does not count rows and segments, because another reader reads the same ones.
  void stop_counting() { counting_ = false; }

  Evaluator& evaluator() { return evaluator_; }
  SegmentSource& source() { return source_; }
  /// The window of each loaded row (i64), or null without windows.
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
  bool is_new_segment_ = false;  // the unit opened before was of another segment
  Vector window_;
  std::vector<Timestamp> times_;  // scratch
  std::vector<Timestamp> now_;
  std::vector<uint8_t> inside_;
  WindowCounts counts_;
};

}  // namespace tocsin
