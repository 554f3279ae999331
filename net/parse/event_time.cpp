#include "net/parse/event_time.h"

#include <string>

#include "db/base/ascii.h"
#include "net/parse/number.h"

namespace tocsin {
namespace {

constexpr size_t kTimeTextBytesMax = 64;  // no time is longer

}  // namespace

int64_t time_unit_by_size(int64_t value) {
  constexpr int64_t kSecondsEnd = 5'000'000'000;
  const uint64_t size = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  if (size < kSecondsEnd) return kSecond;
  if (size < kSecondsEnd * 1'000) return kMillisecond;
  if (size < kSecondsEnd * 1'000'000) return kMicrosecond;
  return 1;
}

std::optional<Timestamp> scale_time(int64_t value, int64_t unit) {
  if (unit == 0) unit = time_unit_by_size(value);
  Timestamp time = 0;
  if (__builtin_mul_overflow(value, unit, &time)) return std::nullopt;
  return time;
}

std::optional<Timestamp> parse_numeric_time(std::string_view text) {
  // Exponents, as in 1.7e9, are rare; a double is precise enough for them.
  if (text.find_first_of("eE") != text.npos) {
    const auto number = parse_f64(text);
    if (!number || !(*number > -9.2e18 && *number < 9.2e18)) return std::nullopt;
    return scale_time(static_cast<int64_t>(*number), 0);
  }
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const auto value = parse_i64(whole);
  if (!value) return std::nullopt;
  const int64_t unit = time_unit_by_size(*value);
  const auto time = scale_time(*value, unit);
  if (!time || point == text.npos) return time;
  int64_t scale = unit;
  int64_t fraction = 0;
  for (const char c : text.substr(point + 1)) {
    if (!is_digit(c)) return std::nullopt;
    scale /= 10;
    fraction += scale * (c - '0');
  }
  Timestamp result = 0;
  if (__builtin_add_overflow(*time, whole.starts_with('-') ? -fraction : fraction, &result)) {
    return std::nullopt;
  }
  return result;
}

std::optional<Timestamp> parse_text_time(std::string_view text) {
  if (text.empty() || text.size() > kTimeTextBytesMax) return std::nullopt;
  if (const auto time = parse_time(text)) return *time;
  if (const auto time = parse_time(std::string(text) + "Z")) return *time;
  return parse_numeric_time(text);
}

}  // namespace tocsin
