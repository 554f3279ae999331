#include "net/parse/plain_lines.h"

#include "db/base/ascii.h"
#include "db/limits.h"
#include "db/schema/string_hash.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/number.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

// Excludes leading white space, comments, and JSON objects, which end at their first newline even
// within quotes.
bool may_begin_line(char c) { return c > ' ' && c != '#' && c != '{'; }

std::string_view between(const char* start, const char* end) {
  return {start, static_cast<size_t>(end - start)};
}

}  // namespace

PlainLines::PlainLines(std::string_view buffer, const ParseOptions& options, Batch& batch)
    : options_(options), batch_(batch), end_(buffer.data()) {
  const size_t last_newline = buffer.rfind('\n');
  if (last_newline != buffer.npos) end_ += last_newline + 1;
}

void PlainLines::consume(std::string_view& rest) {
  const char* line = rest.data();
  for (; line < end_; line = p_ + 1) {
    p_ = line;
    rows_ = nullptr;
    if (read_line() && static_cast<size_t>(p_ - line) <= kLineBytesMax) {
      rows_->set_line(between(line, p_));
      if (*p_ == '\r') ++p_;
      continue;
    }
    if (rows_ != nullptr) rows_->abandon_row();
    break;
  }
  rest.remove_prefix(static_cast<size_t>(line - rest.data()));
}

// Leaves p_ at the end of the line.
bool PlainLines::read_line() {
  const char* const start = p_;
  if (!may_begin_line(*start)) return false;
  p_ = scan::find_any<',', ' ', '\\', '\n'>(p_, end_);
  if (*p_ != ',' && *p_ != ' ') return false;
  if (!find_shape(between(start, p_))) return false;
  rows_ = shape_->rows;
  rows_->begin_row(options_.now);
  return read_tags() && read_fields() && (at_line_end() || read_time());
}

bool PlainLines::find_shape(std::string_view measurement) {
  if (measurement.empty() || measurement.size() > kNameBytesMax) return false;
  for (Shape& shape : shapes_) {
    if (!equal_strings(shape.measurement, measurement)) continue;
    shape_ = &shape;
    return true;
  }
  if (shapes_.size() < kShapesMax) {
    shape_ = &shapes_.emplace_back();
  } else {
    shape_ = &shapes_[next_shape_++ % kShapesMax];
  }
  *shape_ = Shape{std::string(measurement), &batch_.rows_of(measurement), {}, {}};
  return true;
}

bool PlainLines::read_tags() {
  for (size_t i = 0; *p_ == ','; ++i) {
    ++p_;
    Key* const key = match_key(shape_->tags, i);
    if (key == nullptr) return false;
    const char* const start = p_;
    p_ = scan::find_any<',', ' ', '=', '\\', '\n'>(p_, end_);
    const std::string_view value = between(start, p_);
    if ((*p_ != ',' && *p_ != ' ') || value.empty() || value.size() > kStringBytesMax) return false;
    rows_->set_string(lane_of(*key, ColumnType::kString, ColumnKind::kTag), value);
  }
  return true;
}

// Requires: p_ is at the space that ends the tags.
bool PlainLines::read_fields() {
  ++p_;
  if (*p_ == '\t') return false;  // more white space
  for (size_t i = 0;; ++i) {
    Key* const key = match_key(shape_->fields, i);
    if (key == nullptr) return false;
    if (!(*p_ == '"' ? read_string(*key) : read_scalar(*key))) return false;
    if (*p_ != ',') return *p_ == ' ' || at_line_end();
    ++p_;
  }
}

// Reads the key at p_ with its `=`; returns null if there is none. It keeps its lane if the
// previous row had the same key in the same position.
PlainLines::Key* PlainLines::match_key(std::vector<Key>& keys, size_t index) {
  if (index < keys.size()) {
    Key& guess = keys[index];
    const size_t size = guess.text.size();
    if (static_cast<size_t>(end_ - p_) >= size && equal_strings({p_, size}, guess.text)) {
      p_ += size;
      return &guess;
    }
  }
  const char* const start = p_;
  p_ = scan::find_any<',', '=', ' ', '\\', '\n'>(p_, end_);
  if (*p_ != '=' || p_ == start || static_cast<size_t>(p_ - start) > kNameBytesMax) return nullptr;
  ++p_;
  keys.resize(index);
  return &keys.emplace_back(Key{std::string(between(start, p_)), ColumnType::kString, SIZE_MAX});
}

size_t PlainLines::lane_of(Key& key, ColumnType type, ColumnKind kind) {
  if (key.lane == SIZE_MAX || key.type != type) {
    const std::string_view name = std::string_view(key.text).substr(0, key.text.size() - 1);
    key.lane = rows_->lane(name, type, kind, key.lane);
    key.type = type;
  }
  return key.lane;
}

bool PlainLines::read_string(Key& key) {
  const char* const start = ++p_;
  p_ = scan::find_any<'"', '\\', '\n'>(p_, end_);
  const std::string_view value = between(start, p_);
  if (*p_ != '"' || value.size() > kStringBytesMax) return false;
  ++p_;
  rows_->set_string(lane_of(key, ColumnType::kString, ColumnKind::kField), value);
  return true;
}

// A number or boolean. Numbers that begin with `+` or `.` are left to the general parser.
bool PlainLines::read_scalar(Key& key) {
  const char* const start = p_;
  p_ = scan::find_any<',', ' ', '\n', '\r'>(p_, end_);
  if (*p_ == '\r' && !at_line_end()) return false;  // part of the value, which is thus not valid
  const std::string_view text = between(start, p_);
  if (is_digit(*start) || *start == '-') return read_number(key, text);
  const auto value = parse_bool(text);
  if (!value || key.text == "_=") return false;
  rows_->set_bool(lane_of(key, ColumnType::kBool, ColumnKind::kField), *value, text);
  return true;
}

bool PlainLines::read_number(Key& key, std::string_view text) {
  const std::string_view digits = text.substr(0, text.size() - 1);
  if (text.back() == 'i') {
    const auto value = parse_i64(digits);
    if (value) rows_->set_i64(lane_of(key, ColumnType::kI64, ColumnKind::kField), *value, digits);
    return value.has_value();
  }
  if (text.back() == 'u') {
    const auto value = parse_u64(digits);
    if (value) rows_->set_u64(lane_of(key, ColumnType::kU64, ColumnKind::kField), *value, digits);
    return value.has_value();
  }
  const auto value = parse_f64(text);
  if (value) rows_->set_f64(lane_of(key, ColumnType::kF64, ColumnKind::kField), *value, text);
  return value.has_value();
}

// Requires: p_ is at the space before the time.
bool PlainLines::read_time() {
  const char* const start = ++p_;
  p_ = scan::find_any<'\n', '\r', ' ', '\t'>(p_, end_);
  const auto number = parse_i64(between(start, p_));
  if (!number || !at_line_end()) return false;
  const auto time = scale_time(*number, options_.time_unit);
  if (!time) return false;
  rows_->set_time(*time);
  return true;
}

bool PlainLines::at_line_end() const { return *p_ == '\n' || (*p_ == '\r' && p_[1] == '\n'); }

}  // namespace tocsin
