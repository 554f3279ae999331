#include "net/parse/typed_json.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/json.h"
#include "db/limits.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/json_event.h"
#include "net/parse/json_fault.h"
#include "net/parse/line_numbers.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/number.h"
#include "net/parse/row_appender.h"

namespace tocsin {
namespace {

using Kind = JsonValue::Kind;

constexpr std::string_view kAs = " as ";  // in a sibling's type, before its name

std::string shown(std::string_view text) { return std::string(text.substr(0, kShownBytesMax)); }

/// The columns of a measurement, by their keys in the file.
struct Columns {
  std::unordered_map<std::string, const TypedColumn*, NameHash, std::equal_to<>> by_key;
};

class RowReader : public RowAppender {
 public:
  RowReader(JsonFlattener& flattener, const std::vector<TypedMeasurement>& measurements,
            const ParseOptions& options, Batch& batch, LineWarnings& warnings)
      : flattener_(flattener), options_(options), batch_(batch), warnings_(warnings) {
    for (const TypedMeasurement& measurement : measurements) {
      Columns& columns = columns_[measurement.name];
      const std::vector<std::string> keys = typed_json_keys(measurement.columns);
      for (size_t i = 0; i < keys.size(); ++i) columns.by_key[keys[i]] = &measurement.columns[i];
    }
  }

  /// Appends the line's row to the batch, or returns false with reason() set. `padded` is the line
  /// with kJsonPadding readable bytes after it. Both must live as long as the batch.
  bool read(std::string_view line, std::string_view padded) {
    if (!flattener_.flatten(padded)) {
      const std::string fault = json_fault(line);
      return fail(fault.empty() ? flattener_.error() : "invalid JSON: " + fault);
    }
    std::string measurement = options_.measurement;
    std::optional<Timestamp> time;
    for (const JsonValue& value : flattener_.values()) {
      if (value.kind != Kind::kString) continue;
      if (value.path == "measurement" && !read_name(value, measurement)) return false;
      if (value.path == "time" && !read_time(value, time)) return false;
    }
    if (!check_measurement(measurement, "no measurement: the row has no key `measurement`")) {
      return false;
    }
    if (!time) return fail("no time: the row has no text under the key `time`");
    const std::string& oddity = flattener_.oddity();
    if (!oddity.empty()) warnings_.add(LineWarning::kOddKey, [&] { return oddity; });
    return append_row(batch_.rows_of(measurement), *time, line,
                      [&](RowBatch& rows) { return append_values(rows); });
  }

 private:
  bool read_name(const JsonValue& value, std::string& measurement) {
    auto name = parse_exact_name(value.text);
    if (!name) return fail("the measurement is not valid base64");
    measurement = *std::move(name);
    return true;
  }

  bool read_time(const JsonValue& value, std::optional<Timestamp>& time) {
    time = parse_text_time(value.text);
    return time || fail(fmt::format("invalid time \"{}\": expected RFC 3339", shown(value.text)));
  }

  bool append_values(RowBatch& rows) {
    const auto columns = columns_.find(rows.measurement());
    size_t hint = 0;
    for (const JsonValue& value : flattener_.values()) {
      if (value.path == "measurement" || value.path == "time") continue;
      const TypedColumn* column = nullptr;
      if (columns != columns_.end()) {
        const auto found = columns->second.by_key.find(value.path);
        if (found != columns->second.by_key.end()) column = found->second;
      }
      if (column == nullptr) {
        return fail(fmt::format("`{}` of `{}` is not a column in the first line", shown(value.path),
                                rows.measurement()));
      }
      if (!append(rows, *column, value, hint++)) return false;
    }
    return true;
  }

  bool append(RowBatch& rows, const TypedColumn& column, const JsonValue& value, size_t hint) {
    const auto lane = [&] { return lane_of(rows, column, column.type, hint); };
    const bool is_text = value.kind == Kind::kString;
    switch (column.type) {
      case ColumnType::kI64: {
        const auto number = is_text ? std::nullopt : parse_i64(value.text);
        if (!number) return wrong_type(column, value);
        rows.set_i64(lane(), *number, value.text);
        return true;
      }
      case ColumnType::kU64: {
        const auto number = is_text ? std::nullopt : parse_u64(value.text);
        if (!number) return wrong_type(column, value);
        rows.set_u64(lane(), *number, value.text);
        return true;
      }
      case ColumnType::kF64: {
        const auto number = parse_exact_f64(value.text);
        if (!number || value.escaped) return wrong_type(column, value);
        rows.set_f64(lane(), *number, value.text);
        return true;
      }
      case ColumnType::kBool:
        if (value.kind != Kind::kBool) return wrong_type(column, value);
        rows.set_bool(lane(), value.boolean, value.text);
        return true;
      case ColumnType::kString: break;
    }
    return append_string(rows, column, value, hint);
  }

  bool append_string(RowBatch& rows, const TypedColumn& column, const JsonValue& value,
                     size_t hint) {
    if (value.kind != Kind::kString) return wrong_type(column, value);
    const std::string_view text = value.escaped ? batch_.copy(value.text) : value.text;
    return append_string_cell(batch_, rows, column, text, hint);
  }

  bool wrong_type(const TypedColumn& column, const JsonValue& value) {
    return fail(fmt::format("{} of `{}` is not a valid {}", shown(value.text), column.name,
                            name_of(column.type)));
  }

  JsonFlattener& flattener_;
  const ParseOptions& options_;
  Batch& batch_;
  LineWarnings& warnings_;
  std::unordered_map<std::string, Columns, NameHash, std::equal_to<>> columns_;  // by measurement
};

tl::unexpected<Error> bad_json_header(const std::string& what) {
  return fail(ErrorCode::kInvalid, "the first line of typed JSON lines: " + what);
}

}  // namespace

std::vector<std::string> typed_json_keys(const std::vector<TypedColumn>& columns) {
  std::vector<std::string> keys;
  std::set<std::string> used;
  for (const TypedColumn& column : columns) {
    if (!column.first) used.insert(exact_name(column.name));
  }
  for (const TypedColumn& column : columns) {
    std::string key = exact_name(column.name);
    if (column.first) {
      key += fmt::format("#{}", name_of(column.type));
      while (!used.insert(key).second) key += '#';
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::string> typed_json_header(const std::vector<TypedMeasurement>& measurements) {
  std::string line(kTypedJsonStart);
  line += '{';
  size_t key_count = 1;
  for (const TypedMeasurement& measurement : measurements) {
    if (key_count++ > 1) line += ',';
    line += json_quote(exact_name(measurement.name)) + ":{";
    const std::vector<std::string> keys = typed_json_keys(measurement.columns);
    for (size_t i = 0; i < keys.size(); ++i) {
      const TypedColumn& column = measurement.columns[i];
      if (i > 0) line += ',';
      std::string type = type_text(column);
      if (column.first) type += fmt::format("{}{}", kAs, exact_name(column.name));
      line += json_quote(keys[i]) + ':' + json_quote(type);
      ++key_count;
    }
    line += '}';
  }
  line += "}}\n";
  if (key_count <= kJsonKeysMax && line.size() <= kLineBytesMax) return line;
  return fail(
      ErrorCode::kLimit,
      fmt::format("the rows have {} columns and measurements, their first line {} bytes; at "
                  "most {} and {} are possible: export fewer measurements at a time",
                  key_count - 1, line.size(), kJsonKeysMax - 1, kLineBytesMax));
}

Result<std::vector<TypedMeasurement>> read_typed_json_header(std::string_view line) {
  std::string padded(line);
  padded.append(kJsonPadding, ' ');
  JsonFlattener flattener;
  if (!flattener.flatten(std::string_view(padded).substr(0, line.size()))) {
    return bad_json_header(flattener.error());
  }
  std::vector<TypedMeasurement> measurements;
  for (const JsonValue& value : flattener.values()) {
    // tocsin_columns, measurement, column
    const size_t first = value.keys.find(kKeySeparator);
    const size_t last = value.keys.rfind(kKeySeparator);
    if (first == value.keys.npos || first == last) {
      return bad_json_header(
          fmt::format("`{}` is not a column of a measurement", shown(value.path)));
    }
    const auto measurement = parse_exact_name(value.keys.substr(first + 1, last - first - 1));
    const std::string_view text = value.text;
    const size_t as = value.kind == Kind::kString ? text.find(kAs) : text.npos;
    const auto name = parse_exact_name(as == text.npos ? value.keys.substr(last + 1)
                                                       : text.substr(as + kAs.size()));
    TypedColumn column;
    if (!measurement || !name || value.kind != Kind::kString ||
        !parse_type_text(text.substr(0, as), column) ||
        column.first.has_value() != (as != text.npos)) {
      return bad_json_header(fmt::format("\"{}\" is not a valid type for column `{}`",
                                         shown(value.text), shown(value.path)));
    }
    column.name = *name;
    if (measurements.empty() || measurements.back().name != *measurement) {
      measurements.push_back({*measurement, {}});
    }
    measurements.back().columns.push_back(std::move(column));
  }
  return measurements;
}

struct TypedJsonParser::Impl {
  JsonFlattener flattener;
};

TypedJsonParser::TypedJsonParser() : impl_(std::make_unique<Impl>()) {}
TypedJsonParser::~TypedJsonParser() = default;

void TypedJsonParser::parse(std::string_view buffer,
                            const std::vector<TypedMeasurement>& measurements,
                            const ParseOptions& options, Batch& batch, LineErrors& errors) {
  RowReader reader(impl_->flattener, measurements, options, batch, errors.warnings());
  LineNumbers numbers(buffer);
  for (std::string_view rest = buffer; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (is_blank_line(line)) continue;
    read_around_nuls(line, numbers, errors, [&](std::string_view part) {
      if (part.size() > kLineBytesMax) return too_long("line", part.size());
      return reader.read(part, padded_line(part, buffer, batch)) ? std::string() : reader.reason();
    });
  }
}

}  // namespace tocsin
