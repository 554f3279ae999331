// Reading one immutable columnar run of rows of one measurement.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/encoding/text_template.h"
#include "db/limits.h"
#include "db/schema/schema.h"

namespace tocsin {

/// What the catalog knows of a segment without reading its columns.
struct SegmentInfo {
  uint64_t id = 0;  ///< unique in its database, never used again
  MeasurementId measurement = 0;
  int64_t partition = 0;  ///< UTC day: days since the epoch
  uint32_t row_count = 0;
  Timestamp min_time = 0;  ///< both inclusive
  Timestamp max_time = 0;
  uint64_t commit_number = 0;  ///< of the newest row in it
  bool sealed = false;         ///< in a file; else hot, in the catalog
  uint64_t byte_size = 0;      ///< on disk
  std::string name;            ///< for messages: `segments/7/2026-11-24.000003.seg@4096`, `hot 12`
};

/// Statistics of a numeric or bool column in one segment; of the values that are not null.
/// NaN never enters minimum and maximum.
struct ColumnStatistics {
  uint32_t null_count = 0;
  bool has_range = false;   ///< minimum and maximum are set (numbers; no strings)
  double min = 0, max = 0;  ///< rounded outwards where the integer is not exact in a double
};

/// What is known of one dictionary entry of a string column in one segment.
struct EntryStatistics {
  uint32_t row_count = 0;
  Timestamp first_time = 0;
  Timestamp last_time = 0;
};

/// Variable-length strings of some rows. Views point into `bytes` or into the segment, so they
/// live as long as both; reuse one StringVector to reuse its memory.
struct StringVector {
  std::vector<std::string_view> values;
  std::string bytes;
};

/// One column of one segment, read as the type that the catalog's Column has now (an i64 column
/// that was widened since reads as f64). Borrowed from its Segment. Safe for concurrent readers.
///
/// Ranges: `start + out.size() <= row_count`. Null rows read as 0, false, empty, or code 0.
/// Every read returns kCorrupt, naming the segment, when a checksum or a bound is wrong.
class SegmentColumn {
 public:
  virtual ~SegmentColumn() = default;

  virtual ColumnType type() const = 0;
  virtual const ColumnStatistics& statistics() const = 0;
  bool has_nulls() const { return statistics().null_count != 0; }
  /// 1 where the row has a value, 0 where it is null.
  virtual Status read_valid(size_t start, std::span<uint8_t> out) const = 0;

  // Rows [start, start + out.size()). With `only`, ascending indexes of `out`, few of them, the
  // others may come out as 0: few values are read one by one, without decoding what lies between
  // them.
  using Only = std::span<const uint32_t>;
  virtual Status read_i64(size_t start, std::span<int64_t> out, Only only = {}) const = 0;
  virtual Status read_u64(size_t start, std::span<uint64_t> out, Only only = {}) const = 0;
  virtual Status read_f64(size_t start, std::span<double> out, Only only = {}) const = 0;
  virtual Status read_bool(size_t start, std::span<uint8_t> out) const = 0;

  /// Strings. With a dictionary, rows have codes into `entries()`; without, only read_strings.
  virtual bool has_dictionary() const = 0;
  /// Distinct values, in no promised order; views live as long as the segment.
  virtual Result<std::span<const std::string_view>> entries() const = 0;
  /// `out.size() == entries().size()`: which rows and times each entry has.
  virtual Result<std::span<const EntryStatistics>> entry_statistics() const = 0;
  virtual Status read_codes(size_t start, std::span<uint32_t> out, Only only = {}) const = 0;
  /// The strings of `rows` (ascending, relative to the segment), for few rows or many.
  virtual Status read_strings(std::span<const uint32_t> rows, StringVector& out) const = 0;

  /// Strings without a dictionary may be stored as templates with variables. Then a literal search
  /// can settle most rows from the templates (`contains` of each), and template() of a row is
  /// `templates()[id].masked`, without making any text.
  virtual bool has_templates() const { return false; }
  /// Views live as long as the segment. Several may have the same masked text. Requires:
  /// has_templates().
  virtual Result<std::span<const TextTemplate>> templates() const;
  /// Indexes into templates(). Requires: has_templates().
  virtual Status read_template_ids(size_t start, std::span<uint32_t> out) const;

  /// The one way in which all strings of this column spell 64-bit numbers; null when they do not.
  /// Equal formats and equal numbers are equal strings, so numbers serve as group keys, and an
  /// equality filter compares numbers: `format.parse(wanted)`.
  virtual Result<const IdFormat*> id_format() const { return nullptr; }
  /// The numbers of the strings. Requires: id_format() is not null.
  virtual Status read_ids(size_t start, std::span<uint64_t> out) const;
  /// The distinct ones of these numbers, where the segment holds each once, else none: then rows
  /// have codes into them, which the strings of a dictionary would have. Requires: id_format() is
  /// not null.
  virtual Status read_distinct_ids(std::vector<uint64_t>& out) const;
  /// Requires: read_distinct_ids() gave some. 0 where the row is null.
  virtual Status read_id_codes(size_t start, std::span<uint32_t> out) const;
};

struct SegmentInspection;

/// An opened segment; its rows are sorted by time. Immutable and safe for concurrent readers.
class Segment {
 public:
  virtual ~Segment() = default;

  virtual const SegmentInfo& info() const = 0;
  virtual Status read_times(size_t start, std::span<Timestamp> out) const = 0;
  /// The half-open range of rows whose time lies in `range`.
  virtual Result<std::pair<uint32_t, uint32_t>> rows_in(TimeRange range) const = 0;
  /// Null when no row of this segment has the column. The pointer lives as long as the segment.
  virtual Result<const SegmentColumn*> column(const Column& column) const = 0;
  /// See segment_inspection.h.
  virtual Result<SegmentInspection> inspect() const;
  /// kCorrupt when its file was cut or could not be read while it was mapped: then values that were
  /// read of it may be wrong. To be asked after the last read, before anything is told.
  virtual Status check_intact() const { return {}; }
};

}  // namespace tocsin
