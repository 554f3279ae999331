#include "net/parse/csv_rows.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "net/parse/csv_records.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/keys.h"
#include "net/parse/line_numbers.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/number.h"
#include "net/parse/row_appender.h"

namespace tocsin {
namespace {

enum class Role : uint8_t { kValue, kMeasurement, kTime };  // kTime: of typed files
constexpr size_t kSampleBytesMax = 256 * kKiB;  // of the records from which types are guessed

// Only numbers in JSON notation count: `007` and `+1` are more likely ids. Huge numbers are
// strings.
std::optional<ColumnType> type_of(std::string_view text) {
  if (text == "true" || text == "false") return ColumnType::kBool;
  const auto number = parse_json_number(text);
  if (!number || std::holds_alternative<HugeNumber>(*number)) return std::nullopt;
  if (std::holds_alternative<int64_t>(*number)) return ColumnType::kI64;
  return std::holds_alternative<uint64_t>(*number) ? ColumnType::kU64 : ColumnType::kF64;
}

// The type that holds the values of both. Integers stay exact: what does not fit into u64 gets its
// own type.
ColumnType joined(ColumnType a, ColumnType b) {
  if (a == b) return a;
  const auto is_integer = [](ColumnType type) {
    return type == ColumnType::kI64 || type == ColumnType::kU64;
  };
  const auto is_number = [&](ColumnType type) {
    return is_integer(type) || type == ColumnType::kF64;
  };
  if (is_integer(a) && is_integer(b)) return ColumnType::kU64;
  return is_number(a) && is_number(b) ? ColumnType::kF64 : ColumnType::kString;
}

std::string text_of_field(const CsvField& field) {
  return field.has_quotes ? without_doubled_quotes(field.text) : std::string(field.text);
}

tl::unexpected<Error> bad_csv_header(const std::string& what) {
  return fail(ErrorCode::kInvalid, what + "; the first line of CSV names its columns");
}

Status check_column_count(size_t count) {
  if (count <= kCsvColumnCountMax) return {};
  return fail(ErrorCode::kLimit, fmt::format("CSV with {} columns, at most {} are possible", count,
                                             kCsvColumnCountMax));
}

std::string_view next_not_empty(std::string_view& records, char separator) {
  std::string_view record;
  while (!records.empty() && record.empty()) record = next_record(records, separator);
  return record;
}

Result<CsvHeader> read_names(std::string_view record, char separator) {
  std::vector<CsvField> fields;
  if (!split_record(record, fields, separator)) return bad_csv_header("a quote is not closed");
  TOCSIN_RETURN_IF_ERROR(check_column_count(fields.size()));
  CsvHeader header;
  header.separator = separator;
  for (const CsvField& field : fields) {
    TypedColumn column;
    column.name = text_of_field(field);
    header.columns.push_back(std::move(column));
  }
  return header;
}

Status check_typed_names(const CsvHeader& header) {
  for (size_t i = 0; i < header.columns.size(); ++i) {
    const std::string& name = header.columns[i].name;
    if (name.empty()) return bad_csv_header(fmt::format("column {} has no name", i + 1));
    if (name.size() > kNameBytesMax && !is_base64_name(name)) {
      return bad_csv_header(
          fmt::format("the name of column {} has {} bytes, at most {} are possible", i + 1,
                      name.size(), kNameBytesMax));
    }
  }
  return {};
}

std::string numbered_name(const std::string& base, size_t number) {
  const std::string name = fmt::format("{}_{}", base, number);
  return name.size() > kNameBytesMax ? shortened_name(name) : name;
}

// Gives every column of a plain file a name of its own that a column can have.
void repair_names(CsvHeader& header) {
  std::unordered_set<std::string> names;
  for (const TypedColumn& column : header.columns) names.insert(column.name);
  std::unordered_map<std::string, size_t> uses;  // of each name, and then NAME_2, NAME_3 ...
  for (size_t i = 0; i < header.columns.size(); ++i) {
    std::string& name = header.columns[i].name;
    const std::string original = name;
    if (name.empty()) name = kEmptyName;
    if (name.size() > kNameBytesMax) name = shortened_name(name);
    if (size_t& use = uses[name]; ++use > 1) {
      const std::string base = name;
      name = numbered_name(base, use);
      while (!names.insert(name).second) name = numbered_name(base, ++use);
    }
    if (name == original || !header.oddity.empty()) continue;
    header.oddity = fmt::format("column {}, \"{}\", is stored as `{}`", i + 1,
                                original.substr(0, kShownBytesMax), name);
  }
}

Result<CsvHeader> read_typed(std::string_view types, std::string_view names) {
  TOCSIN_TRY(CsvHeader header, read_names(names, ','));
  TOCSIN_RETURN_IF_ERROR(check_typed_names(header));
  std::vector<CsvField> fields;
  split_record(types, fields);  // a type with a quote is rejected below
  if (fields.size() != header.columns.size()) {
    return bad_csv_header(
        fmt::format("{} types for {} columns", fields.size(), header.columns.size()));
  }
  header.typed = true;
  // Several measurements may have a column of the same name and type as tag and as field.
  std::set<std::pair<std::string, std::string>> seen;
  for (size_t i = 2; i < fields.size(); ++i) {
    TypedColumn& column = header.columns[i];
    if (!parse_type_text(fields[i].text, column)) {
      return bad_csv_header(fmt::format("unknown type \"{}\" of column {}",
                                        fields[i].text.substr(0, kShownBytesMax), i + 1));
    }
    const auto name = parse_exact_name(column.name);
    if (!name)
      return bad_csv_header(fmt::format("the name of column {} is not valid base64", i + 1));
    column.name = *name;
    if (!seen.emplace(column.name, fields[i].text).second) {
      return bad_csv_header(fmt::format("column {} has the name and type of an earlier one: `{}`",
                                        i + 1, column.name.substr(0, kShownBytesMax)));
    }
  }
  return header;
}

void guess_types(CsvHeader& header, std::string_view records) {
  std::vector<std::optional<ColumnType>> types(header.columns.size());
  std::vector<CsvField> fields;
  const size_t size = records.size();
  while (!records.empty() && size - records.size() < kSampleBytesMax) {
    const std::string_view record = next_record(records, header.separator);
    if (!split_record(record, fields, header.separator) || fields.size() != types.size()) continue;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].text.empty()) continue;
      const ColumnType type = type_of(fields[i].text).value_or(ColumnType::kString);
      types[i] = types[i] ? joined(*types[i], type) : type;
    }
  }
  for (size_t i = 0; i < types.size(); ++i) {
    header.columns[i].type = types[i].value_or(ColumnType::kString);
  }
}

// A time that is more than a number, such as a date.
bool is_time_text(const CsvField& field) {
  return field.text.find_first_of("-/:") != field.text.npos && !type_of(field.text) &&
         parse_text_time(field.text);
}

// A name of a column is hardly a time, and not all names are numbers. Names such as `2025` and
// `2026-11-02`, of a table with a column per year or day, have no such value below them.
bool looks_like_data(std::string_view first, std::string_view records, char separator) {
  std::vector<CsvField> names;
  std::vector<CsvField> values;
  if (!split_record(first, names, separator)) return false;
  const std::string_view second = next_not_empty(records, separator);
  const bool single = second.empty();
  if (!single && (!split_record(second, values, separator) || values.size() != names.size())) {
    return false;
  }
  bool all_numbers = true;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_time_text(names[i]) && (single || is_time_text(values[i]))) return true;
    all_numbers &= type_of(names[i].text) && (single || type_of(values[i].text));
  }
  return all_numbers;
}

Result<CsvHeader> numbered_columns(std::string_view first, char separator) {
  std::vector<CsvField> fields;
  split_record(first, fields, separator);  // a bad record is rejected later
  TOCSIN_RETURN_IF_ERROR(check_column_count(fields.size()));
  CsvHeader header;
  header.separator = separator;
  bool time_found = false;
  for (const CsvField& field : fields) {
    TypedColumn column;
    const bool is_time = !time_found && is_time_text(field);
    time_found |= is_time;
    column.name = is_time ? "time" : fmt::format("column{}", header.columns.size() + 1);
    header.columns.push_back(std::move(column));
  }
  return header;
}

/// A column, and the role of its values in the rows.
struct ColumnRole {
  Role role = Role::kValue;
  TypedColumn column;
};

std::vector<ColumnRole> places_of(const CsvHeader& header, const ParseOptions& options) {
  std::vector<ColumnRole> places;
  for (const TypedColumn& column : header.columns) places.push_back({Role::kValue, column});
  if (header.typed) {
    places[0].role = Role::kMeasurement;
    places[1].role = Role::kTime;
    return places;
  }
  const auto measurement = std::ranges::find_if(
      places, [](const ColumnRole& place) { return place.column.name == "measurement"; });
  if (measurement != places.end()) measurement->role = Role::kMeasurement;
  for (ColumnRole& place : places) {
    const bool is_tag = is_tag_key(place.column.name, options);
    if (is_tag && place.column.type == ColumnType::kString) place.column.kind = ColumnKind::kTag;
  }
  return places;
}

class RecordReader : public RowAppender {
 public:
  RecordReader(const CsvHeader& header, const ParseOptions& options, Batch& batch,
               LineWarnings& warnings)
      : header_(header),
        typed_(header.typed),
        separator_(header.separator),
        places_(places_of(header, options)),
        options_(options),
        time_keys_(options.time),
        batch_(batch),
        warnings_(warnings) {
    if (typed_) return;
    for (size_t i = 0; i < places_.size(); ++i) {
      const auto place = time_keys_.place_of(places_[i].column.name);
      if (place && place->whole)
        time_columns_.push_back({.rank = place->rank, .index = i, .is_text = true});
    }
    std::ranges::stable_sort(time_columns_, {}, &TimeCandidate::rank);
  }

  /// Appends the record's row to the batch, or returns false with reason() set.
  bool read(std::string_view record) {
    if (!split_record(record, fields_, separator_)) {
      return fail("a quote is not closed, or its closing quote is not followed by a comma");
    }
    if (fields_.size() != places_.size()) {
      return fail(
          fmt::format("{} values, but the header has {} columns", fields_.size(), places_.size()));
    }
    std::optional<Timestamp> time;
    measurement_ = options_.measurement;
    has_place_ = false;
    drop_ = FoundTime::kNone;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (places_[i].role != Role::kValue && !read_place(i, time)) return false;
    }
    if (!typed_ && !find_time(time)) return false;
    const char* const missing =
        "no measurement: the file has no column `measurement`, and its source sets none";
    if (!check_measurement(measurement_, missing)) return false;
    const bool good = append_row(batch_.rows_of(measurement_), time.value_or(options_.now), record,
                                 [&](RowBatch& rows) { return append_values(rows); });
    if (good) warn(time.has_value());
    return good;
  }

 private:
  // Of a plain file. Leaves `time` empty if no column has one.
  bool find_time(std::optional<Timestamp>& time) {
    candidates_.clear();
    for (TimeCandidate candidate : time_columns_) {
      const CsvField& field = fields_[candidate.index];
      candidate.text = field.text;
      if (!field.text.empty()) candidates_.push_back(candidate);
    }
    const auto found = time_keys_.choose(candidates_);
    if (!found) {
      if (candidates_.empty() || !time_keys_.are_named()) return true;
      const TimeCandidate& first = candidates_.front();
      return fail(time_keys_.invalid_time(first.text, places_[first.index].column.name));
    }
    time = found->time;
    drop_ = found->drop;
    has_place_ |= drop_ != FoundTime::kNone;
    return true;
  }

  void warn(bool has_time) {
    if (!header_.oddity.empty()) {
      warnings_.add(LineWarning::kOddKey, [&] { return header_.oddity; });
    }
    if (has_time) return;
    const bool named = time_keys_.are_named();
    warnings_.add(named ? LineWarning::kTimeKeyMissing : LineWarning::kNoTime, [&] {
      KeysText keys(time_keys_);
      for (size_t i = 0; i < places_.size(); ++i) {
        if (places_[i].role == Role::kValue) keys.add(places_[i].column.name, fields_[i].text);
      }
      return keys.text();
    });
  }

  // Reads the measurement, or the time of a typed file.
  bool read_place(size_t i, std::optional<Timestamp>& time) {
    const std::string text = text_of_field(fields_[i]);
    if (places_[i].role == Role::kMeasurement) {
      const auto name = typed_ ? parse_exact_name(text) : std::optional(text);
      if (!name) return fail("the measurement is not valid base64");
      if (!name->empty()) measurement_ = *name;
      has_place_ |= !name->empty();
      return true;
    }
    const auto found = parse_text_time(text);
    if (!found) {
      return fail(
          fmt::format("invalid time \"{}\": expected RFC 3339 or a number of s, ms, us or ns since "
                      "1970",
                      text.substr(0, kShownBytesMax)));
    }
    time = *found;
    has_place_ = true;
    return true;
  }

  bool append_values(RowBatch& rows) {
    bool any = has_place_;
    size_t lane = 0;  // the hint for the next lane
    for (size_t i = 0; i < fields_.size(); ++i) {
      const CsvField& field = fields_[i];
      if (places_[i].role != Role::kValue || i == drop_) continue;
      if (field.text.empty() && !field.quoted) continue;
      any = true;
      const TypedColumn& column = places_[i].column;
      const bool good = typed_ ? append_typed(rows, column, field, lane++)
                               : append_plain(rows, column, field, lane++);
      if (!good) return false;
    }
    return any || fail("record without any value");
  }

  bool append_typed(RowBatch& rows, const TypedColumn& column, const CsvField& field, size_t hint) {
    if (column.type == ColumnType::kString) return append_string(rows, column, field, hint);
    if (!append_as(rows, column, column.type, field.text, hint)) {
      return fail(fmt::format("\"{}\" of column `{}` is not a valid {}",
                              field.text.substr(0, kShownBytesMax), column.name,
                              name_of(column.type)));
    }
    return true;
  }

  bool append_plain(RowBatch& rows, const TypedColumn& column, const CsvField& field, size_t hint) {
    if (column.type == ColumnType::kString) return append_string(rows, column, field, hint);
    if (append_as(rows, column, column.type, field.text, hint)) return true;
    const auto type = type_of(field.text);
    if (type && append_as(rows, column, *type, field.text, hint)) return true;
    return append_string(rows, column, field, hint);
  }

  bool append_string(RowBatch& rows, const TypedColumn& column, const CsvField& field,
                     size_t hint) {
    std::string_view text = field.text;
    if (field.has_quotes) text = batch_.copy(without_doubled_quotes(text));
    return append_string_cell(batch_, rows, column, text, hint);
  }

  /// Returns false and appends nothing if the text is not a valid value of that type.
  bool append_as(RowBatch& rows, const TypedColumn& column, ColumnType type, std::string_view text,
                 size_t hint) {
    const auto lane = [&] { return lane_of(rows, column, type, hint); };
    switch (type) {
      case ColumnType::kI64: {
        const auto value = parse_i64(text);
        if (value) rows.set_i64(lane(), *value, text);
        return value.has_value();
      }
      case ColumnType::kU64: {
        const auto value = parse_u64(text);
        if (value) rows.set_u64(lane(), *value, text);
        return value.has_value();
      }
      case ColumnType::kF64: {
        const auto value = typed_ ? parse_exact_f64(text) : parse_f64(text);
        if (value) rows.set_f64(lane(), *value, text);
        return value.has_value();
      }
      case ColumnType::kBool:
        if (text != "true" && text != "false") return false;
        rows.set_bool(lane(), text == "true", text);
        return true;
      case ColumnType::kString: break;
    }
    return false;
  }

  const CsvHeader& header_;
  const bool typed_;
  const char separator_;
  const std::vector<ColumnRole> places_;  // by column of the file
  const ParseOptions& options_;
  const TimeKeys time_keys_;
  std::vector<TimeCandidate> time_columns_;  // by rank, without their texts
  Batch& batch_;
  LineWarnings& warnings_;

  // Of the current record.
  std::vector<CsvField> fields_;
  std::vector<TimeCandidate> candidates_;
  std::string measurement_;
  size_t drop_ = FoundTime::kNone;  // the column of the time
  bool has_place_ = false;          // whether the record has a measurement or a time
};

}  // namespace

Result<CsvHeader> read_csv_header(std::string_view& records, CsvLayout layout) {
  const std::string_view all = records;
  const std::string_view first = next_not_empty(records, layout.separator);
  if (first == kTypedCsvStart || first.starts_with(std::string(kTypedCsvStart) + ",")) {
    return read_typed(first, next_not_empty(records, ','));
  }
  if (!layout.has_header) {
    TOCSIN_TRY(CsvHeader numbered, numbered_columns(first, layout.separator));
    records = all;
    guess_types(numbered, records);
    return numbered;
  }
  if (first.empty()) return bad_csv_header("the file has no line with names");
  if (layout.check_header && looks_like_data(first, records, layout.separator)) {
    return bad_csv_header(
        fmt::format("the first line looks like data: \"{}\". Add a line of column names before it, "
                    "or use --no-header, which names them column1, column2 and so on, or --format "
                    "text, which stores each line as a message",
                    first.substr(0, kShownBytesMax)));
  }
  TOCSIN_TRY(CsvHeader header, read_names(first, layout.separator));
  repair_names(header);
  guess_types(header, records);
  return header;
}

void parse_csv(std::string_view buffer, const CsvHeader& header, const ParseOptions& options,
               Batch& batch, LineErrors& errors) {
  RecordReader reader(header, options, batch, errors.warnings());
  LineNumbers numbers(buffer);
  for (std::string_view rest = buffer; !rest.empty();) {
    const std::string_view record = next_record(rest, header.separator);
    read_around_nuls(record, numbers, errors, [&](std::string_view part) {
      if (part.size() > kLineBytesMax) return too_long("record", part.size());
      return reader.read(part) ? std::string() : reader.reason();
    });
  }
}

}  // namespace tocsin
