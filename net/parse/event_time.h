// What an event says of its time, as nanoseconds: numbers in several units, and texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "db/base/time.h"

namespace tocsin {

/// Nanoseconds per unit of a timestamp, told by its magnitude as InfluxDB 3 does: below 5e9 seconds
/// (the year 2128), below 5e12 milliseconds, below 5e15 microseconds, else nanoseconds.
int64_t time_unit_by_size(int64_t value);

/// `value` units as nanoseconds; a unit of 0 is told by size. Nothing when it does not fit.
std::optional<Timestamp> scale_time(int64_t value, int64_t unit);

/// A number as text, with decimals or not (`1644834856.905985`), its unit told by the whole part's
/// size. Decimals below a nanosecond are cut off. Exact: it does not pass through a double.
std::optional<Timestamp> parse_numeric_time(std::string_view text);

/// A text: RFC 3339; the same without a zone, which is then UTC; a bare date; or a number as above.
std::optional<Timestamp> parse_text_time(std::string_view text);

}  // namespace tocsin
