// Merges segments, which are sorted by time. Each is opened when the merge reaches its first row.
#include "tools/export/store_rows.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "db/limits.h"

namespace tocsin {
namespace {

// Limits for decoded rows in memory. While few segments are open, each may use a whole vector.
constexpr size_t kDecodedRowsMax = 64 * kVectorRows;  // of all segments
// Of one segment: strings are decoded in blocks, so fewer would be wasteful.
constexpr size_t kDecodedRowsMin = 64;

/// Decoded rows of one column.
struct DecodedColumn {
  uint32_t index = 0;  // in the measurement
  const SegmentColumn* stored = nullptr;
  std::vector<uint8_t> valid;  // empty if no row is null
  std::vector<int64_t> i64;
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint8_t> boolean;
  std::span<const std::string_view> entries;  // of a dictionary
  std::vector<uint32_t> codes;
  StringVector strings;

  Status read(size_t start, size_t count, std::span<const uint32_t> rows) {
    valid.clear();
    if (stored->has_nulls()) {
      valid.resize(count);
      TOCSIN_RETURN_IF_ERROR(stored->read_valid(start, valid));
    }
    switch (stored->type()) {
      case ColumnType::kI64: i64.resize(count); return stored->read_i64(start, i64);
      case ColumnType::kU64: u64.resize(count); return stored->read_u64(start, u64);
      case ColumnType::kF64: f64.resize(count); return stored->read_f64(start, f64);
      case ColumnType::kBool: boolean.resize(count); return stored->read_bool(start, boolean);
      case ColumnType::kString: break;
    }
    if (!stored->has_dictionary()) return stored->read_strings(rows, strings);
    TOCSIN_TRY(entries, stored->entries());
    codes.resize(count);
    return stored->read_codes(start, codes);
  }

  /// Requires: the row has a value.
  ExportCell cell(size_t row) const {
    switch (stored->type()) {
      case ColumnType::kI64: return {index, static_cast<uint64_t>(i64[row]), {}};
      case ColumnType::kU64: return {index, u64[row], {}};
      case ColumnType::kF64: return {index, std::bit_cast<uint64_t>(f64[row]), {}};
      case ColumnType::kBool: return {index, boolean[row], {}};
      case ColumnType::kString: break;
    }
    return {index, 0, stored->has_dictionary() ? entries[codes[row]] : strings.values[row]};
  }
};

/// Reads one segment from its first row to its last.
class SegmentCursor {
 public:
  SegmentCursor(std::shared_ptr<const Segment> segment, size_t order)
      : segment_(std::move(segment)), order_(order) {}

  Status open(const Measurement& measurement, uint32_t measurement_index) {
    measurement_ = measurement_index;
    for (uint32_t i = 0; i < measurement.columns.size(); ++i) {
      TOCSIN_TRY(const SegmentColumn* stored, segment_->column(measurement.columns[i]));
      if (stored == nullptr) continue;
      columns_.emplace_back();
      columns_.back().index = i;
      columns_.back().stored = stored;
    }
    return {};
  }

  /// Decodes the next rows, at most `row_count`; false after the last one.
  Result<bool> load(size_t row_count) {
    start_ += times_.size();
    at_ = 0;
    const size_t count = std::min<size_t>(row_count, segment_->info().row_count - start_);
    times_.resize(count);
    if (count == 0) return false;
    TOCSIN_RETURN_IF_ERROR(segment_->read_times(start_, times_));
    rows_.resize(count);
    std::iota(rows_.begin(), rows_.end(), static_cast<uint32_t>(start_));
    for (DecodedColumn& column : columns_) {
      TOCSIN_RETURN_IF_ERROR(column.read(start_, count, rows_));
    }
    TOCSIN_RETURN_IF_ERROR(segment_->check_intact());
    return true;
  }

  // The current row.
  bool at_end_of_loaded() const { return at_ == times_.size(); }
  std::pair<Timestamp, size_t> place() const { return {times_[at_], order_}; }
  /// Reads the current row and moves to the next.
  void read(ExportRow& row) {
    row.measurement = measurement_;
    row.time = times_[at_];
    row.cells.clear();
    for (const DecodedColumn& column : columns_) {
      if (column.valid.empty() || column.valid[at_] != 0) row.cells.push_back(column.cell(at_));
    }
    ++at_;
  }

 private:
  const std::shared_ptr<const Segment> segment_;  // shared with the snapshot until released
  const size_t order_;                            // index of the segment: orders rows of equal time
  uint32_t measurement_ = 0;
  std::vector<DecodedColumn> columns_;
  size_t start_ = 0;              // of the loaded rows, in the segment
  std::vector<Timestamp> times_;  // of the loaded rows
  std::vector<uint32_t> rows_;
  size_t at_ = 0;  // in the loaded rows
};

using CursorPointer = std::unique_ptr<SegmentCursor>;

bool comes_later(const CursorPointer& a, const CursorPointer& b) { return a->place() > b->place(); }

class StoreRows final : public RowSource {
 public:
  explicit StoreRows(Snapshot snapshot) : snapshot_(std::move(snapshot)) {
    std::unordered_set<MeasurementId> ids;
    for (const auto& segment : snapshot_.segments) ids.insert(segment->info().measurement);
    for (const auto& [name, measurement] : snapshot_.catalog->measurements) {
      if (!ids.contains(measurement.id)) continue;
      index_of_[measurement.id] = static_cast<uint32_t>(measurements_.size());
      stored_.push_back(&measurement);
      measurements_.push_back({name, {}});
      for (const Column& column : measurement.columns) {
        measurements_.back().columns.push_back({column.name, column.type, column.kind});
      }
      mark_siblings(measurements_.back().columns);
    }
    std::ranges::sort(snapshot_.segments, {}, [&](const auto& segment) {
      const SegmentInfo& info = segment->info();
      return std::tuple(info.min_time, index_of_[info.measurement], info.id);
    });
    for (const auto& segment : snapshot_.segments) total_ += segment->info().row_count;
  }

  const std::vector<TypedMeasurement>& measurements() const override { return measurements_; }
  uint64_t done() const override { return done_; }
  uint64_t total() const override { return total_; }

  Result<bool> next(ExportRow& row) override {
    TOCSIN_RETURN_IF_ERROR(settle());
    if (!current_) return false;
    current_->read(row);
    ++done_;
    return true;
  }

 private:
  /// Moves `current_` to the next row of the merge; null if there is none.
  Status settle() {
    if (current_ && current_->at_end_of_loaded()) {
      TOCSIN_TRY(const bool more, current_->load(rows_at_a_time()));
      if (!more) current_.reset();
    }
    if (!current_) current_ = pop();
    TOCSIN_RETURN_IF_ERROR(open_due());
    if (!current_ || waiting_.empty() || current_->place() < waiting_.front()->place()) return {};
    push(std::move(current_));
    current_ = pop();
    return {};
  }

  /// Opens the segments that may hold the next row.
  Status open_due() {
    while (next_segment_ < snapshot_.segments.size()) {
      const SegmentInfo& info = snapshot_.segments[next_segment_]->info();
      if (current_ && info.min_time > current_->place().first) return {};
      const uint32_t measurement = index_of_[info.measurement];
      auto cursor = std::make_unique<SegmentCursor>(std::move(snapshot_.segments[next_segment_]),
                                                    next_segment_);
      ++next_segment_;
      TOCSIN_RETURN_IF_ERROR(cursor->open(*stored_[measurement], measurement));
      TOCSIN_TRY(const bool any, cursor->load(rows_at_a_time()));
      if (any) push(std::move(cursor));
      if (!current_) current_ = pop();
    }
    return {};
  }

  size_t rows_at_a_time() const {
    return std::clamp(kDecodedRowsMax / (waiting_.size() + 1), kDecodedRowsMin, kVectorRows);
  }

  void push(CursorPointer cursor) {
    waiting_.push_back(std::move(cursor));
    std::ranges::push_heap(waiting_, comes_later);
  }
  CursorPointer pop() {
    if (waiting_.empty()) return nullptr;
    std::ranges::pop_heap(waiting_, comes_later);
    CursorPointer cursor = std::move(waiting_.back());
    waiting_.pop_back();
    return cursor;
  }

  Snapshot snapshot_;  // its segments sorted by first time; null once opened
  std::vector<TypedMeasurement> measurements_;
  std::vector<const Measurement*> stored_;  // parallel; in the snapshot's catalog
  std::unordered_map<MeasurementId, uint32_t> index_of_;
  size_t next_segment_ = 0;  // of the snapshot: the next to be opened
  CursorPointer current_;
  std::vector<CursorPointer> waiting_;  // a heap with the earliest row in front
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowSource>> open_store_rows(const Database& database,
                                                   const std::vector<std::string>& measurements) {
  SnapshotScope scope;
  scope.measurements = measurements;
  TOCSIN_TRY(Snapshot snapshot, database.snapshot(scope));
  return std::make_unique<StoreRows>(std::move(snapshot));
}

}  // namespace tocsin
