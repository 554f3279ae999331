#include "net/parse/event_rows.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "db/schema/string_hash.h"
#include "net/parse/keys.h"
#include "net/parse/odd_names.h"

namespace tocsin {
namespace {

using Kind = JsonValue::Kind;
using ValueRole = JsonValue::Role;
constexpr std::string_view kMeasurementKey = "measurement";
constexpr size_t kFewNames = 32;        // up to this many, duplicates are found by comparing
constexpr size_t kShapeNamesMax = 256;  // of a remembered event

bool is_named(const JsonValue& value, std::string_view path) {
  return value.role == ValueRole::kGuess && value.path == path;
}

JsonValue* find_named(std::vector<JsonValue>& values, std::string_view path) {
  const auto it = std::find_if(values.begin(), values.end(),
                               [&](const JsonValue& value) { return is_named(value, path); });
  return it == values.end() ? nullptr : &*it;
}

}  // namespace

EventRows::EventRows(const ParseOptions& options, const TimeKeys& time_keys, Batch& batch,
                     LineWarnings& warnings, const char* what)
    : options_(options),
      time_keys_(time_keys),
      batch_(batch),
      warnings_(warnings),
      what_(what),
      static_tags_(options.static_tags, batch) {}

bool EventRows::append(std::vector<JsonValue>& values, Facts facts) {
  const bool usual = options_.guess_shapes && facts.measurement.empty() && facts.oddity.empty();
  Shape* const shape = usual ? find_shape(values) : nullptr;
  if (shape != nullptr && append_shaped(*shape, values, facts)) return true;
  if (shape == nullptr && !facts.unique) drop_duplicates(values, facts.oddity);
  if (shape == nullptr && usual && facts.oddity.empty()) learn(values);
  std::string measurement;
  std::optional<Timestamp> time;
  if (!read_measurement(values, facts, measurement) || !read_time(values, time)) return false;
  if (values.empty()) return fail(fmt::format("{} without any value", what_));
  for (JsonValue& value : values) {
    if (!check(value, facts.oddity)) return false;
  }
  if (!time) time = facts.time;
  if (!time) warn_without_time(values);
  if (!facts.oddity.empty()) warnings_.add(LineWarning::kOddKey, [&] { return facts.oddity; });
  RowBatch& rows = batch_.rows_of(measurement);
  rows.begin_row(time.value_or(options_.now), facts.line);
  static_tags_.set(rows);
  for (size_t i = 0; i < values.size(); ++i) {
    const JsonValue& value = values[i];
    const bool string = value.kind == Kind::kString;
    const ColumnKind kind = string && is_tag(value) ? ColumnKind::kTag : ColumnKind::kField;
    set(rows, rows.lane(value.path, column_type_of(value.kind), kind, i), value);
  }
  return true;
}

// ---- by memory ----

EventRows::Shape* EventRows::find_shape(const std::vector<JsonValue>& values) {
  for (size_t i = 0; i < shapes_.size(); ++i) {
    const size_t shape = (last_ + i) % shapes_.size();
    if (!matches(shapes_[shape], values)) continue;
    last_ = shape;
    return &shapes_[shape];
  }
  return nullptr;
}

bool EventRows::matches(const Shape& shape, const std::vector<JsonValue>& values) {
  if (shape.names.size() != values.size()) return false;
  for (size_t i = 0; i < values.size(); ++i) {
    if (shape.names[i].role != values[i].role ||
        !equal_strings(shape.names[i].text, values[i].path)) {
      return false;
    }
  }
  return true;
}

// Remembers an event whose measurement is that of the options, and whose time is under whole keys.
// Requires: the names differ.
void EventRows::learn(const std::vector<JsonValue>& values) {
  if (values.empty() || values.size() > kShapeNamesMax) return;
  Shape shape;
  for (size_t i = 0; i < values.size(); ++i) {
    const JsonValue& value = values[i];
    if (value.path.size() > kNameBytesMax || is_named(value, kMeasurementKey)) return;
    shape.names.push_back({std::string(value.path), value.role, is_tag(value)});
    if (value.role != ValueRole::kGuess) continue;
    const auto place = time_keys_.place_of(value.path);
    if (!place) continue;
    if (!place->whole) return;
    shape.times.push_back({place->rank, i});
  }
  std::stable_sort(shape.times.begin(), shape.times.end(),
                   [](const TimeName& a, const TimeName& b) { return a.rank < b.rank; });
  if (shapes_.size() < kShapesMax) {
    last_ = shapes_.size();
    shapes_.push_back(std::move(shape));
  } else {
    last_ = next_shape_++ % kShapesMax;
    shapes_[last_] = std::move(shape);
  }
}

std::optional<FoundTime> EventRows::find_time(const Shape& shape,
                                              const std::vector<JsonValue>& values) {
  candidates_.clear();
  for (const TimeName& time : shape.times) {
    const JsonValue& value = values[time.index];
    candidates_.push_back({.rank = time.rank,
                           .index = time.index,
                           .text = value.text,
                           .is_text = value.kind == Kind::kString});
  }
  return time_keys_.choose(candidates_);
}

// Leaves everything that is not usual to append().
bool EventRows::append_shaped(Shape& shape, const std::vector<JsonValue>& values,
                              const Facts& facts) {
  const std::string_view measurement = facts.usual.empty() ? options_.measurement : facts.usual;
  if (measurement.empty() || measurement.size() > kNameBytesMax) return false;
  const auto found = find_time(shape, values);
  if (!found && time_keys_.are_named() && !candidates_.empty()) return false;
  const size_t time_index = found ? found->drop : FoundTime::kNone;
  if (values.size() == (time_index == FoundTime::kNone ? 0 : 1)) return false;
  for (const JsonValue& value : values) {
    if (value.text.size() > kStringBytesMax) return false;
  }
  if (shape.rows == nullptr || shape.measurement != measurement) {
    shape.measurement = measurement;
    shape.rows = &batch_.rows_of(measurement);
    for (Name& name : shape.names) name.lane = {};
  }
  const std::optional<Timestamp> time = found ? std::optional(found->time) : facts.time;
  if (!time) warn_without_time(values);
  RowBatch& rows = *shape.rows;
  rows.begin_row(time.value_or(options_.now), facts.line);
  static_tags_.set(rows);
  size_t hint = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == time_index) continue;
    const JsonValue& value = values[i];
    Name& name = shape.names[i];
    if (name.lane.index == SIZE_MAX || name.lane.kind != value.kind) {
      const bool tag = name.is_tag && value.kind == Kind::kString;
      name.lane = {value.kind, rows.lane(name.text, column_type_of(value.kind),
                                         tag ? ColumnKind::kTag : ColumnKind::kField, hint)};
    }
    ++hint;
    set(rows, name.lane.index, value);
  }
  return true;
}

// ---- without ----

void EventRows::drop_duplicates(std::vector<JsonValue>& values, std::string& oddity) {
  std::unordered_map<std::string_view, size_t> places;
  std::vector<bool> dropped;
  const auto drop = [&](size_t index) {
    dropped.resize(values.size());
    dropped[index] = true;
    if (oddity.empty()) oddity = duplicate_key(values[index].path);
  };
  for (size_t i = 0; i < values.size(); ++i) {
    if (values.size() > kFewNames) {
      const auto [place, added] = places.try_emplace(values[i].path, i);
      if (!added) drop(std::exchange(place->second, i));
      continue;
    }
    for (size_t j = i; j-- > 0;) {
      if (values[j].path != values[i].path) continue;
      drop(j);
      break;
    }
  }
  if (dropped.empty()) return;
  size_t kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!dropped[i]) values[kept++] = values[i];
  }
  values.resize(kept);
}

bool EventRows::read_measurement(std::vector<JsonValue>& values, const Facts& facts,
                                 std::string& measurement) {
  measurement = facts.measurement;
  if (measurement.empty()) {
    JsonValue* named = find_named(values, kMeasurementKey);
    if (named != nullptr && named->kind == Kind::kString && !named->text.empty()) {
      measurement = named->text;
      values.erase(values.begin() + (named - values.data()));
    } else {
      measurement = facts.usual.empty() ? options_.measurement : facts.usual;
    }
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

bool EventRows::read_time(std::vector<JsonValue>& values, std::optional<Timestamp>& time) {
  find_candidates(values);
  const auto found = time_keys_.choose(candidates_);
  if (!found) {
    if (candidates_.empty() || !time_keys_.are_named()) return true;
    const JsonValue& first = values[candidates_.front().index];
    return fail(time_keys_.invalid_time(first.text, first.path));
  }
  time = found->time;
  if (found->drop != FoundTime::kNone) {
    values.erase(values.begin() + static_cast<ptrdiff_t>(found->drop));
  }
  return true;
}

void EventRows::find_candidates(std::vector<JsonValue>& values) {
  candidates_.clear();
  for (size_t i = 0; i < values.size(); ++i) {
    const JsonValue& value = values[i];
    if (value.role != ValueRole::kGuess) continue;
    const auto place = time_keys_.place_of(value.path);
    if (!place) continue;
    TimeCandidate candidate{.rank = place->rank,
                            .index = i,
                            .text = value.text,
                            .is_text = value.kind == Kind::kString,
                            .whole = place->whole,
                            .has_seconds = place->has_seconds};
    if (!place->nanos_key.empty()) {
      if (const JsonValue* nanos = find_named(values, place->nanos_key)) {
        candidate.nanos = nanos->text;
      }
    }
    candidates_.push_back(candidate);
  }
  std::stable_sort(candidates_.begin(), candidates_.end(),
                   [](const auto& a, const auto& b) { return a.rank < b.rank; });
}

bool EventRows::check(JsonValue& value, std::string& oddity) {
  if (value.path.size() > kNameBytesMax) {
    const size_t size = value.path.size();
    value.path = batch_.copy(shortened_name(value.path));
    if (oddity.empty()) {
      oddity = fmt::format("a key of {} bytes is stored as `{}`", size, value.path);
    }
  }
  if (value.text.size() > kStringBytesMax) {
    return fail(fmt::format("string of {} bytes in `{}`, at most {} are possible",
                            value.text.size(), value.path, kStringBytesMax));
  }
  return true;
}

void EventRows::warn_without_time(const std::vector<JsonValue>& values) {
  const bool named = time_keys_.are_named();
  warnings_.add(named ? LineWarning::kTimeKeyMissing : LineWarning::kNoTime, [&] {
    KeysText keys(time_keys_);
    for (const JsonValue& value : values) keys.add(value.path, value.text);
    return keys.text();
  });
}

bool EventRows::is_tag(const JsonValue& value) const {
  if (value.role != ValueRole::kGuess) return value.role == ValueRole::kTag;
  return is_tag_key(value.path, options_) || static_tags_.has(value.path);
}

ColumnType EventRows::column_type_of(JsonValue::Kind kind) {
  switch (kind) {
    case Kind::kI64: return ColumnType::kI64;
    case Kind::kU64: return ColumnType::kU64;
    case Kind::kF64: return ColumnType::kF64;
    case Kind::kBool: return ColumnType::kBool;
    case Kind::kHuge:
    case Kind::kArray:
    case Kind::kString: break;
  }
  return ColumnType::kString;
}

void EventRows::set(RowBatch& rows, size_t lane, const JsonValue& value) {
  switch (value.kind) {
    case Kind::kI64: return rows.set_i64(lane, value.i64, value.text);
    case Kind::kU64: return rows.set_u64(lane, value.u64, value.text);
    case Kind::kF64: return rows.set_f64(lane, value.f64, value.text);
    case Kind::kBool: return rows.set_bool(lane, value.boolean, value.text);
    case Kind::kHuge:
    case Kind::kArray: return rows.set_string(lane, value.text);
    case Kind::kString: break;
  }
  rows.set_string(lane, value.escaped ? batch_.copy(value.text) : value.text);
}

}  // namespace tocsin
