#include "net/parse/event_time.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/number.h"
#include "net/parse/time_pattern.h"

namespace tocsin {
namespace {

constexpr size_t kTimeTextBytesMax = 64;  // no time is longer

constexpr std::array<std::pair<std::string_view, int64_t>, 4> kUnits = {
    {{"s", kSecond}, {"ms", kMillisecond}, {"us", kMicrosecond}, {"ns", 1}}};

std::string_view unit_name(int64_t unit) {
  return std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& u) { return u.second == unit; })
      ->first;
}

// Forms besides RFC 3339. Those whose day and month could be confused are left to a layout.
constexpr std::array<std::string_view, 17> kUsualPatterns = {
    "%d/%b/%Y:%H:%M:%S%z",      // Apache, nginx
    "%d/%b/%Y:%H:%M:%S",        //
    "%Y-%m-%d %H:%M:%S%z",      // a space before the zone, or a zone of hours only
    "%Y-%m-%dT%H:%M:%S%z",      //
    "%Y/%m/%d %H:%M:%S%z",      //
    "%Y/%m/%d %H:%M:%S",        // Go, nginx
    "%Y-%m-%dT%H:%M%z",         //
    "%Y-%m-%dT%H:%M",           //
    "%Y-%m-%d %H:%M",           //
    "%Y%m%dT%H%M%S%z",          // ISO 8601, basic
    "%Y%m%dT%H%M%S",            //
    "%a, %d %b %Y %H:%M:%S%z",  // RFC 5322
    "%d %b %Y %H:%M:%S%z",      //
    "%d %b %Y %H:%M:%S",        //
    "%a %b %d %H:%M:%S %Y",     // asctime()
    "%a %b %d %H:%M:%S%z %Y",   // date(1), Ruby
    "%d.%m.%Y %H:%M:%S",        //
};

// RFC 3339, the same without a zone, or a bare date.
std::optional<Timestamp> parse_rfc3339(std::string_view text, const TimeZone& zone) {
  size_t length = 0;
  const auto time = parse_time_prefix(text, zone, length);
  if (!time || length == text.size()) return time;
  std::array<char, kTimeTextBytesMax + 1> with_zone{};
  *std::copy(text.begin(), text.end(), with_zone.begin()) = 'Z';
  const auto local = parse_time_prefix({with_zone.data(), text.size() + 1}, TimeZone(), length);
  if (!local || length != text.size() + 1) return std::nullopt;
  return zone.from_local(*local);
}

/// A decimal number by its digits.
struct Decimal {
  bool negative = false;
  std::string digits;  // of the whole number and then of its fraction
  int64_t point = 0;   // index in `digits` of the first one of the fraction
};

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal out;
  size_t i = 0;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) out.negative = text[i++] == '-';
  const auto read_digits = [&] {
    const size_t start = i;
    for (; i < text.size() && is_digit(text[i]); ++i) out.digits.push_back(text[i]);
    return i > start;
  };
  if (!read_digits()) return std::nullopt;
  out.point = static_cast<int64_t>(out.digits.size());
  if (i < text.size() && text[i] == '.') {
    ++i;
    read_digits();
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    const auto exponent = parse_i64(text.substr(i + 1));
    if (!exponent || *exponent < -400 || *exponent > 400) return std::nullopt;
    out.point += *exponent;
    i = text.size();
  }
  if (i != text.size()) return std::nullopt;
  return out;
}

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

std::optional<Timestamp> parse_numeric_time(std::string_view text, int64_t unit) {
  if (const auto integer = parse_i64(text)) return scale_time(*integer, unit);
  const auto number = read_decimal(text);
  if (!number) return std::nullopt;
  const auto digit = [&](int64_t index) {
    const bool given = index >= 0 && index < static_cast<int64_t>(number->digits.size());
    return given ? number->digits[static_cast<size_t>(index)] - '0' : 0;
  };
  int64_t whole = 0;
  for (int64_t i = 0; i < number->point; ++i) {
    if (__builtin_mul_overflow(whole, int64_t{10}, &whole) ||
        __builtin_add_overflow(whole, int64_t{digit(i)}, &whole)) {
      return std::nullopt;
    }
  }
  if (unit == 0) unit = time_unit_by_size(whole);
  const auto time = scale_time(whole, unit);
  if (!time) return std::nullopt;
  int64_t fraction = 0;
  int64_t scale = unit;
  for (int64_t i = number->point; scale > 1; ++i) {
    scale /= 10;
    fraction += scale * digit(i);
  }
  Timestamp result = 0;
  if (__builtin_add_overflow(*time, fraction, &result)) return std::nullopt;
  return number->negative ? -result : result;
}

std::optional<Timestamp> parse_text_time(std::string_view text, const TimeZone& zone) {
  if (text.empty() || text.size() > kTimeTextBytesMax) return std::nullopt;
  if (const auto time = parse_rfc3339(text, zone)) return time;
  if (const auto time = parse_numeric_time(text)) return time;
  if (text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  for (const std::string_view pattern : kUsualPatterns) {
    if (const auto time = read_time_pattern(pattern, text, zone)) return time;
  }
  return std::nullopt;
}

Result<TimeLayout> TimeLayout::parse(std::string_view text) {
  TimeLayout layout;
  if (text.empty() || text == "auto") return layout;
  for (const auto& [name, unit] : kUnits) {
    if (text != name) continue;
    layout.unit_ = unit;
    return layout;
  }
  if (text.find('%') == text.npos) {
    return fail(ErrorCode::kInvalid,
                fmt::format("unknown time layout `{}`; use auto, s, ms, us, ns, or a pattern like "
                            "%d/%b/%Y:%H:%M:%S %z",
                            text));
  }
  TOCSIN_RETURN_IF_ERROR(check_time_pattern(text));
  layout.pattern_ = text;
  return layout;
}

std::string TimeLayout::text() const {
  for (const auto& [name, unit] : kUnits) {
    if (unit == unit_) return std::string(name);
  }
  return is_auto() ? "auto" : pattern_;
}

std::string TimeLayout::expected() const {
  if (unit_ != 0) return fmt::format("a number of {} since 1970", unit_name(unit_));
  if (!pattern_.empty()) return fmt::format("a time like {}", pattern_);
  return "RFC 3339 or a number of s, ms, us or ns since 1970";
}

std::optional<Timestamp> TimeLayout::read(std::string_view text, const TimeZone& zone) const {
  if (unit_ != 0) return parse_numeric_time(text, unit_);
  return pattern_.empty() ? parse_text_time(text, zone) : read_time_pattern(pattern_, text, zone);
}

}  // namespace tocsin
