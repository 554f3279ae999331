// Reads times that are written after a pattern like `%d/%b/%Y:%H:%M:%S %z`.
//
//   %Y %y          year of four or two digits (69 to 99: 1969 to 1999)
//   %m %b          month as a number or an English name, short or long
//   %d %j          day of the month, of the year
//   %H %I %p %M    hour of 24 or of 12 with AM or PM, minute
//   %S             second with its decimals, if there are any, after `.` or `,`
//   %z             Z, UTC, GMT, +01:00, +0100 or +01, with or without a space before it
//   %s             seconds since 1970, with decimals like %S
//   %a             name of the weekday, ignored
//   %F %T %%       %Y-%m-%d, %H:%M:%S, a percent sign
//
// Numbers may have fewer digits. A space stands for any number of spaces.
#pragma once

#include <optional>
#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

/// kInvalid: an unknown directive, or a pattern without a date, or %I without %p.
Status check_time_pattern(std::string_view pattern);

/// The time that all of `text` states, or nothing if it does not follow the pattern or is not a
/// valid date. A text without %z is local time of `zone`; one without a time of day is midnight.
/// Requires: check_time_pattern(pattern).
std::optional<Timestamp> read_time_pattern(std::string_view pattern, std::string_view text,
                                           const TimeZone& zone);

}  // namespace tocsin
