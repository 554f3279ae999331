// Settles the names of a record's values and appends its row.
#include "net/parse/records.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/base/time.h"
#include "net/parse/keys.h"
#include "net/parse/line_origin.h"

namespace tocsin {
namespace {

constexpr std::string_view kTimeKey = "timestamp";  // of Telegraf's form
constexpr size_t kFewValues = 32;                   // equal names are found by comparing

std::string_view name_of(RecordPart part) {
  switch (part) {
    case RecordPart::kRecord: return "record";
    case RecordPart::kBody: return "body";
    case RecordPart::kMetadata: return "metadata";
    case RecordPart::kAttribute: return "attribute";
    case RecordPart::kScope: return "scope";
    case RecordPart::kResource: return "resource";
    case RecordPart::kLabel: return "label";
  }
  return "";
}

void set_value(RowBatch& rows, size_t lane, const RecordValue& value) {
  switch (value.type) {
    case ColumnType::kI64: return rows.set_i64(lane, value.i64);
    case ColumnType::kU64: return rows.set_u64(lane, value.u64);
    case ColumnType::kF64: return rows.set_f64(lane, value.f64);
    case ColumnType::kBool: return rows.set_bool(lane, value.i64 != 0);
    case ColumnType::kString: return rows.set_string(lane, value.text);
  }
}

// A float stays one when the text is read again.
std::string f64_json(double value) {
  std::string text;
  add_exact_f64(text, value);
  if (text.find_first_of("ain") != text.npos) return json_quote(text);  // nan, inf
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string lane_value_json(const Lane& lane, size_t index) {
  switch (lane.type) {
    case ColumnType::kI64: return fmt::format("{}", lane.i64[index]);
    case ColumnType::kU64: return fmt::format("{}", lane.u64[index]);
    case ColumnType::kF64: return f64_json(lane.f64[index]);
    case ColumnType::kBool: return lane.i64[index] != 0 ? "true" : "false";
    case ColumnType::kString: return json_quote(lane.text_of(index));
  }
  return "null";
}

std::string row_as_line(const RowBatch& rows, size_t row, std::string_view time) {
  std::string tags;
  std::string fields;
  for (const Lane& lane : rows.lanes()) {
    const auto place =
        std::lower_bound(lane.rows.begin(), lane.rows.end(), static_cast<uint32_t>(row));
    if (place == lane.rows.end() || *place != row) continue;
    std::string& out = lane.kind == ColumnKind::kTag ? tags : fields;
    if (!out.empty()) out += ',';
    out += json_quote(lane.name) + ':' +
           lane_value_json(lane, static_cast<size_t>(place - lane.rows.begin()));
  }
  return fmt::format(R"({{"name":{},"tags":{{{}}},"fields":{{{}}},"{}":{}}})",
                     json_quote(rows.measurement()), tags, fields, kTimeKey, json_quote(time));
}

RecordValue plain_value(RecordPart part, std::string_view name, ColumnType type) {
  RecordValue value;
  value.name = name;
  value.part = part;
  value.type = type;
  return value;
}

}  // namespace

RecordValue text_value(RecordPart part, std::string_view name, std::string_view text) {
  RecordValue value = plain_value(part, name, ColumnType::kString);
  value.text = text;
  return value;
}

RecordValue tag_value(RecordPart part, std::string_view name, std::string_view text) {
  RecordValue value = text_value(part, name, text);
  value.kind = ColumnKind::kTag;
  return value;
}

RecordValue i64_value(RecordPart part, std::string_view name, int64_t number) {
  RecordValue value = plain_value(part, name, ColumnType::kI64);
  value.i64 = number;
  return value;
}

RecordValue u64_value(RecordPart part, std::string_view name, uint64_t number) {
  RecordValue value = plain_value(part, name, ColumnType::kU64);
  value.u64 = number;
  return value;
}

RecordValue f64_value(RecordPart part, std::string_view name, double number) {
  RecordValue value = plain_value(part, name, ColumnType::kF64);
  value.f64 = number;
  return value;
}

RecordValue bool_value(RecordPart part, std::string_view name, bool truth) {
  RecordValue value = plain_value(part, name, ColumnType::kBool);
  value.i64 = truth ? 1 : 0;
  return value;
}

RecordRows::RecordRows(const ParseOptions& options, Batch& batch, LineErrors& errors)
    : options_(options),
      batch_(batch),
      errors_(errors),
      rows_(batch.rows_of(options.measurement)) {}

void RecordRows::append(std::optional<Timestamp> time, std::vector<RecordValue>& values,
                        std::string_view line) {
  if (!status_ || !has_room(values.size())) return;
  oddity_.clear();
  if (values.size() <= kRecordValuesMax && !(options_.guess_shapes && has_last_names(values)))
    settle_names(values);
  if (!is_within_limits(values)) {
    if (!line.empty()) return reject_line(reason(), line);
    return reject(reason(), format_time(time.value_or(options_.now)), values);
  }
  ++record_count_;
  if (!time) errors_.warnings().add(LineWarning::kNoTime, [] { return std::string(); });
  if (!oddity_.empty()) errors_.warnings().add(LineWarning::kOddKey, [&] { return oddity_; });
  numbers_.push_back(record_count_);
  rows_.begin_row(time.value_or(options_.now), line);
  lanes_.resize(std::max(lanes_.size(), values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const RecordValue& value = values[i];
    lanes_[i] = rows_.lane(value.name, value.type, value.kind, lanes_[i]);
    set_value(rows_, lanes_[i], value);
  }
}

std::string_view RecordRows::keep_name(std::string name) {
  if (names_.size() >= kBodyNamesMax && !names_.contains(name)) {
    fail_body("names", kBodyNamesMax);
    return kEmptyName;
  }
  return *names_.insert(std::move(name)).first;
}

bool RecordRows::has_room(size_t value_count) {
  value_count_ += value_count + kValuesPerRow;
  if (value_count_ > kBodyValuesMax) return fail_body("values", kBodyValuesMax);
  return rows_.lanes().size() <= kBodyNamesMax || fail_body("names", kBodyNamesMax);
}

bool RecordRows::fail_body(const char* what, size_t count_max) {
  status_ = tl::unexpected<Error>(
      {ErrorCode::kLimit,
       fmt::format("the records of the body have more than {} {}; send them in parts", count_max,
                   what)});
  return false;
}

void RecordRows::reject(std::string reason, std::string_view time,
                        const std::vector<RecordValue>& values) {
  if (!status_) return;
  Batch batch;
  RowBatch& row = batch.rows_of(options_.measurement);
  row.begin_row(0);
  for (const RecordValue& value : values) {
    set_value(row, row.lane(value.name, value.type, value.kind, 0), value);
  }
  const std::string_view line = batch_.keep(row_as_line(row, 0, time));
  errors_.add({++record_count_, std::move(reason), line});
}

void RecordRows::reject_line(std::string reason, std::string_view line) {
  if (status_) errors_.add({++record_count_, std::move(reason), line});
}

bool RecordRows::has_last_names(const std::vector<RecordValue>& values) const {
  return std::equal(
      values.begin(), values.end(), last_names_.begin(), last_names_.end(),
      [](const RecordValue& value, std::string_view name) { return value.name == name; });
}

void RecordRows::settle_names(std::vector<RecordValue>& values) {
  places_.clear();
  bool changed = false;
  for (size_t i = 0; i < values.size(); ++i) changed |= settle_name(values, i);
  std::erase_if(values, [](const RecordValue& value) { return value.replaced; });
  last_names_.clear();
  if (changed) return;
  for (const RecordValue& value : values) last_names_.push_back(value.name);
}

// Makes the name of a value differ from those before it. Returns whether anything was changed.
bool RecordRows::settle_name(std::vector<RecordValue>& values, size_t index) {
  RecordValue& value = values[index];
  bool changed = value.name.empty();
  if (value.name.empty()) {
    value.name = kEmptyName;
    oddity_ = fmt::format("an empty key is called `{}`", kEmptyName);
  }
  RecordValue* same = nullptr;
  for (bool prefixed = false;; prefixed = true) {
    changed |= shorten_name(value);
    same = find_before(values, index);
    if (same == nullptr || same->part == value.part || prefixed) break;
    value.name = keep_name(fmt::format("{}.{}", name_of(value.part), value.name));
    changed = true;
  }
  if (same != nullptr) {
    oddity_ = fmt::format("the key `{}` occurs twice: only its last value is stored",
                          value.name.substr(0, kShownBytesMax));
    same->replaced = true;
  }
  if (values.size() > kFewValues) places_[value.name] = index;
  return changed || same != nullptr;
}

bool RecordRows::shorten_name(RecordValue& value) {
  if (value.name.size() <= kNameBytesMax) return false;
  const std::string name = shortened_name(value.name);
  oddity_ = fmt::format("a key of {} bytes is stored as `{}`", value.name.size(), name);
  value.name = keep_name(name);
  return true;
}

// The value before `index` that has its name.
RecordValue* RecordRows::find_before(std::vector<RecordValue>& values, size_t index) const {
  const std::string_view name = values[index].name;
  if (values.size() > kFewValues) {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &values[place->second];
  }
  for (size_t i = 0; i < index; ++i) {
    if (values[i].name == name && !values[i].replaced) return &values[i];
  }
  return nullptr;
}

bool RecordRows::is_within_limits(const std::vector<RecordValue>& values) {
  if (values.size() > kRecordValuesMax) {
    return fail(fmt::format("{} values in one record, at most {} are possible", values.size(),
                            kRecordValuesMax));
  }
  for (const RecordValue& value : values) {
    if (value.text.size() <= kStringBytesMax) continue;
    return fail(fmt::format("string of {} bytes in `{}`, at most {} are possible",
                            value.text.size(), value.name.substr(0, kShownBytesMax),
                            kStringBytesMax));
  }
  return true;
}

std::string row_as_line(const RowBatch& rows, size_t row) {
  return row_as_line(rows, row, format_time(rows.times()[row]));
}

LineOrigin record_origin(const ParseOptions& options) {
  LineOrigin origin = origin_of(kOriginJson, options);
  origin.time_keys = kTimeKey;  // named, so that a value that is not a time stays rejected
  return origin;
}

}  // namespace tocsin
