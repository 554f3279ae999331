#include "query/vector/vector.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "db/base/check.h"
#include "query/format/typed_values.h"

namespace tocsin {
namespace {

// Makes `shown` show the first `size` elements of the buffer, which grows if needed.
template <class T>
std::span<T> show(std::vector<T>& buffer, size_t size, std::span<const T>& shown) {
  if (buffer.size() < size) buffer.resize(size);
  const std::span<T> out(buffer.data(), size);
  shown = out;
  return out;
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

std::span<uint8_t> Vector::make_valid() { return show(valid_buffer_, size, valid); }
std::span<int64_t> Vector::make_i64() { return show(i64_buffer_, size, i64); }
std::span<uint64_t> Vector::make_u64() { return show(u64_buffer_, size, u64); }
std::span<double> Vector::make_f64() { return show(f64_buffer_, size, f64); }
std::span<uint8_t> Vector::make_boolean() { return show(boolean_buffer_, size, boolean); }
std::span<std::string_view> Vector::make_text() { return show(text_buffer_, size, text); }
std::span<uint32_t> Vector::make_codes() { return show(codes_buffer_, size, codes); }
std::span<uint64_t> Vector::make_ids() { return show(u64_buffer_, size, ids); }

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

std::string_view Vector::text_at(size_t row) const& {
  if (!codes.empty()) {
    const uint32_t code = codes[row];
    return code < dictionary->entries.size() ? dictionary->entries[code] : std::string_view{};
  }
  return text[row];
}

size_t Vector::memory_bytes() const {
  return valid_buffer_.capacity() + i64_buffer_.capacity() * sizeof(int64_t) +
         u64_buffer_.capacity() * sizeof(uint64_t) + f64_buffer_.capacity() * sizeof(double) +
         boolean_buffer_.capacity() + text_buffer_.capacity() * sizeof(std::string_view) +
         codes_buffer_.capacity() * sizeof(uint32_t) + string_buffer_.bytes.capacity() +
         string_buffer_.values.capacity() * sizeof(std::string_view) + kept_bytes();
}

Value Vector::at(size_t row) const {
  if (is_null(row)) return Value::null();
  if (type == ValueType::kString) return Value::of(std::string(text_at(row)));
  return scalar_at(*this, row);
}

Status ColumnSource::read_template_ids(uint32_t, size_t, size_t, Vector&) {
  TOCSIN_CHECK(!"this source has no templates");
  return {};
}

}  // namespace tocsin
