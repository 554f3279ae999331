#include "query/vector/vector.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "db/base/check.h"

namespace tocsin {
namespace {

template <class T>
std::span<T> sized(std::vector<T>& buffer, size_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return {buffer.data(), size};
}

}  // namespace

uint64_t next_dictionary_serial() {
  static std::atomic<uint64_t> serial{0};
  return ++serial;
}

void Vector::reset(ValueType new_type, size_t row_count) {
  type = new_type;
  size = row_count;
  valid = {};
  i64 = {};
  u64 = {};
  f64 = {};
  boolean = {};
  text = {};
  codes = {};
  ids = {};
  id_format = nullptr;
  id_dictionary = nullptr;
  dictionary = nullptr;
  kept_.clear();
}

void Vector::reset_null(ValueType new_type, size_t row_count) {
  reset(new_type, row_count);
  std::ranges::fill(make_valid(), uint8_t{0});
  switch (type) {
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration: std::ranges::fill(make_i64(), 0); break;
    case ValueType::kU64: std::ranges::fill(make_u64(), 0u); break;
    case ValueType::kF64: std::ranges::fill(make_f64(), 0.0); break;
    case ValueType::kBool: std::ranges::fill(make_boolean(), uint8_t{0}); break;
    case ValueType::kString: std::ranges::fill(make_text(), std::string_view{}); break;
    case ValueType::kNull: break;
  }
}

std::span<uint8_t> Vector::make_valid() {
  const auto out = sized(valid_buffer_, size);
  valid = out;
  return out;
}

std::span<uint64_t> Vector::make_ids() {
  const auto out = sized(u64_buffer_, size);
  ids = out;
  return out;
}

std::span<int64_t> Vector::make_i64() {
  const auto out = sized(i64_buffer_, size);
  i64 = out;
  return out;
}

std::span<uint64_t> Vector::make_u64() {
  const auto out = sized(u64_buffer_, size);
  u64 = out;
  return out;
}

std::span<double> Vector::make_f64() {
  const auto out = sized(f64_buffer_, size);
  f64 = out;
  return out;
}

std::span<uint8_t> Vector::make_boolean() {
  const auto out = sized(boolean_buffer_, size);
  boolean = out;
  return out;
}

std::span<std::string_view> Vector::make_text() {
  const auto out = sized(text_buffer_, size);
  text = out;
  return out;
}

std::span<uint32_t> Vector::make_codes() {
  const auto out = sized(codes_buffer_, size);
  codes = out;
  return out;
}

std::span<uint8_t> Vector::writable_valid() {
  const std::span<const uint8_t> old = valid;
  const auto out = make_valid();
  if (old.empty()) {
    std::ranges::fill(out, uint8_t{1});
  } else if (old.data() != out.data()) {
    std::ranges::copy(old.first(size), out.begin());
  }
  return out;
}

std::string_view Vector::text_at(size_t row) const {
  if (!codes.empty()) {
    const uint32_t code = codes[row];
    return code < dictionary->entries.size() ? dictionary->entries[code] : std::string_view{};
  }
  return text[row];
}

Value Vector::at(size_t row) const {
  if (is_null(row)) return Value::null();
  switch (type) {
    case ValueType::kBool: return Value::of(boolean[row] != 0);
    case ValueType::kI64: return Value::of(i64[row]);
    case ValueType::kU64: return Value::of(u64[row]);
    case ValueType::kF64: return Value::of(f64[row]);
    case ValueType::kString: return Value::of(std::string(text_at(row)));
    case ValueType::kTime: return Value::time(i64[row]);
    case ValueType::kDuration: return Value::duration(i64[row]);
    case ValueType::kNull: break;
  }
  return Value::null();
}

Status ColumnSource::read_template_ids(uint32_t, size_t, size_t, Vector&) {
  TOCSIN_CHECK(!"this source has no templates");
  return {};
}

}  // namespace tocsin
