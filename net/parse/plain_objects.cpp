#include "net/parse/plain_objects.h"

#include <algorithm>
#include <cstring>
#include <variant>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "db/schema/string_hash.h"
#include "net/parse/journal.h"
#include "net/parse/keys.h"
#include "net/parse/number.h"
#include "net/parse/odd_names.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

constexpr size_t kTargetsMax = 16;  // searched linearly
constexpr size_t kKeysMax = 256;    // compared pairwise when a shape is learned

/// Whether all bytes are ASCII, and none is a control character or a backslash.
bool is_plain(std::string_view line) {
  uint8_t odd = 0;
  for (const char c : line) {
    const auto byte = static_cast<signed char>(c);
    odd |= static_cast<uint8_t>(byte < 0x20) | static_cast<uint8_t>(byte == '\\');
  }
  return odd == 0;
}

bool skip(const char*& p, const char* end, std::string_view bytes) {
  if (static_cast<size_t>(end - p) < bytes.size() || !equal_strings({p, bytes.size()}, bytes)) {
    return false;
  }
  p += bytes.size();
  return true;
}

void skip_spaces(const char*& p, const char* end) {
  while (p != end && *p == ' ') ++p;
}

std::string text_between(const char* start, const char* end) {
  return std::string(start, static_cast<size_t>(end - start));
}

}  // namespace

PlainObjects::PlainObjects(const ParseOptions& options, const TimeKeys& time_keys, Batch& batch,
                           LineWarnings& warnings)
    : options_(options), time_keys_(time_keys), batch_(batch), warnings_(warnings) {
  shapes_.reserve(kShapesMax);
}

bool PlainObjects::consume(std::string_view line) {
  if (!is_plain(line)) return false;
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const size_t shape = (last_ + i) % shapes_.size();
    if (!matches(shapes_[shape], line)) continue;
    last_ = shape;
    return append(shapes_[shape], line);
  }
  return learn(line) && append(shapes_[last_], line);
}

// Sets values_ if the line has this shape.
bool PlainObjects::matches(const Shape& shape, std::string_view line) {
  const char* p = line.data();
  const char* const end = p + line.size();
  values_.resize(shape.keys.size());
  for (size_t i = 0; i < shape.keys.size(); ++i) {
    if (!skip(p, end, shape.keys[i].before) || !read_value(p, end, values_[i])) return false;
  }
  return skip(p, end, shape.after) && p == end;
}

// Adds the shape of a flat object, as the last one.
bool PlainObjects::learn(std::string_view line) {
  const char* p = line.data();
  const char* const end = p + line.size();
  Shape shape;
  values_.clear();
  const char* start = p;
  skip_spaces(p, end);
  for (char separator = '{'; p != end && *p == separator; separator = ',') {
    ++p;
    skip_spaces(p, end);
    if (p == end || *p++ != '"') return false;
    const char* const name = p;
    p = scan::find_any<'"'>(p, end);
    if (p == end || p == name) return false;
    Key key;
    key.name = text_between(name, p++);
    skip_spaces(p, end);
    if (p == end || *p++ != ':') return false;
    skip_spaces(p, end);
    key.before = text_between(start, p);
    if (key.name.size() > kNameBytesMax || shape.keys.size() == kKeysMax) return false;
    for (const Key& other : shape.keys) {
      if (other.name == key.name) return false;
    }
    shape.keys.push_back(std::move(key));
    if (!read_value(p, end, values_.emplace_back())) return false;
    start = p;
    skip_spaces(p, end);
  }
  if (shape.keys.empty() || p == end || *p++ != '}') return false;
  skip_spaces(p, end);
  if (p != end) return false;
  shape.after = text_between(start, end);
  if (!set_roles(shape)) return false;
  if (shapes_.size() < kShapesMax) {
    last_ = shapes_.size();
    shapes_.push_back(std::move(shape));
  } else {
    last_ = next_shape_++ % kShapesMax;
    shapes_[last_] = std::move(shape);
  }
  return true;
}

// Returns false for a flat key that means a part of a time, like `time.seconds`, and for entries of
// the journal, which are renamed.
bool PlainObjects::set_roles(Shape& shape) const {
  const auto index_of = [&](std::string_view name) -> std::optional<size_t> {
    for (size_t i = 0; i < shape.keys.size(); ++i) {
      if (shape.keys[i].name == name) return i;
    }
    return std::nullopt;
  };
  shape.measurement_key = index_of("measurement");
  for (size_t i = 0; i < shape.keys.size(); ++i) {
    const auto place = time_keys_.place_of(shape.keys[i].name);
    if (shape.keys[i].name == kJournalTime) return false;
    if (!place) continue;
    if (!place->whole) return false;
    shape.time_keys.push_back({place->rank, i});
  }
  std::stable_sort(shape.time_keys.begin(), shape.time_keys.end(),
                   [](const TimeKey& a, const TimeKey& b) { return a.rank < b.rank; });
  for (Key& key : shape.keys) {
    key.is_tag = options_.tags.empty() ? is_usual_tag(key.name)
                                       : std::find(options_.tags.begin(), options_.tags.end(),
                                                   key.name) != options_.tags.end();
  }
  return true;
}

// Leaves p after the value.
bool PlainObjects::read_value(const char*& p, const char* end, Value& value) const {
  if (p == end) return false;
  const char* const start = p;
  if (*p == '"') {
    p = scan::find_any<'"'>(p + 1, end);
    if (p == end) return false;
    value.kind = Kind::kString;
    value.text = {start + 1, static_cast<size_t>(p++ - start - 1)};
    return value.text.size() <= kStringBytesMax;
  }
  while (p != end && *p != ',' && *p != '}' && *p != ' ') ++p;
  value.text = {start, static_cast<size_t>(p - start)};
  if (is_digit(*start) || *start == '-') return read_number(value.text, value);
  value.boolean = value.text == "true";
  value.kind = value.text == "null" ? Kind::kNull : Kind::kBool;
  return value.kind == Kind::kNull || value.boolean || value.text == "false";
}

bool PlainObjects::read_number(std::string_view text, Value& value) const {
  const std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
  // The parsers of plain numbers also accept what JSON does not: leading zeros, a trailing point.
  const bool is_json = !digits.empty() && is_digit(digits[0]) && is_digit(digits.back()) &&
                       (digits[0] != '0' || digits.size() == 1 || digits[1] == '.');
  if (is_json && text != "-0") {
    if (const auto integer = parse_i64(text)) {
      value.kind = Kind::kI64;
      value.i64 = *integer;
      return true;
    }
    if (const auto decimal = parse_plain_decimal(text)) {
      value.kind = Kind::kF64;
      value.f64 = *decimal;
      return true;
    }
  }
  const auto number = parse_json_number(text);
  if (!number) return false;
  if (const auto* i64 = std::get_if<int64_t>(&*number)) {
    value.kind = Kind::kI64;
    value.i64 = *i64;
  } else if (const auto* u64 = std::get_if<uint64_t>(&*number)) {
    value.kind = Kind::kU64;
    value.u64 = *u64;
  } else if (const auto* f64 = std::get_if<double>(&*number)) {
    value.kind = Kind::kF64;
    value.f64 = *f64;
  } else {
    value.kind = Kind::kHuge;
  }
  return true;
}

std::optional<FoundTime> PlainObjects::find_time(const Shape& shape) {
  candidates_.clear();
  if (shape.time_keys.empty()) return std::nullopt;
  const TimeKey first = shape.time_keys.front();
  if (const Value& value = values_[first.index]; value.kind == Kind::kI64) {  // the usual case
    if (const auto time = time_keys_.read_integer(value.i64, value.text)) {
      return FoundTime{*time, time_keys_.drops(first.rank) ? first.index : FoundTime::kNone};
    }
  }
  for (const TimeKey& key : shape.time_keys) {
    const Value& value = values_[key.index];
    if (value.kind == Kind::kNull) continue;
    candidates_.push_back({.rank = key.rank,
                           .index = key.index,
                           .text = value.text,
                           .is_text = value.kind == Kind::kString});
  }
  return time_keys_.choose(candidates_);
}

std::string PlainObjects::keys_text(const Shape& shape) const {
  KeysText keys(time_keys_);
  for (size_t i = 0; i < shape.keys.size(); ++i) {
    if (values_[i].kind == Kind::kNull || i == shape.measurement_key) continue;
    keys.add(shape.keys[i].name, values_[i].text);
  }
  return keys.text();
}

bool PlainObjects::append(Shape& shape, std::string_view line) {
  std::string_view measurement = options_.measurement;
  if (shape.measurement_key) {
    const Value& value = values_[*shape.measurement_key];
    if (value.kind != Kind::kString) return false;
    measurement = value.text;
  }
  if (measurement.empty() || measurement.size() > kNameBytesMax) return false;
  if (options_.admit_odd_name && shape.measurement_key && is_odd_measurement(measurement)) {
    return false;
  }
  const auto time = find_time(shape);
  const bool named = time_keys_.are_named();
  if (!time && named && !candidates_.empty()) return false;
  const size_t time_column = time ? time->drop : FoundTime::kNone;
  const auto is_column = [&](size_t i) {
    return values_[i].kind != Kind::kNull && i != shape.measurement_key && i != time_column;
  };
  size_t first = 0;
  while (first < values_.size() && !is_column(first)) ++first;
  if (first == values_.size()) return false;
  if (!time) {
    warnings_.add(named ? LineWarning::kTimeKeyMissing : LineWarning::kNoTime,
                  [&] { return keys_text(shape); });
  }

  Target& target = target_of(shape, measurement);
  target.rows->begin_row(time ? time->time : options_.now, line);
  size_t hint = 0;
  for (size_t i = first; i < values_.size(); ++i) {
    if (is_column(i)) set(target, shape.keys[i], i, values_[i], hint++);
  }
  return true;
}

PlainObjects::Target& PlainObjects::target_of(Shape& shape, std::string_view measurement) {
  for (Target& target : shape.targets) {
    if (equal_strings(target.measurement, measurement)) return target;
  }
  Target target{std::string(measurement), &batch_.rows_of(measurement),
                std::vector<Lane>(shape.keys.size())};
  if (shape.targets.size() < kTargetsMax) return shape.targets.emplace_back(std::move(target));
  return shape.targets[shape.next_target++ % kTargetsMax] = std::move(target);
}

void PlainObjects::set(Target& target, const Key& key, size_t index, const Value& value,
                       size_t hint) {
  RowBatch& rows = *target.rows;
  Lane& lane = target.lanes[index];
  const auto lane_of = [&](ColumnType type, ColumnKind kind = ColumnKind::kField) {
    if (lane.kind != value.kind) lane = {value.kind, rows.lane(key.name, type, kind, hint)};
    return lane.index;
  };
  switch (value.kind) {
    case Kind::kI64: return rows.set_i64(lane_of(ColumnType::kI64), value.i64, value.text);
    case Kind::kU64: return rows.set_u64(lane_of(ColumnType::kU64), value.u64, value.text);
    case Kind::kF64: return rows.set_f64(lane_of(ColumnType::kF64), value.f64, value.text);
    case Kind::kBool: return rows.set_bool(lane_of(ColumnType::kBool), value.boolean, value.text);
    case Kind::kHuge: return rows.set_string(lane_of(ColumnType::kString), value.text);
    case Kind::kString:
      return rows.set_string(
          lane_of(ColumnType::kString, key.is_tag ? ColumnKind::kTag : ColumnKind::kField),
          value.text);
    case Kind::kNull: break;
  }
}

}  // namespace tocsin
