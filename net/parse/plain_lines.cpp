#include "net/parse/plain_lines.h"

#include <array>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "db/schema/string_hash.h"
#include "net/parse/event_time.h"
#include "net/parse/framer.h"
#include "net/parse/number.h"
#include "net/parse/odd_names.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

constexpr size_t kIntegerDigitsMax = 18;  // these cannot overflow
constexpr size_t kDecimalDigitsMax = 17;  // like parse_plain_decimal

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
    if (read_line() && static_cast<size_t>(p_ - line) <= kLineBytesMax && !rows_->replaced()) {
      rows_->set_line(between(line, p_));
      untimed_count_ += timed_ ? 0 : 1;
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
  if (!read_tags() || !read_fields()) return false;
  timed_ = !at_line_end();
  return !timed_ || read_time();
}

bool PlainLines::find_shape(std::string_view measurement) {
  if (measurement.empty() || measurement.size() > kNameBytesMax) return false;
  for (Shape& shape : shapes_) {
    if (!equal_strings(shape.measurement, measurement)) continue;
    shape_ = &shape;
    return true;
  }
  if (is_odd_measurement(measurement)) return false;
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
    const bool read = *p_ == '"'                    ? read_string(*key)
                      : is_digit(*p_) || *p_ == '-' ? read_number(*key)
                                                    : read_bool(*key);
    if (!read) return false;
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

// Reads digits, decimals and a suffix. Numbers with exponents, many digits or a `+` are left to
// parse_f64.
bool PlainLines::read_number(Key& key) {
  const char* const start = p_;
  const bool negative = *p_ == '-';
  const char* const digits = start + (negative ? 1 : 0);
  uint64_t magnitude = 0;
  for (p_ = digits; is_digit(*p_); ++p_)
    magnitude = magnitude * 10 + static_cast<uint64_t>(*p_ - '0');
  const auto digit_count = static_cast<size_t>(p_ - digits);
  if (digit_count == 0 || digit_count > kIntegerDigitsMax) return false;
  if (*p_ == 'i') {
    const auto value = static_cast<int64_t>(magnitude);
    rows_->set_i64(lane_of(key, ColumnType::kI64, ColumnKind::kField), negative ? -value : value,
                   between(start, p_++));
    return true;
  }
  if (*p_ == 'u') {
    if (negative) return false;
    rows_->set_u64(lane_of(key, ColumnType::kU64, ColumnKind::kField), magnitude,
                   between(start, p_++));
    return true;
  }
  size_t decimals = 0;
  if (*p_ == '.') {
    const char* const point = p_++;
    for (; is_digit(*p_); ++p_) {
      magnitude = magnitude * 10 + static_cast<uint64_t>(*p_ - '0');
      // Stops before an overflow is possible.
      if (p_ - digits > static_cast<ptrdiff_t>(kDecimalDigitsMax)) return false;
    }
    decimals = static_cast<size_t>(p_ - point) - 1;
  }
  const auto value = exact_quotient(magnitude, decimals);
  if (!value || (*p_ != ',' && *p_ != ' ' && !at_line_end())) return false;
  rows_->set_f64(lane_of(key, ColumnType::kF64, ColumnKind::kField), negative ? -*value : *value,
                 between(start, p_));
  return true;
}

bool PlainLines::read_bool(Key& key) {
  const char* const start = p_;
  p_ = scan::find_any<',', ' ', '\n', '\r'>(p_, end_);
  const std::string_view text = between(start, p_);
  const auto value = parse_bool(text);
  if (!value || key.text == "_=") return false;
  rows_->set_bool(lane_of(key, ColumnType::kBool, ColumnKind::kField), *value, text);
  return true;
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
