// Parses the times of events: numbers in several units, and texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

/// Nanoseconds per unit of a timestamp, guessed from its magnitude as InfluxDB 3 does: below 5e9
/// seconds (the year 2128), below 5e12 milliseconds, below 5e15 microseconds, else nanoseconds.
int64_t time_unit_by_size(int64_t value);

/// `value` units in nanoseconds, or nothing if that does not fit. With `unit` 0 the unit is guessed
/// by time_unit_by_size().
std::optional<Timestamp> scale_time(int64_t value, int64_t unit);

/// Parses a number with or without decimals and exponent (`1644834856.905985`,
/// `1.644834856905985e9`). With `unit` 0 the unit is guessed from the whole part. Decimals below a
/// nanosecond are truncated. Exact, because no double is involved.
std::optional<Timestamp> parse_numeric_time(std::string_view text, int64_t unit = 0);

/// Parses RFC 3339, a bare date, a number as above, or another usual form: without a zone (then it
/// is local time of `zone`), `29/Apr/2021:09:01:49 +0300`, `2026/11/02 09:15:04`, and those of
/// RFC 5322, asctime() and others.
std::optional<Timestamp> parse_text_time(std::string_view text, const TimeZone& zone = TimeZone());

/// How the texts and numbers of a source state their time.
class TimeLayout {
 public:
  /// Any form that parse_text_time() and parse_numeric_time() recognise.
  TimeLayout() = default;
  /// Parses `auto` or nothing; `s`, `ms`, `us` or `ns` for numbers of that unit; or a pattern (see
  /// time_pattern.h). kInvalid says what is wrong.
  static Result<TimeLayout> parse(std::string_view text);

  bool is_auto() const { return unit_ == 0 && pattern_.empty(); }
  /// What parse() reads.
  std::string text() const;
  /// For messages: `RFC 3339 or a number of s, ms, us or ns since 1970`.
  std::string expected() const;
  /// The time that a text or number states. `zone`: of texts that have none.
  std::optional<Timestamp> read(std::string_view text, const TimeZone& zone) const;

 private:
  int64_t unit_ = 0;
  std::string pattern_;
};

}  // namespace tocsin
