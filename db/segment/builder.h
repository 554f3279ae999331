// Collects rows of one measurement and one day and encodes them as segments.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/encoding/bytes.h"
#include "db/schema/schema.h"
#include "db/segment/column_builder.h"
#include "db/segment/encoded_segment.h"
#include "db/segment/segment.h"

namespace tocsin {

/// The ids of the earlier segments that a segment's rows come from. A catalog that is rebuilt from
/// files uses them to find superseded segments. All segments made by one merge have the same
/// lineage; segments of newly written rows have none.
struct Lineage {
  std::vector<uint64_t> sealed_from;  ///< hot ones
  std::vector<uint64_t> replaces;     ///< sealed ones
  std::vector<uint64_t> ancestors;    ///< sealed ones that those replaced, all generations
};

/// Not thread-safe. Memory grows with the rows added; the caller limits it by memory_bytes().
class SegmentBuilder {
 public:
  SegmentBuilder(MeasurementId measurement, std::string name, int64_t partition)
      : measurement_(measurement), name_(std::move(name)), partition_(partition) {}

  MeasurementId measurement() const { return measurement_; }
  int64_t partition() const { return partition_; }
  size_t row_count() const { return times_.size(); }
  size_t memory_bytes() const;
  size_t raw_bytes() const;

  /// Appends rows without values; returns the row of the first one.
  uint32_t add_rows(std::span<const Timestamp> times);
  uint32_t add_row(Timestamp time);
  /// Returns the builder of that column, widened to the type of `column` if need be. The reference
  /// stays valid.
  ColumnBuilder& column(const Column& column) &;
  ColumnBuilder& column(const Column& column) && = delete;
  /// Appends all rows of a segment. `columns` are the measurement's current columns. kCorrupt names
  /// the segment.
  Status append(const Segment& segment, std::span<const Column> columns);

  void set_lineage(Lineage lineage) { lineage_ = std::move(lineage); }

  /// Sorts by time (rows of equal time keep their order) and encodes pieces of at most
  /// kSegmentRowsMax rows and about kSegmentBytesMax raw bytes. They are equally large, so none is
  /// below half the limit unless it is the only one. `compress`: see encode_text.
  std::vector<EncodedSegment> finish(uint64_t commit_number, bool compress);

 private:
  void sort();
  EncodedSegment encode(uint32_t start, uint32_t end, uint64_t commit_number, bool compress);

  MeasurementId measurement_;
  std::string name_;
  int64_t partition_;
  std::vector<Timestamp> times_;
  std::vector<uint32_t> all_rows_;  // 0, 1, ...: filled by sort(), shared by the columns
  Lineage lineage_;
  std::vector<std::unique_ptr<ColumnBuilder>> columns_;
  std::unordered_map<ColumnId, size_t> column_index_;
};

}  // namespace tocsin
