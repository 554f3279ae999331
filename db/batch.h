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
#include "db/schema.h"

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
/// Invariant: `rows` ascends strictly, and has as many entries as `text` and as the one value
/// vector that the type fills (none for kString). A lane whose rows were all abandoned is empty.
struct Lane {
  std::string name;
  ColumnType type = ColumnType::kString;
  ColumnKind kind = ColumnKind::kField;
  std::vector<uint32_t> rows;  ///< row index of each value
  std::vector<int64_t> i64;    ///< kI64; kBool as 0 and 1
  std::vector<uint64_t> u64;
  std::vector<double> f64;
  std::vector<std::string_view> text;  ///< kString: the values. Numbers and bools: as they were
                                       ///< written, empty where the source was no text
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
  void begin_row(Timestamp time, std::string_view line = {});
  /// The time of the row just begun may become known only after its fields.
  void set_time(Timestamp time) { times_.back() = time; }
  /// Takes the row just begun back, with every value set since.
  void abandon_row();

  /// The lane of (name, type, kind), made when it is new. `hint` is the index to try first: rows
  /// of one stream have their keys in the same order, so the caller passes a running number.
  size_t lane(std::string_view name, ColumnType type, ColumnKind kind, size_t hint);

  /// Sets a value of the row just begun; a second value in the same lane replaces the first.
  /// Strings and texts must live as long as the Batch: see Batch::keep and Batch::copy.
  void set_i64(size_t lane, int64_t value, std::string_view text = {});
  void set_u64(size_t lane, uint64_t value, std::string_view text = {});
  void set_f64(size_t lane, double value, std::string_view text = {});
  void set_bool(size_t lane, bool value, std::string_view text = {});
  void set_string(size_t lane, std::string_view value);

 private:
  friend class Batch;
  Lane& open(size_t lane);  // the lane, without a value of this row, ready for one
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
  std::deque<std::unique_ptr<char[]>> blocks_;  // arena of copy(); the last one is being filled
  size_t block_used_ = 0;
  size_t block_size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace tocsin
