// Turns each JSON event into a row: finds its measurement, its time and its tags.
#include "net/parse/json_lines.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/text.h"
#include "db/limits.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/json_event.h"
#include "net/parse/keys.h"
#include "net/parse/line_numbers.h"
#include "net/parse/odd_names.h"
#include "net/parse/plain_objects.h"
#include "net/parse/row_appender.h"

namespace tocsin {
namespace {

using Kind = JsonValue::Kind;
constexpr std::string_view kTagsPrefix = "tags.";
constexpr std::string_view kFieldsPrefix = "fields.";

JsonValue* find(std::vector<JsonValue>& values, std::string_view path) {
  const auto it = std::find_if(values.begin(), values.end(),
                               [&](const JsonValue& value) { return value.path == path; });
  return it == values.end() ? nullptr : &*it;
}

std::optional<Timestamp> time_of(const JsonValue& value) {
  if (value.kind == Kind::kString) return parse_text_time(value.text);
  if (value.kind == Kind::kI64 || value.kind == Kind::kF64) return parse_numeric_time(value.text);
  return std::nullopt;
}

// The code unit of the escape `\uXXXX` at the start of `text`, if it is one.
std::optional<uint32_t> escaped_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  uint32_t unit = 0;
  const char* const end = text.data() + 6;
  const auto [stop, error] = std::from_chars(text.data() + 2, end, unit, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return unit;
}

bool is_high_surrogate(std::optional<uint32_t> unit) { return unit && *unit >> 10 == 0xD800 >> 10; }
bool is_low_surrogate(std::optional<uint32_t> unit) { return unit && *unit >> 10 == 0xDC00 >> 10; }

// Replaces escapes of half a surrogate pair by U+FFFD. In valid JSON only strings have backslashes.
std::string without_lone_surrogates(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const size_t plain = std::min(json.find('\\'), json.size());
    out += json.substr(0, plain);
    json.remove_prefix(plain);
    const auto unit = escaped_unit(json);
    const bool high = is_high_surrogate(unit);
    const bool pair = high && is_low_surrogate(escaped_unit(json.substr(6)));
    const bool lone = !pair && (high || is_low_surrogate(unit));
    const size_t size = std::min<size_t>(json.size(), pair ? 12 : unit ? 6 : 2);
    out += lone ? "\\ufffd" : json.substr(0, size);
    json.remove_prefix(size);
  }
  return out;
}

class EventReader : public RowAppender {
 public:
  EventReader(JsonFlattener& flattener, const ParseOptions& options, Batch& batch)
      : flattener_(flattener),
        options_(options),
        batch_(batch),
        time_keys_(time_keys_of(options)) {}

  /// Appends the line's row to the batch, or returns false with reason() set. Requires:
  /// kJsonPadding readable bytes after the line; `line` must live as long as the batch.
  bool read(std::string_view line) {
    if (!flattener_.flatten(line) && !retry_repaired(line)) return fail(flattener_.error());
    std::vector<JsonValue>& values = flattener_.values();
    std::string measurement;
    Timestamp time = options_.now;
    telegraf_ = is_telegraf(values);
    if (!read_measurement(values, measurement) || !read_time(values, time)) return false;
    if (values.empty()) return fail("JSON object without any value");
    for (const JsonValue& value : values) {
      if (!check(value)) return false;
    }
    RowBatch& rows = batch_.rows_of(measurement);
    rows.begin_row(time, line);
    for (size_t i = 0; i < values.size(); ++i) append(rows, values[i], i);
    return true;
  }

 private:
  // Invalid UTF-8 is displayed as U+FFFD everywhere, so the event is stored that way. Half a
  // surrogate pair, which remains when a writer truncates a text, is treated alike.
  bool retry_repaired(std::string_view line) {
    if (!flattener_.invalid_text()) return false;
    size_t replaced = 0;
    std::string repaired = without_lone_surrogates(valid_utf8(line, replaced));
    const size_t size = repaired.size();
    repaired.append(kJsonPadding, ' ');
    return flattener_.flatten(batch_.keep(std::move(repaired)).substr(0, size));
  }

  bool is_telegraf(std::vector<JsonValue>& values) const {
    const JsonShape& shape = flattener_.shape();
    if (!shape.only_telegraf_keys || !shape.fields_is_object || !shape.tags_is_object) return false;
    const JsonValue* name = find(values, "name");
    return name != nullptr && name->kind == Kind::kString;
  }

  bool read_measurement(std::vector<JsonValue>& values, std::string& measurement) {
    JsonValue* named = find(values, telegraf_ ? "name" : "measurement");
    if (named != nullptr && named->kind == Kind::kString && !named->text.empty()) {
      measurement = named->text;
      values.erase(values.begin() + (named - values.data()));
    } else {
      measurement = options_.measurement;
    }
    if (!check_measurement(
            measurement,
            "no measurement: the event has no key `measurement`, and its source sets none")) {
      return false;
    }
    const bool admitted = !options_.admit_odd_name || !is_odd_measurement(measurement) ||
                          options_.admit_odd_name(measurement);
    return admitted || fail(odd_names_limit_reason(measurement));
  }

  bool read_time(std::vector<JsonValue>& values, Timestamp& time) {
    const JsonValue* unreadable = nullptr;
    for (const std::string_view key : time_keys_) {
      JsonValue* candidate = find(values, key);
      if (candidate == nullptr) continue;
      if (const auto found = time_of(*candidate)) {
        time = *found;
        values.erase(values.begin() + (candidate - values.data()));
        return true;
      }
      if (unreadable == nullptr) unreadable = candidate;
    }
    if (unreadable == nullptr) return true;
    return fail(
        fmt::format("invalid time \"{}\" in key `{}`: expected RFC 3339 or a number of s, ms, "
                    "us or ns since 1970",
                    unreadable->text.substr(0, kShownBytesMax), unreadable->path));
  }

  std::string_view column_of(const JsonValue& value) const {
    if (!telegraf_) return value.path;
    if (value.path.starts_with(kFieldsPrefix)) return value.path.substr(kFieldsPrefix.size());
    if (value.path.starts_with(kTagsPrefix)) return value.path.substr(kTagsPrefix.size());
    return value.path;
  }

  bool is_tag(const JsonValue& value) const {
    if (telegraf_) return value.path.starts_with(kTagsPrefix);
    return is_tag_key(value.path, options_);
  }

  bool check(const JsonValue& value) {
    if (column_of(value).size() > kNameBytesMax) {
      return fail(fmt::format("key of {} bytes, at most {} are possible: \"{}...\"",
                              column_of(value).size(), kNameBytesMax,
                              column_of(value).substr(0, kShownBytesMax)));
    }
    if (value.text.size() > kStringBytesMax) {
      return fail(fmt::format("string of {} bytes in `{}`, at most {} are possible",
                              value.text.size(), value.path, kStringBytesMax));
    }
    return true;
  }

  void append(RowBatch& rows, const JsonValue& value, size_t hint) {
    const std::string_view column = column_of(value);
    const auto lane = [&](ColumnType type, ColumnKind kind = ColumnKind::kField) {
      return rows.lane(column, type, kind, hint);
    };
    switch (value.kind) {
      case Kind::kI64: return rows.set_i64(lane(ColumnType::kI64), value.i64, value.text);
      case Kind::kU64: return rows.set_u64(lane(ColumnType::kU64), value.u64, value.text);
      case Kind::kF64: return rows.set_f64(lane(ColumnType::kF64), value.f64, value.text);
      case Kind::kBool: return rows.set_bool(lane(ColumnType::kBool), value.boolean, value.text);
      case Kind::kArray: return rows.set_string(lane(ColumnType::kString), value.text);
      case Kind::kString: break;
    }
    const ColumnKind kind = is_tag(value) ? ColumnKind::kTag : ColumnKind::kField;
    rows.set_string(lane(ColumnType::kString, kind),
                    value.escaped ? batch_.copy(value.text) : value.text);
  }

  JsonFlattener& flattener_;
  const ParseOptions& options_;
  Batch& batch_;
  const std::vector<std::string_view> time_keys_;
  bool telegraf_ = false;  // whether the current event has Telegraf's shape
};

}  // namespace

struct JsonLinesParser::Impl {
  JsonFlattener flattener;
};

JsonLinesParser::JsonLinesParser() : impl_(std::make_unique<Impl>()) {}
JsonLinesParser::~JsonLinesParser() = default;

void JsonLinesParser::parse(std::string_view buffer, const ParseOptions& options, Batch& batch,
                            LineErrors& errors) {
  EventReader reader(impl_->flattener, options, batch);
  PlainObjects plain(options, time_keys_of(options), batch);
  LineNumbers numbers(buffer);
  for (std::string_view rest = buffer; !rest.empty();) {
    const std::string_view line = next_line(rest);
    if (is_blank_line(line)) continue;
    if (line.size() > kLineBytesMax) {
      const std::string reason =
          fmt::format("line of {} bytes, at most {} are possible", line.size(), kLineBytesMax);
      errors.add({numbers.at(line.data()), reason, line});
    } else if (options.guess_shapes && plain.consume(line)) {
      continue;
    } else if (!reader.read(padded_line(line, buffer, batch))) {
      errors.add({numbers.at(line.data()), reader.reason(), line});
    }
  }
}

}  // namespace tocsin
