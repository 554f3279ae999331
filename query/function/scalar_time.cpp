// Functions of single times and durations.
#include "db/base/floor.h"
#include "query/function/scalar_parts.h"

namespace tocsin {
namespace {

// Day of the month (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
// civil_from_days).
int64_t day_of_month(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t day_of_era = shifted - floor_div(shifted, 146097) * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  return day_of_year - (153 * ((5 * day_of_year + 2) / 153) + 2) / 5 + 1;
}

Value calendar(Function function, Timestamp time, const TimeZone& zone) {
  int64_t local = 0;
  if (__builtin_add_overflow(time, zone.offset_at(time), &local)) return Value::null();
  const int64_t days = floor_div(local, kDay);
  switch (function) {
    case Function::kHourOf: return Value::of((local - days * kDay) / kHour);
    // 1970-01-01 was a Thursday, day 4.
    case Function::kWeekdayOf: return Value::of(days - floor_div(days + 3, 7) * 7 + 4);
    default: return Value::of(day_of_month(days));
  }
}

}  // namespace

Value scalar::time_function(Function function, Arguments arguments, ScalarContext& context) {
  if (function == Function::kToTime) {
    const auto time = parse_time(text_of(arguments[0]), context.zone);
    return time ? Value::time(*time) : Value::null();
  }
  const int64_t ns = i64_of(arguments[0]);
  if (function == Function::kToSeconds) return Value::of(static_cast<double>(ns) / 1e9);
  if (function != Function::kBucket) return calendar(function, ns, context.zone);
  const Duration width = i64_of(arguments[1]);
  return width > 0 ? Value::time(bucket_start(ns, width, context.zone)) : Value::null();
}

}  // namespace tocsin
