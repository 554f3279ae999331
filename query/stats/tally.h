// Counts the rows of a segment by their dictionary codes, instead of aggregating them one by one.
//
// A unit is cut at each instant at which a time limit, a bucket or a window begins. In each piece,
// rows with the same codes are equal for the stats, so they become one row with a count. If the
// stats need only one column, a whole segment is not even read: its dictionary has the counts of
// the entries.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/scan/source_reader.h"
#include "query/stats/tally_plan.h"

namespace tocsin {

/// The combinations of codes that occur in a piece of a segment, as the rows of a source. Not
/// thread-safe.
class Tally final : public ColumnSource {
 public:
  explicit Tally(const TallyPlan& plan) : plan_(plan) {}

  /// Opens the columns of an opened segment. False if one has no dictionary or if there are too
  /// many combinations. `source` must stay open.
  Result<bool> open(SegmentSource& source, const ScanUnit& unit);
  /// Counts the rows of the whole segment without reading it; false if its metadata do not suffice.
  Result<bool> count_metadata(const ScanUnit& unit);
  /// Counts the rows [start, end) of the segment. `time` is an instant in the same piece, used as
  /// the time of all rows unless the plan needs the exact times. Requires: start < end.
  Status count(uint32_t start, uint32_t end, Timestamp time);

  size_t size() const { return counted_.size(); }
  /// The number of rows that each row represents and, if the plan needs them, their first and last
  /// time.
  std::span<const EntryStatistics> counted() const { return counted_; }

  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
              Vector& out) override;
  Result<const Dictionary*> dictionary(uint32_t column) override {
    return source_->dictionary(column);
  }

 private:
  struct Digit {
    const Dictionary* dictionary = nullptr;
    uint32_t stride = 0;  // a combination is the sum of stride * code
  };

  Status load(uint32_t vector);
  void count_cells(std::span<const uint32_t> cells);
  void count_cells_with_times(std::span<const uint32_t> cells, std::span<const Timestamp> times);
  void collect();
  void collect_dense();
  void add_row(uint32_t cell, const EntryStatistics& rows);

  const TallyPlan& plan_;
  SegmentSource* source_ = nullptr;
  const Segment* segment_ = nullptr;
  std::vector<Digit> digits_;  // by column of the plan
  uint32_t cell_count_ = 0;

  // The vector of the segment that was loaded last.
  uint32_t loaded_ = UINT32_MAX;
  std::span<const uint32_t> loaded_cells_;  // in `codes_` or `sums_`
  std::vector<Timestamp> loaded_times_;
  Vector codes_;
  std::vector<uint32_t> sums_;

  std::vector<uint32_t> counts_;   // two arrays by cell; all zero between two calls of count()
  std::vector<uint32_t> touched_;  // the cells whose count is not zero
  std::vector<Timestamp> first_times_, last_times_;  // by cell

  Timestamp time_ = 0;           // an instant in the piece, used as the time of all rows
  std::vector<uint32_t> cells_;  // by row
  std::vector<EntryStatistics> counted_;
};

/// Reads units through a Tally. Not thread-safe: one per thread. The constructor's arguments must
/// outlive it.
class TallyReader {
 public:
  TallyReader(Execution& execution, const TallyPlan& plan, const StatsPlan& stats,
              const Windows* windows)
      : execution_(execution), plan_(plan), stats_(stats), windows_(windows), tally_(plan) {}

  /// Calls `consume(counted)` for each vector of rows that passed the filters, which are loaded in
  /// `reader`; `counted[row]` has the rows that the row represents. Returns false, calling nothing,
  /// if the unit has to be read row by row. Requires: the unit is open in `reader`.
  template <class F>
  Result<bool> read(SourceReader& reader, const ScanUnit& unit, F consume) {
    TOCSIN_TRY(const bool possible, prepare(reader, unit));
    if (!possible) return false;
    for (const Piece& piece : pieces_) {
      TOCSIN_RETURN_IF_ERROR(count(reader, piece));
      for (size_t start = 0; start < tally_.size(); start += kVectorRows) {
        const auto counted =
            tally_.counted().subspan(start, std::min(kVectorRows, tally_.size() - start));
        TOCSIN_RETURN_IF_ERROR(reader.load_counted(tally_, start, counted, piece.window));
        if (!reader.evaluator().rows().empty()) TOCSIN_RETURN_IF_ERROR(consume(counted));
      }
    }
    return true;
  }

 private:
  struct Piece {
    uint32_t start = 0;
    uint32_t end = 0;
    Timestamp time = 0;  // at or before its first row, with no cut between them
    uint32_t window = 0;
  };

  Result<bool> prepare(SourceReader& reader, const ScanUnit& unit);
  Result<std::vector<Timestamp>> find_cuts(SourceReader& reader, TimeRange span, size_t cuts_max);
  Status add_limits(SourceReader& reader, Timestamp now, std::vector<Timestamp>& cuts);
  Status count(SourceReader& reader, const Piece& piece);

  Execution& execution_;
  const TallyPlan& plan_;
  const StatsPlan& stats_;
  const Windows* windows_;
  Tally tally_;
  std::vector<Piece> pieces_;
  bool from_metadata_ = false;
};

}  // namespace tocsin
