// Parsed rows, column by column, before they are merged into the stored schema.
//
// A parser knows no schema: it appends each value to a *lane*, which is (column name, type, kind).
// One name may have an i64 lane and an f64 lane in one batch. When the batch is written, the writer
// converts the lanes to the stored column's type. Lanes are sparse: they list the rows that have a
// value, so a row costs only what it contains.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "db/base/time.h"
#include "db/schema/lane_strings.h"
#include "db/schema/schema.h"

namespace tocsin {

/// What happens to a value whose type does not fit the stored column.
enum class ConflictPolicy : uint8_t {
  kRejectRow,   ///< line protocol: the whole row is rejected, as in InfluxDB
  kKeepInRest,  ///< JSON lines: the value goes to a sibling of the column, at worst into `_rest`
};

/// Lets maps be searched by string_view without a copy.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

/// The values of one name, type and kind in one RowBatch.
/// Invariant: `rows` is strictly ascending. It has as many entries as the value vector of the
/// lane's type and, unless that is `codes`, as `text`. A lane whose rows were all abandoned is
/// empty.
struct Lane {
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;
  /// The values go to the stored column of the lane's name and exactly its type, which is added
  /// even for a lane without values.
  bool declared = false;
  std::vector<uint32_t> rows;  ///< row index of each value
  std::vector<int64_t> i64;    ///< kI64; kBool as 0 and 1
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint32_t> codes;  ///< kString: the entry of each value in `strings`
  LaneStrings strings;
  /// Numbers and bools as they were written; empty if the source was not text.
  std::vector<std::string_view> text;

  /// The string, or the number or bool as it was written.
  std::string_view text_of(size_t index) const {
    return type == ColumnType::kString ? strings.text(codes[index]) : text[index];
  }
};

/// Rows of one measurement. Not thread-safe. Owned by its Batch, which must outlive it.
class RowBatch {
 public:
  explicit RowBatch(std::string measurement) : measurement_(std::move(measurement)) {}

  const std::string& measurement() const { return measurement_; }
  size_t row_count() const { return times_.size(); }
  std::span<const Timestamp> times() const { return times_; }
  std::span<const Lane> lanes() const { return lanes_; }
  /// The line that each row was parsed from, for `rejected`; empty if there was none.
  std::span<const std::string_view> lines() const { return lines_; }

  /// Starts a row, to which the values set next belong. `line` must live as long as the Batch; it
  /// is normally part of a buffer passed to Batch::keep.
  void begin_row(Timestamp time, std::string_view line = {}) {
    times_.push_back(time);
    lines_.push_back(line);
    replaced_lane_ = kNone;
  }
  /// For parsers that learn the time and line of the current row only after its fields.
  void set_time(Timestamp time) { times_.back() = time; }
  void set_line(std::string_view line) { lines_.back() = line; }
  /// Removes the current row and all its values.
  void abandon_row();

  /// The index of the lane of (name, type, kind), which is added if it is new. `hint` is the index
  /// to try first: rows of one source mostly have their keys in the same order, so callers pass a
  /// running number.
  size_t lane(std::string_view name, ColumnType type, ColumnKind kind, size_t hint);

  /// Makes the lane `declared`, and returns its index. For rows that were exported from a column
  /// with siblings: the stored columns are added in the order of these calls.
  size_t declare(std::string_view name, ColumnType type, ColumnKind kind, size_t hint) {
    const size_t index = lane(name, type, kind, hint);
    lanes_[index].declared = true;
    return index;
  }

  /// Sets a value of the current row; a second value in the same lane replaces the first.
  /// Strings and texts must live as long as the Batch: see Batch::keep and Batch::copy.
  void set_i64(size_t index, int64_t value, std::string_view text = {}) {
    Lane& lane = open(index);
    lane.i64.push_back(value);
    lane.text.push_back(text);
  }
  void set_u64(size_t index, uint64_t value, std::string_view text = {}) {
    Lane& lane = open(index);
    lane.u64.push_back(value);
    lane.text.push_back(text);
  }
  void set_f64(size_t index, double value, std::string_view text = {}) {
    Lane& lane = open(index);
    lane.f64.push_back(value);
    lane.text.push_back(text);
  }
  void set_bool(size_t index, bool value, std::string_view text = {}) {
    Lane& lane = open(index);
    lane.i64.push_back(value ? 1 : 0);
    lane.text.push_back(text);
  }
  void set_string(size_t index, std::string_view value) {
    Lane& lane = open(index);
    lane.codes.push_back(lane.strings.add(value));
  }

  /// The name of the last value of the current row that replaced another one, or null.
  const std::string* replaced() const {
    return replaced_lane_ == kNone ? nullptr : &lanes_[replaced_lane_].name;
  }

 private:
  friend class Batch;
  static constexpr size_t kNone = SIZE_MAX;

  // The lane, ready for a value of the current row; an earlier value of this row is removed.
  Lane& open(size_t index) {
    Lane& lane = lanes_[index];
    const auto row = static_cast<uint32_t>(times_.size() - 1);
    if (!lane.rows.empty() && lane.rows.back() == row) [[unlikely]] {
      pop_value(lane);
      replaced_lane_ = index;
    }
    lane.rows.push_back(row);
    return lane;
  }
  static void pop_value(Lane& lane);
  size_t find_or_add_lane(std::string_view name, ColumnType type, ColumnKind kind);
  size_t byte_size() const;

  std::string measurement_;
  std::vector<Timestamp> times_;
  std::vector<std::string_view> lines_;
  std::vector<Lane> lanes_;
  std::unordered_multimap<std::string, size_t, NameHash, std::equal_to<>> lanes_by_name_;
  size_t replaced_lane_ = kNone;
};

/// Rows of any measurements, with the memory of their strings. Movable, not copyable, not
/// thread-safe.
class Batch {
 public:
  explicit Batch(ConflictPolicy policy = ConflictPolicy::kRejectRow) : policy_(policy) {}
  Batch(Batch&& other) noexcept;
  Batch& operator=(Batch&& other) noexcept;

  ConflictPolicy policy() const { return policy_; }
  /// The rows of that measurement, added if it is new. The reference stays valid.
  RowBatch& rows_of(std::string_view measurement);
  const std::deque<RowBatch>& measurements() const& { return measurements_; }
  const std::deque<RowBatch>& measurements() const&& = delete;

  /// Takes ownership of a buffer. The view is valid as long as the Batch, even if that is moved.
  std::string_view keep(std::string buffer);
  std::string_view keep(std::unique_ptr<char[]> buffer, size_t size);
  /// A copy of `text` that is valid as long as the Batch.
  std::string_view copy(std::string_view text);

  size_t row_count() const;
  bool empty() const { return row_count() == 0; }
  /// Roughly the memory used, in bytes. Queues count it against their bounds.
  size_t byte_size() const;

 private:
  ConflictPolicy policy_;
  std::deque<RowBatch> measurements_;                        // deque: references stay valid
  std::unordered_map<std::string_view, RowBatch*> by_name_;  // names are views of measurements_
  RowBatch* last_ = nullptr;                                 // of the previous rows_of()
  std::deque<std::unique_ptr<std::string>> buffers_;
  std::deque<std::unique_ptr<char[]>> blocks_;  // copy() fills the last one
  size_t block_used_ = 0;
  size_t block_size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace tocsin
