// Integers: eight digits at a time. Decimals: Clinger's fast path where it is exact, else
// std::from_chars.
#include "net/parse/number.h"

#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr size_t kU64Digits = 20;  // of 18446744073709551615
#if defined(TOCSIN_PORTABLE)       // see parse_bench
constexpr bool kEightDigitsAtATime = false;
#else
constexpr bool kEightDigitsAtATime = std::endian::native == std::endian::little;
#endif

// Source: Johnny Lee and Daniel Lemire, "Quickly parsing eight digits" (2018).
[[maybe_unused]] bool are_eight_digits(uint64_t chars) {
  return ((chars & 0xF0F0F0F0F0F0F0F0) |
          (((chars + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) >> 4)) == 0x3333333333333333;
}

[[maybe_unused]] uint64_t eight_digits(uint64_t chars) {
  constexpr uint64_t kMask = 0x000000FF000000FF;
  constexpr uint64_t kMultiplier1 = 0x000F424000000064;  // 100 + (1000000 << 32)
  constexpr uint64_t kMultiplier2 = 0x0000271000000001;  // 1 + (10000 << 32)
  chars -= 0x3030303030303030;
  chars = chars * 10 + (chars >> 8);
  return (((chars & kMask) * kMultiplier1) + (((chars >> 16) & kMask) * kMultiplier2)) >> 32;
}

// Digits only, without a sign. Up to 19 digits cannot overflow.
std::optional<uint64_t> parse_digits(std::string_view text) {
  if (text.empty() || text.size() > kU64Digits) return std::nullopt;
  const char* p = text.data();
  const char* const end = p + text.size();
  uint64_t value = 0;
  if constexpr (kEightDigitsAtATime) {
    for (; end - p >= 8; p += 8) {
      uint64_t chars;
      std::memcpy(&chars, p, sizeof chars);
      if (!are_eight_digits(chars)) return std::nullopt;
      value = value * 100'000'000 + eight_digits(chars);
    }
  }
  for (; p != end; ++p) {
    if (!is_digit(*p)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(*p - '0');
    if (__builtin_mul_overflow(value, uint64_t{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, digit, &value)) return std::nullopt;
  }
  return value;
}

// std::from_chars reports both overflow and underflow as "out of range"; only overflow is an error
// here.
bool is_underflow(std::string_view text) {
  if (const size_t e = text.find_first_of("eE"); e != text.npos)
    return text.substr(e + 1, 1) == "-";
  for (const char c : text) {
    if (c == '.') return true;
    if (c != '0' && c != '-') return false;
  }
  return true;
}

// The length of the JSON number (RFC 8259) at the start of `text`, or 0; sets `integer`.
size_t json_number_length(std::string_view text, bool& integer) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t first = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i > first;
  };
  integer = true;
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return 0;
  }
  if (i < text.size() && text[i] == '.') {
    integer = false;
    ++i;
    if (!digits()) return 0;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    integer = false;
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (!digits()) return 0;
  }
  return i;
}

}  // namespace

std::optional<double> parse_plain_decimal(std::string_view text) {
  const bool negative = text[0] == '-';
  size_t i = negative ? 1 : 0;
  if (text.size() - i > 18) return std::nullopt;  // the significand cannot overflow below
  uint64_t significand = 0;
  const size_t first = i;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    significand = significand * 10 + static_cast<uint64_t>(text[i] - '0');
  }
  if (i == first) return std::nullopt;
  size_t decimals = 0;
  if (i < text.size() && text[i] == '.') {
    const size_t point = i++;
    for (; i < text.size() && is_digit(text[i]); ++i) {
      significand = significand * 10 + static_cast<uint64_t>(text[i] - '0');
    }
    decimals = i - point - 1;
  }
  if (i != text.size()) return std::nullopt;
  const auto magnitude = exact_quotient(significand, decimals);
  return magnitude && negative ? -*magnitude : magnitude;
}

std::optional<uint64_t> parse_u64(std::string_view text) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  return parse_digits(text);
}

std::optional<int64_t> parse_i64(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  const auto magnitude = parse_digits(text);
  const uint64_t limit = uint64_t{INT64_MAX} + (negative ? 1 : 0);
  if (!magnitude || *magnitude > limit) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - *magnitude : *magnitude);
}

std::optional<double> parse_f64(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const size_t sign = text.starts_with('-') ? 1 : 0;
  if (text.size() <= sign || !(is_digit(text[sign]) || text[sign] == '.')) return std::nullopt;
  if (const auto plain = parse_plain_decimal(text)) return plain;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ptr != end) return std::nullopt;
  if (result.ec == std::errc()) return value;
  if (result.ec == std::errc::result_out_of_range && is_underflow(text)) return sign ? -0.0 : 0.0;
  return std::nullopt;
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "t" || text == "T" || text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "f" || text == "F" || text == "false" || text == "False" || text == "FALSE") {
    return false;
  }
  return std::nullopt;
}

std::optional<JsonNumber> parse_json_number(std::string_view text) {
  bool integer = false;
  if (text.empty() || json_number_length(text, integer) != text.size()) return std::nullopt;
  if (integer && text != "-0") {
    if (const auto value = parse_i64(text)) return *value;
    if (const auto value = parse_u64(text)) return *value;
    return HugeNumber{};
  }
  if (const auto value = parse_f64(text)) return *value;
  return HugeNumber{};
}

}  // namespace tocsin
