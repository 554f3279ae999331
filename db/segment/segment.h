// Reading a segment: an immutable, columnar run of rows of one measurement.
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

/// What the catalog knows about a segment without reading its columns.
struct SegmentInfo {
  uint64_t id = 0;  ///< unique in its database, never reused
  MeasurementId measurement = 0;
  int64_t partition = 0;  ///< UTC day: days since the epoch
  uint32_t row_count = 0;
  Timestamp min_time = 0;  ///< both inclusive
  Timestamp max_time = 0;
  uint64_t commit_number = 0;  ///< of the newest row in it
  bool sealed = false;         ///< stored in a file; else hot, stored in the catalog
  uint64_t byte_size = 0;      ///< on disk
  std::string name;            ///< for messages: `segments/7/2026-11-24.000003.seg@4096`, `hot 12`
};

/// Statistics of the values of one column in one segment that are not null. NaN is ignored.
struct ColumnStatistics {
  uint32_t null_count = 0;
  bool has_range = false;   ///< min and max are set; never for strings
  double min = 0, max = 0;  ///< rounded outwards if the integer is not exact as a double
};

/// Statistics of one dictionary entry of a string column in one segment.
struct EntryStatistics {
  uint32_t row_count = 0;
  Timestamp first_time = 0;
  Timestamp last_time = 0;
};

/// The strings of some rows. The views point into `bytes` or into the segment and are valid as long
/// as both. Reuse one StringVector to reuse its memory.
struct StringVector {
  std::vector<std::string_view> values;
  std::string bytes;
};

/// One column of one segment, read as the current type of the catalog's Column (an i64 column that
/// has been widened since reads as f64). Owned by its Segment. Safe for concurrent readers.
///
/// Requires of all ranges: start + out.size() <= row_count. Null rows read as 0, false, empty, or
/// code 0. Every read returns kCorrupt, naming the segment, if a checksum or a bound is wrong.
class SegmentColumn {
 public:
  virtual ~SegmentColumn() = default;

  virtual ColumnType type() const = 0;
  virtual const ColumnStatistics& statistics() const = 0;
  bool has_nulls() const { return statistics().null_count != 0; }
  /// 1 where the row has a value, 0 where it is null.
  virtual Status read_valid(size_t start, std::span<uint8_t> out) const = 0;

  // Rows [start, start + out.size()). With `only`, a few ascending indexes of `out`, all other
  // values may come out as 0: then only these values are decoded, one by one.
  using Only = std::span<const uint32_t>;
  virtual Status read_i64(size_t start, std::span<int64_t> out, Only only = {}) const = 0;
  virtual Status read_u64(size_t start, std::span<uint64_t> out, Only only = {}) const = 0;
  virtual Status read_f64(size_t start, std::span<double> out, Only only = {}) const = 0;
  virtual Status read_bool(size_t start, std::span<uint8_t> out) const = 0;

  /// Whether the column has strings with a dictionary: then each row has a code, an index into
  /// entries(). Other strings are read with read_strings() only.
  virtual bool has_dictionary() const = 0;
  /// The distinct values, in any order; the views live as long as the segment.
  virtual Result<std::span<const std::string_view>> entries() const = 0;
  /// The row count and times of each entry, by its index in entries().
  virtual Result<std::span<const EntryStatistics>> entry_statistics() const = 0;
  virtual Status read_codes(size_t start, std::span<uint32_t> out, Only only = {}) const = 0;
  /// Reads the strings of `rows`, which ascend and are relative to the segment.
  virtual Status read_strings(std::span<const uint32_t> rows, StringVector& out) const = 0;

  /// Strings without a dictionary may be stored as templates with variables. Then a search for a
  /// literal decides most rows from their templates (TextTemplate::contains), and the query
  /// function template() of a row is `templates()[id].masked`; neither builds any text.
  virtual bool has_templates() const { return false; }
  /// The views live as long as the segment. Several templates may have the same masked text.
  /// Requires: has_templates().
  virtual Result<std::span<const TextTemplate>> templates() const;
  /// Indexes into templates(). Requires: has_templates().
  virtual Status read_template_ids(size_t start, std::span<uint32_t> out) const;

  /// The format in which all strings of this column spell 64-bit numbers; null if they do not.
  /// Strings of equal format are equal if their numbers are, so the numbers serve as group keys,
  /// and an equality filter compares them with `format.parse(wanted)`.
  virtual Result<const IdFormat*> id_format() const { return nullptr; }
  /// The numbers of the strings. Requires: id_format() is not null.
  virtual Status read_ids(size_t start, std::span<uint64_t> out) const;
  /// The distinct numbers if the segment stores each once, else none. If there are some, rows have
  /// codes into them, as with a dictionary. Requires: id_format() is not null.
  virtual Status read_distinct_ids(std::vector<uint64_t>& out) const;
  /// Indexes into the distinct numbers; 0 if the row is null. Requires: read_distinct_ids()
  /// returned some.
  virtual Status read_id_codes(size_t start, std::span<uint32_t> out) const;
};

struct SegmentInspection;

/// An opened segment; its rows are sorted by time. Immutable and safe for concurrent readers.
class Segment {
 public:
  virtual ~Segment() = default;

  virtual const SegmentInfo& info() const = 0;
  virtual Status read_times(size_t start, std::span<Timestamp> out) const = 0;
  /// The half-open range of rows whose time is in `range`.
  virtual Result<std::pair<uint32_t, uint32_t>> rows_in(TimeRange range) const = 0;
  /// Null if no row of this segment has the column. The pointer is valid as long as the segment.
  virtual Result<const SegmentColumn*> column(const Column& column) const = 0;
  /// See inspection.h.
  virtual Result<SegmentInspection> inspect() const;
  /// kCorrupt if the file was truncated or could not be read while it was mapped: then values read
  /// from it may be wrong. Call after the last read and before returning results.
  virtual Status check_intact() const { return {}; }
};

}  // namespace tocsin
