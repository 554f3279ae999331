// The factors of a rhythm.
#include "tools/generate/worlds/rhythm.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tools/generate/random.h"

namespace tocsin::generate {
namespace {

constexpr double kGrowthMin = 0.05, kGrowthMax = 20;  // growth and decline end there
constexpr int kBurstMinutesMax = 4;

double day_factor(const Rhythm& rhythm, const LocalTime& local) {
  const double part = static_cast<double>(local.time_of_day - rhythm.peak) / kDay;
  return 1 + rhythm.day_amplitude * std::cos(2 * std::numbers::pi * part);
}

double office_factor(const OfficeHours& office, Duration time_of_day) {
  const auto inside =
      static_cast<double>(std::min(time_of_day - office.open, office.close - time_of_day));
  const double open = std::clamp(inside / static_cast<double>(office.ramp), 0.0, 1.0);
  return office.outside + (1 - office.outside) * open;
}

double cron_factor(const CronSpike& cron, Timestamp t) {
  const Duration phase = (t - cron.offset) % cron.every;
  return phase < cron.length ? cron.factor : 1;
}

double burst_of(const Rhythm& rhythm, uint64_t key, Timestamp t) {
  Random random(key, 'b', static_cast<uint64_t>(t / kHour));
  if (!random.chance(rhythm.burst_chance)) return 1;
  const uint64_t length = 1 + random.below(kBurstMinutesMax);
  const uint64_t start = random.below(60 - length + 1);
  const auto minute = static_cast<uint64_t>(t % kHour / kMinute);
  return start <= minute && minute < start + length ? rhythm.burst_factor : 1;
}

double growth_of(const Rhythm& rhythm, Timestamp birth, Timestamp t) {
  const double weeks = static_cast<double>(t - birth) / static_cast<double>(kWeek);
  return std::clamp(std::pow(rhythm.growth_per_week, weeks), kGrowthMin, kGrowthMax);
}

/// A lognormal factor with mean 1, the same during each `width`.
double chance_factor(uint64_t key, uint64_t purpose, Timestamp t, Duration width,
                     double deviation) {
  Random random(key, purpose, static_cast<uint64_t>(t / width));
  return std::exp(deviation * random.normal() - deviation * deviation / 2);
}

}  // namespace

LocalTime Calendar::at(Timestamp t) const {
  if (!period_.contains(t)) {
    const TimeZone::Period period = zone_.period_at(t);
    offset_ = period.offset;
    period_ = {period.start, zone_.next_change(t)};
  }
  const int64_t local = t + offset_;
  return {local / kDay, static_cast<int>((local / kDay + 3) % 7), local % kDay};
}

Timestamp Calendar::instant(int64_t day, Duration time_of_day) const {
  return zone_.from_local(day * kDay + time_of_day);
}

bool WeeklyWindow::contains(const LocalTime& local) const {
  return (weekdays >> local.weekday & 1) != 0 && start <= local.time_of_day &&
         local.time_of_day < start + length;
}

double rate_at(const Rhythm& rhythm, const Calendar& calendar, uint64_t key, Timestamp birth,
               Timestamp t) {
  const LocalTime local = calendar.at(t);
  if (rhythm.batch && !rhythm.batch->contains(local)) return 0;
  if (rhythm.maintenance && rhythm.maintenance->contains(local)) return 0;
  double rate = rhythm.events_per_hour * day_factor(rhythm, local);
  if (local.weekday >= 5) rate *= rhythm.weekend;
  if (rhythm.office) rate *= office_factor(*rhythm.office, local.time_of_day);
  if (rhythm.cron) rate *= cron_factor(*rhythm.cron, t);
  if (rhythm.growth_per_week != 1) rate *= growth_of(rhythm, birth, t);
  if (rhythm.burst_chance > 0) rate *= burst_of(rhythm, key, t);
  return rate * chance_factor(key, 'd', t, kDay, rhythm.deviation) *
         chance_factor(key, 'q', t, 15 * kMinute, rhythm.deviation);
}

Timestamp next_start(const WeeklyWindow& window, const Calendar& calendar, Timestamp t) {
  for (int64_t day = calendar.at(t).day;; ++day) {
    const Timestamp start = calendar.instant(day, window.start);
    const auto weekday = (day + 3) % 7;
    if (start >= t && (window.weekdays >> weekday & 1) != 0) return start;
  }
}

}  // namespace tocsin::generate
