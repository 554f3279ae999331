// A segment's rows as the plan's source table: stored columns by name, numbers in the plan's type.
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

/// Which stored column each source column of one measurement is. Immutable, shared by threads. The
/// plan and the catalog must outlive it.
class MeasurementMap {
 public:
  /// kBusy when a column's stored type no longer fits the plan: the schema changed since the
  /// query was prepared.
  static Result<MeasurementMap> make(const Plan& plan, const SourceMeasurement& source,
                                     const Measurement* stored);

  const SourceMeasurement& source() const { return *source_; }
  /// Null when the measurement lacks the column.
  const Column* find(uint32_t source_column) const;

 private:
  const SourceMeasurement* source_ = nullptr;
  std::vector<const Column*> columns_;  // parallel to source_->columns
};

/// One thread's view of one segment at a time. The plan must outlive it.
class SegmentSource final : public ColumnSource {
 public:
  explicit SegmentSource(const Plan& plan);

  /// From now on reads `segment`, which belongs to `map`'s measurement. Segments must outlive this.
  /// With `few_rows`, not much of it: then nothing is read of the whole that would make rows
  /// cheaper.
  void open(const Segment& segment, const MeasurementMap& map, bool few_rows);

  Status read(uint32_t column, size_t start, size_t count, std::span<const uint32_t> selection,
              Vector& out) override;
  Result<const Dictionary*> dictionary(uint32_t column) override;
  Result<bool> read_ids(uint32_t column, size_t start, size_t count, Vector& out) override;
  Result<std::span<const TextTemplate>> templates(uint32_t column) override;
  Status read_template_ids(uint32_t column, size_t start, size_t count, Vector& out) override;
  Result<std::optional<ColumnStatistics>> statistics(uint32_t column) override;
  size_t row_count() const override { return segment_->info().row_count; }
  /// Bytes of the values that have been decoded so far: 4 of a code, 8 of a number, the length of a
  /// string.
  uint64_t bytes_read() const { return bytes_read_; }
  /// How the column's strings spell numbers; null when they do not.
  Result<const IdFormat*> id_format(uint32_t column);
  /// The stored column, null when no row has it. Requires: not `time` nor `measurement`.
  Result<const SegmentColumn*> stored(uint32_t column);

 private:
  struct State {
    bool resolved = false;
    const SegmentColumn* column = nullptr;
    std::unique_ptr<Dictionary> dictionary;
    std::unique_ptr<IdDictionary> ids;  // empty: rows have no codes
  };

  Result<State*> resolve(uint32_t column);
  Status read_null(ValueType type, size_t count, Vector& out);
  Status read_text(State& state, size_t start, std::span<const uint32_t> selection,
                   SegmentColumn::Only only, Vector& out);
  /// Null when rows have no codes.
  Result<const IdDictionary*> id_dictionary(State& state);
  Status read_number(const SegmentColumn& column, size_t start, ValueType type,
                     SegmentColumn::Only only, Vector& out);

  const Plan& plan_;
  const Segment* segment_ = nullptr;
  const MeasurementMap* map_ = nullptr;
  bool few_rows_ = false;
  std::vector<State> states_;      // by source column
  std::vector<uint32_t> touched_;  // states to reset at the next open
  Dictionary measurement_;         // one entry: its name
  Dictionary empty_;               // of a string column that no row has
  uint64_t bytes_read_ = 0;
  std::vector<uint32_t> segment_rows_;  // scratch
  std::vector<int64_t> i64_;
  std::vector<uint64_t> u64_;
};

}  // namespace tocsin
