// Rows on their way in, column by column, before they meet the stored schema.
//
// A parser knows no schema: it appends each value to a *lane*, and a lane is (column name, type).
// The same name may have an i64 lane and an f64 lane in one batch; the writer merges lanes into
// the stored column's type (DESIGN.md "schema on write") when the batch is written. Lanes are
// sparse: they list the rows that have a value, so a row costs only what it contains.
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

/// What becomes of a value whose type the stored column cannot take.
enum class ConflictPolicy : uint8_t {
  kRejectRow,   ///< line protocol: the whole row is rejected, as Influx does
  kKeepInRest,  ///< JSON lines: the row stays, the value goes as JSON into the column `_rest`
};

/// Looks names up by view without a copy.
struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
};

/// One typed stream of values of one column in one RowBatch.
/// Invariant: `rows` ascends strictly, and has as many entries as the one value vector that the
/// type fills and, unless that is `codes`, as `text`. A lane whose rows were all abandoned is
/// empty.
struct Lane {
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;
  std::vector<uint32_t> rows;  ///< row index of each value
  std::vector<int64_t> i64;    ///< kI64; kBool as 0 and 1
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<uint32_t> codes;  ///< kString: of each value, its entry in `strings`
  LaneStrings strings;
  std::vector<std::string_view> text;  ///< numbers and bools as they were written, empty where the
                                       ///< source was no text

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
  /// The line that each row came from, for `rejected`; empty views where there was none.
  std::span<const std::string_view> lines() const { return lines_; }

  /// Starts a row; values set from now on belong to it. `line` must live as long as the Batch
  /// (it is normally part of a buffer given to Batch::keep).
  void begin_row(Timestamp time, std::string_view line = {}) {
    times_.push_back(time);
    lines_.push_back(line);
  }
  /// Time and line of the row just begun may become known only after its fields.
  void set_time(Timestamp time) { times_.back() = time; }
  void set_line(std::string_view line) { lines_.back() = line; }
  /// Takes the row just begun back, with every value set since.
  void abandon_row();

  /// The lane of (name, type, kind), made when it is new. `hint` is the index to try first: rows
  /// of one stream have their keys in the same order, so the caller passes a running number.
  size_t lane(std::string_view name, ColumnType type, ColumnKind kind, size_t hint);

  /// Sets a value of the row just begun; a second value in the same lane replaces the first.
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

 private:
  friend class Batch;
  // The lane, without a value of this row, ready for one.
  Lane& open(size_t index) {
    Lane& lane = lanes_[index];
    const auto row = static_cast<uint32_t>(times_.size() - 1);
    if (!lane.rows.empty() && lane.rows.back() == row) pop_value(lane);
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
};

/// Rows of any measurements with the memory that their strings lie in. Movable, not copyable,
/// not thread-safe.
class Batch {
 public:
  explicit Batch(ConflictPolicy policy = ConflictPolicy::kRejectRow) : policy_(policy) {}
  Batch(Batch&& other) noexcept;
  Batch& operator=(Batch&& other) noexcept;

  ConflictPolicy policy() const { return policy_; }
  /// The rows of that measurement, made when it is new. The reference stays valid.
  RowBatch& rows_of(std::string_view measurement);
  const std::deque<RowBatch>& measurements() const { return measurements_; }

  /// Takes over a buffer; the view lives as long as the Batch, also when it is moved.
  std::string_view keep(std::string buffer);
  std::string_view keep(std::unique_ptr<char[]> buffer, size_t size);
  /// A copy of `text` that lives as long as the Batch.
  std::string_view copy(std::string_view text);

  size_t row_count() const;
  bool empty() const { return row_count() == 0; }
  /// Roughly the memory held, in bytes: what queues count against their bounds.
  size_t byte_size() const;

 private:
  ConflictPolicy policy_;
  std::deque<RowBatch> measurements_;                        // deque: references stay valid
  std::unordered_map<std::string_view, RowBatch*> by_name_;  // names lie in measurements_
  RowBatch* last_ = nullptr;                                 // the measurement of the row before
  std::deque<std::unique_ptr<std::string>> buffers_;
  std::deque<std::unique_ptr<char[]>> blocks_;  // of keep() and copy(), which fills the last one
  size_t block_used_ = 0;
  size_t block_size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace tocsin
