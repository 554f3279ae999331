// Parses the times of events: numbers in several units, and texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "db/base/time.h"

namespace tocsin {

/// Nanoseconds per unit of a timestamp, guessed from its magnitude as InfluxDB 3 does: below 5e9
/// seconds (the year 2128), below 5e12 milliseconds, below 5e15 microseconds, else nanoseconds.
int64_t time_unit_by_size(int64_t value);

/// `value` units in nanoseconds, or nothing if that does not fit. With `unit` 0 the unit is guessed
/// by time_unit_by_size().
std::optional<Timestamp> scale_time(int64_t value, int64_t unit);

/// Parses a number with or without decimals (`1644834856.905985`). The unit is guessed from the
/// whole part. Decimals below a nanosecond are truncated. Exact, because no double is involved.
std::optional<Timestamp> parse_numeric_time(std::string_view text);

/// Parses RFC 3339, the same without a zone (which means UTC), a bare date, or a number as above.
std::optional<Timestamp> parse_text_time(std::string_view text);

}  // namespace tocsin
