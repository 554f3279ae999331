// Shows a segment's rows as the plan's source table: finds stored columns by name and converts
// numbers to the plan's types.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "query/plan/plan.h"
#include "query/vector/vector.h"

namespace tocsin {

/// Maps the source columns of one measurement to stored columns. Immutable; shared by threads. The
/// plan and the catalog must outlive it.
class MeasurementMap {
 public:
  /// kBusy if a column's stored type no longer fits the plan, because the schema changed after the
  /// query was prepared.
  static Result<MeasurementMap> make(const Plan& plan, const SourceMeasurement& source,
                                     const Measurement* stored);

  const SourceMeasurement& source() const { return *source_; }
  /// Null if the measurement lacks the column.
  const Column* find(uint32_t source_column) const;

 private:
  const SourceMeasurement* source_ = nullptr;
  std::vector<const Column*> columns_;  // parallel to source_->columns
};

/// Reads one segment at a time. Not thread-safe: one per thread. The plan must outlive it.
class SegmentSource final : public ColumnSource {
 public:
  explicit SegmentSource(const Plan& plan);

  /// Reads from `segment`, which belongs to the measurement of `map`, until the next open().
  /// Segments must outlive this object. With `few_rows`, skips per-segment preparation that pays
  /// only if many rows are read.
  void open(const Segment& segment, const MeasurementMap& map, bool few_rows);

  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
              Vector& out) override;
  Result<const Dictionary*> dictionary(uint32_t column) override;
  Result<bool> read_ids(uint32_t column, size_t start, size_t count, Vector& out) override;
  Result<std::span<const TextTemplate>> templates(uint32_t column) override;
  Status read_template_ids(uint32_t column, size_t start, size_t count, Vector& out) override;
  Result<std::optional<ColumnStatistics>> statistics(uint32_t column) override;
  size_t row_count() const override { return segment_->info().row_count; }
  /// The size of the values decoded so far: 4 bytes for a code, 8 for a number, the length of a
  /// string.
  uint64_t bytes_read() const { return bytes_read_; }
  /// The format in which the column's strings spell numbers; null if they do not.
  Result<const IdFormat*> id_format(uint32_t column);
  /// The stored column; null if no row has it. Requires: the column is not `time` or `measurement`.
  Result<const SegmentColumn*> stored(uint32_t column);

 private:
  struct State {
    bool resolved = false;
    const SegmentColumn* column = nullptr;
    std::unique_ptr<Dictionary> dictionary;
    std::unique_ptr<IdDictionary> ids;  // null: not read yet; empty: rows have no codes
  };

  Result<State*> resolve(uint32_t column);
  Status read_null(ValueType type, size_t count, Vector& out);
  Status read_text(State& state, size_t start, std::span<const uint32_t> selection,
                   SegmentColumn::Only only, Vector& out);
  /// Null if rows have no codes.
  Result<const IdDictionary*> id_dictionary(State& state);
  Status read_number(const SegmentColumn& column, size_t start, ValueType type,
                     SegmentColumn::Only only, Vector& out);

  const Plan& plan_;
  const Segment* segment_ = nullptr;
  const MeasurementMap* map_ = nullptr;
  bool few_rows_ = false;
  std::vector<State> states_;      // by source column
  std::vector<uint32_t> touched_;  // states to reset at the next open()
  Dictionary measurement_;         // for `measurement`: one entry, the name
  Dictionary empty_;               // for string columns that no row has
  uint64_t bytes_read_ = 0;
  std::vector<uint32_t> segment_rows_;  // scratch
  std::vector<int64_t> i64_;
  std::vector<uint64_t> u64_;
};

}  // namespace tocsin
