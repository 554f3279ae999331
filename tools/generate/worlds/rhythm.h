// How the traffic of a service changes over time, without incidents.
#pragma once

#include <cstdint>
#include <optional>

#include "db/base/time.h"

namespace tocsin::generate {

struct LocalTime {
  int64_t day = 0;           ///< since 1970-01-01
  int weekday = 0;           ///< 0 is Monday
  Duration time_of_day = 0;  ///< since midnight, as shown by the clock
};

/// Local time. Remembers the last clock change, so it is fast if times ascend. Not thread-safe.
class Calendar {
 public:
  Calendar() = default;  ///< UTC
  explicit Calendar(TimeZone zone) : zone_(std::move(zone)) {}

  LocalTime at(Timestamp t) const;
  /// When the clocks of that day show `time_of_day`; see TimeZone::from_local().
  Timestamp instant(int64_t day, Duration time_of_day) const;
  const TimeZone& zone() const { return zone_; }

 private:
  TimeZone zone_;
  mutable TimeRange period_{0, 0};  ///< without a clock change
  mutable Duration offset_ = 0;     ///< in that period
};

using Weekdays = uint8_t;  ///< bit 0 is Monday
inline constexpr Weekdays kEveryDay = 0x7f;

/// The same time of some weekdays, in local time. Ends on the day on which it starts.
struct WeeklyWindow {
  Weekdays weekdays = kEveryDay;
  Duration start = 0;
  Duration length = kHour;

  bool contains(const LocalTime& local) const;
};

struct OfficeHours {
  Duration open = 9 * kHour;    ///< the ramp up begins
  Duration close = 17 * kHour;  ///< the ramp down ends
  Duration ramp = kHour;
  double outside = 0;  ///< share of the traffic at other times
};

/// A few minutes of more traffic, again and again.
struct CronSpike {
  Duration every = kHour;
  Duration offset = 0;
  Duration length = kMinute;
  double factor = 5;
};

struct Rhythm {
  double events_per_hour = 1000;  ///< where all factors are 1
  double day_amplitude = 0;       ///< 0.5: 1.5 at the peak, 0.5 at the opposite time
  Duration peak = 14 * kHour;
  double weekend = 1;
  std::optional<OfficeHours> office;
  std::optional<WeeklyWindow> batch;        ///< no events at other times
  std::optional<WeeklyWindow> maintenance;  ///< no events then
  std::optional<CronSpike> cron;
  double growth_per_week = 1;
  double burst_chance = 0;  ///< per hour; a burst lasts one to four minutes
  double burst_factor = 1;
  double deviation = 0.04;  ///< of the logarithm, of random factors per day and per quarter-hour
};

/// Events per hour in the minute that begins at `t`. `key` selects the random factors. Depends only
/// on the arguments.
double rate_at(const Rhythm& rhythm, const Calendar& calendar, uint64_t key, Timestamp birth,
               Timestamp t);

/// The first time at or after `t` at which a window begins.
Timestamp next_start(const WeeklyWindow& window, const Calendar& calendar, Timestamp t);

}  // namespace tocsin::generate
