// The row of a log record, for protocols whose records are not lines: OTLP, Loki.
//
// A record is a time and a list of named values. Labels and resource attributes that are texts
// become tags, all other values fields: the former say where records come from, so they have few
// values, each in many records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "db/base/result.h"
#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"
#include "net/parse/row_appender.h"

namespace tocsin {

inline constexpr size_t kRecordValuesMax = 10'000;  ///< of one record
inline constexpr size_t kRecordDepthMax = 64;       ///< of values within values
// Of one body. A few bytes of a body can stand for many values, because records share labels.
inline constexpr size_t kBodyNamesMax = 100'000;
inline constexpr size_t kBodyValuesMax = 12'000'000;
inline constexpr size_t kValuesPerRow = 4;  ///< a row counts as this many values

/// The part of its record that a value belongs to. If two parts have a value of the same name, that
/// of the earlier part keeps it, and the other one is called `attribute.NAME`, `resource.NAME` and
/// so on.
enum class RecordPart : uint8_t {
  kRecord,
  kBody,
  kMetadata,
  kAttribute,
  kScope,
  kResource,
  kLabel
};

struct RecordValue {
  std::string_view name;  ///< must be valid as long as the RecordRows
  RecordPart part = RecordPart::kRecord;
  ColumnKind kind = ColumnKind::kField;
  ColumnType type = ColumnType::kString;
  std::string_view text = {};  ///< must be valid as long as the batch
  int64_t i64 = 0;             ///< a bool as 0 or 1
  uint64_t u64 = 0;
  double f64 = 0;
  bool replaced = false;  ///< by a later value of the same name
};

RecordValue text_value(RecordPart part, std::string_view name, std::string_view text);
RecordValue tag_value(RecordPart part, std::string_view name, std::string_view text);
RecordValue i64_value(RecordPart part, std::string_view name, int64_t value);
RecordValue u64_value(RecordPart part, std::string_view name, uint64_t value);
RecordValue f64_value(RecordPart part, std::string_view name, double value);
RecordValue bool_value(RecordPart part, std::string_view name, bool value);

/// Appends records to a batch, all in the measurement that the options name. Rows have no lines,
/// unless the parser states them: row_as_line() writes them.
class RecordRows : public RowAppender {
 public:
  RecordRows(const ParseOptions& options, Batch& batch, LineErrors& errors);

  Batch& batch() { return batch_; }
  const ParseOptions& options() const { return options_; }
  /// A name that is valid as long as this object.
  std::string_view keep_name(std::string name);
  /// Appends one record, or rejects it if a limit is exceeded. Without a time it has the current
  /// one. Reorders nothing, but may rename and remove `values`. `line`: from which the record was
  /// parsed, if it is one.
  void append(std::optional<Timestamp> time, std::vector<RecordValue>& values,
              std::string_view line = {});
  /// Rejects a record; `time` is its invalid time as it was written.
  void reject(std::string reason, std::string_view time, const std::vector<RecordValue>& values);
  /// Rejects a record that is a line.
  void reject_line(std::string reason, std::string_view line);

  /// kLimit: the body has more names or values than one write may have; nothing may be stored.
  const Status& status() const { return status_; }
  /// The number of each row's record, from 1.
  const std::vector<uint32_t>& numbers() const { return numbers_; }

 private:
  bool has_last_names(const std::vector<RecordValue>& values) const;
  void settle_names(std::vector<RecordValue>& values);
  bool settle_name(std::vector<RecordValue>& values, size_t index);
  bool shorten_name(RecordValue& value);
  RecordValue* find_before(std::vector<RecordValue>& values, size_t index) const;
  bool is_within_limits(const std::vector<RecordValue>& values);
  bool has_room(size_t value_count);
  bool fail_body(const char* what, size_t count_max);

  const ParseOptions& options_;
  Batch& batch_;
  LineErrors& errors_;
  RowBatch& rows_;
  Status status_;
  std::vector<uint32_t> numbers_;
  uint32_t record_count_ = 0;
  size_t value_count_ = 0;
  std::unordered_set<std::string> names_;  // that are not in the body
  // Of the previous record, if none of its values was renamed: most records have the same ones.
  std::vector<std::string_view> last_names_;
  std::vector<size_t> lanes_;  // by position, of the previous record
  // Of the current record.
  std::string oddity_;
  std::unordered_map<std::string_view, size_t> places_;  // of names, if there are many
};

/// Parses all records of a body. kInvalid: it is not a valid body, and nothing of it may be stored.
/// Requires: `body` lives as long as the batch.
using RecordParser = Status (*)(std::string_view body, RecordRows& rows);

/// A row as a JSON line that JSON lines read back with the same types: Telegraf's form,
/// `{"name": ..., "tags": {...}, "fields": {...}, "timestamp": ...}`.
std::string row_as_line(const RowBatch& rows, size_t row);
/// How such lines are parsed again.
LineOrigin record_origin(const ParseOptions& options);

}  // namespace tocsin
