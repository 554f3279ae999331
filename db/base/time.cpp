#include "db/base/time.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include <cctz/time_zone.h>
#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/check.h"
#include "db/base/floor.h"

namespace tocsin {
namespace {

using SecondPoint = cctz::time_point<cctz::seconds>;

SecondPoint second_of(Timestamp t) { return SecondPoint(cctz::seconds(floor_div(t, kSecond))); }

// The time from the last multiple of `width` in local time to `t`, at this offset from UTC.
Duration position_in_bucket(Timestamp t, Duration width, Duration offset) {
  const Duration until_offset = width - floor_mod(offset, width);
  return floor_mod(floor_mod(t, width) - until_offset, width);
}

Timestamp back_from(Timestamp t, Duration distance) {
  Timestamp start = 0;
  return __builtin_sub_overflow(t, distance, &start) ? kTimeMin : start;
}

// Days since 1970-01-01 of a proleptic Gregorian date, and back.
// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
int64_t days_from_civil(int64_t y, int m, int d) {
  y -= m <= 2;
  const int64_t era = floor_div(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

struct CivilDate {
  int64_t year;
  int month;
  int day;
};

CivilDate civil_from_days(int64_t z) {
  z += 719468;
  const int64_t era = floor_div(z, 146097);
  const int64_t day_of_era = z - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t mp = (5 * day_of_year + 2) / 153;
  const int day = static_cast<int>(day_of_year - (153 * mp + 2) / 5 + 1);
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {year_of_era + era * 400 + (month <= 2), month, day};
}

int days_in_month(int64_t year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

// Parses exactly `count` digits at `pos` and advances it.
std::optional<int> digits(std::string_view text, size_t& pos, size_t count) {
  if (pos + count > text.size()) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!is_digit(text[pos + i])) return std::nullopt;
    value = value * 10 + (text[pos + i] - '0');
  }
  pos += count;
  return value;
}

bool skip(std::string_view text, size_t& pos, char c) {
  if (pos >= text.size() || text[pos] != c) return false;
  ++pos;
  return true;
}

std::optional<int64_t> seconds_to_ns(int64_t seconds, int64_t ns) {
  // In the earliest second, only the part after kTimeMin can be represented: count from its end.
  if (seconds < 0 && ns > 0) {
    ++seconds;
    ns -= kSecond;
  }
  int64_t result = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &result)) return std::nullopt;
  if (__builtin_add_overflow(result, ns, &result)) return std::nullopt;
  return result;
}

// `T10:04:05[.fraction](Z|+hh:mm)` after a date; advances `pos` on success.
std::optional<Timestamp> clock_part(std::string_view text, size_t& pos, int64_t days) {
  size_t p = pos;
  if (p >= text.size() || (text[p] != 'T' && text[p] != 't' && text[p] != ' ')) return std::nullopt;
  ++p;
  const auto hour = digits(text, p, 2);
  if (!hour || *hour > 23 || !skip(text, p, ':')) return std::nullopt;
  const auto minute = digits(text, p, 2);
  if (!minute || *minute > 59 || !skip(text, p, ':')) return std::nullopt;
  const auto second = digits(text, p, 2);
  if (!second || *second > 60) return std::nullopt;
  int64_t ns = 0;
  if (p < text.size() && (text[p] == '.' || text[p] == ',')) {
    ++p;
    int64_t unit = kSecond;
    const size_t first = p;
    for (; p < text.size() && is_digit(text[p]); ++p) {
      unit /= 10;
      ns += unit * (text[p] - '0');
    }
    if (p == first) return std::nullopt;
  }
  int64_t offset = 0;
  if (p < text.size() && (text[p] == 'Z' || text[p] == 'z')) {
    ++p;
  } else if (p < text.size() && (text[p] == '+' || text[p] == '-')) {
    const int sign = text[p++] == '-' ? -1 : 1;
    const auto oh = digits(text, p, 2);
    skip(text, p, ':');
    const auto om = digits(text, p, 2);
    if (!oh || !om || *oh > 23 || *om > 59) return std::nullopt;
    offset = sign * (*oh * 3600 + *om * 60);
  } else {
    return std::nullopt;
  }
  const auto t = seconds_to_ns(days * 86400 + *hour * 3600 + *minute * 60 + *second - offset, ns);
  if (t) pos = p;
  return t;
}

}  // namespace

struct TimeZone::Impl {
  cctz::time_zone zone = cctz::utc_time_zone();
  std::string name = "UTC";
};

TimeZone::TimeZone() {
  static const std::shared_ptr<const Impl> utc = std::make_shared<Impl>();
  impl_ = utc;
}

Result<TimeZone> TimeZone::load(const std::string& name) {
  if (name.empty() || name == "UTC") return TimeZone();
  auto impl = std::make_shared<Impl>();
  if (!cctz::load_time_zone(name, &impl->zone)) {
    return fail(ErrorCode::kNotFound,
                fmt::format("unknown time zone `{}`; expected a name like `Europe/Berlin`", name));
  }
  impl->name = name;
  TimeZone zone;
  zone.impl_ = std::move(impl);
  return zone;
}

const std::string& TimeZone::name() const { return impl_->name; }

Duration TimeZone::offset_at(Timestamp t) const {
  if (impl_->name == "UTC") return 0;
  return impl_->zone.lookup(second_of(t)).offset * kSecond;
}

Timestamp TimeZone::from_local(int64_t local) const {
  if (impl_->name == "UTC") return local;
  const int64_t seconds = floor_div(local, kSecond);
  const auto found = impl_->zone.lookup(cctz::civil_second() + seconds);
  const bool skipped = found.kind == cctz::time_zone::civil_lookup::SKIPPED;
  const auto point = skipped ? found.trans : found.pre;
  const int64_t ns = skipped ? 0 : floor_mod(local, kSecond);
  const auto t = seconds_to_ns(point.time_since_epoch().count(), ns);
  return t.value_or(local < 0 ? kTimeMin : kTimeMax);
}

TimeZone::Period TimeZone::period_at(Timestamp t) const {
  Period period;
  if (impl_->name == "UTC") return period;
  SecondPoint second = second_of(t);
  const int64_t offset = impl_->zone.lookup(second).offset;
  period.offset = offset * kSecond;
  cctz::time_zone::civil_transition change;
  for (++second; impl_->zone.prev_transition(second, &change);) {
    const int64_t start = change.to - cctz::civil_second() - offset;
    second = SecondPoint(cctz::seconds(start));
    if (change.from == change.to) continue;  // another name for the same time
    if (const auto time = seconds_to_ns(start, 0)) {
      period.start = *time;
      period.set_back = (change.from - change.to) * kSecond;
    }
    break;
  }
  return period;
}

Timestamp TimeZone::next_change(Timestamp t) const {
  if (impl_->name == "UTC") return kTimeMax;
  SecondPoint second = second_of(t);
  const int64_t offset = impl_->zone.lookup(second).offset;
  cctz::time_zone::civil_transition change;
  while (impl_->zone.next_transition(second, &change)) {
    const int64_t time = change.from - cctz::civil_second() - offset;
    second = SecondPoint(cctz::seconds(time));
    if (change.from != change.to) return seconds_to_ns(time, 0).value_or(kTimeMax);
  }
  return kTimeMax;
}

Timestamp bucket_start(Timestamp t, Duration width, const TimeZone& zone) {
  TOCSIN_CHECK(width > 0);
  const TimeZone::Period period = zone.period_at(t);
  const Timestamp start = back_from(t, position_in_bucket(t, width, period.offset));
  // For the time by which they were set back, the clocks repeat what they showed before.
  if (start >= period.start + period.set_back) return std::max(start, period.start);
  if (start >= period.start && width <= period.set_back) return start;
  // The bucket began before the change.
  const Timestamp last = period.start - 1;
  const Duration offset = period.offset + period.set_back;
  int64_t local = 0;
  if (__builtin_add_overflow(back_from(last, position_in_bucket(last, width, offset)), offset,
                             &local)) {
    return kTimeMin;
  }
  return zone.from_local(local);
}

Timestamp next_bucket_start(Timestamp t, Duration width, const TimeZone& zone) {
  TOCSIN_CHECK(width > 0);
  do {
    const Duration rest = width - position_in_bucket(t, width, zone.offset_at(t));
    Timestamp end = 0;
    if (__builtin_add_overflow(t, rest, &end)) end = kTimeMax;
    t = std::min(end, zone.next_change(t));
  } while (t != kTimeMax && bucket_start(t, width, zone) != t);
  return t;
}

std::string format_time(Timestamp t) {
  const int64_t days = floor_div(t, kDay);
  const int64_t in_day = t % kDay < 0 ? t % kDay + kDay : t % kDay;
  const CivilDate date = civil_from_days(days);
  const int64_t s = in_day / kSecond;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", date.year, date.month, date.day,
                     s / 3600, s / 60 % 60, s % 60, in_day % kSecond);
}

std::string format_time_short(Timestamp t) {
  std::string text = format_time(t);
  text.pop_back();
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text + 'Z';
}

std::string format_duration(Duration d) {
  if (d == 0) return "0s";
  struct Unit {
    const char* name;
    uint64_t size;
  };
  static constexpr std::array<Unit, 8> kUnits = {{{"w", uint64_t(kWeek)},
                                                  {"d", uint64_t(kDay)},
                                                  {"h", uint64_t(kHour)},
                                                  {"m", uint64_t(kMinute)},
                                                  {"s", uint64_t(kSecond)},
                                                  {"ms", uint64_t(kMillisecond)},
                                                  {"us", uint64_t(kMicrosecond)},
                                                  {"ns", 1}}};
  std::string text = d < 0 ? "-" : "";
  uint64_t rest = d < 0 ? 0 - static_cast<uint64_t>(d) : static_cast<uint64_t>(d);
  for (const Unit& unit : kUnits) {
    // Whole weeks only: 8d is easier to read than 1w1d.
    if (unit.size == uint64_t(kWeek) && rest % unit.size != 0) continue;
    if (rest >= unit.size) text += fmt::format("{}{}", rest / unit.size, unit.name);
    rest %= unit.size;
  }
  return text;
}

std::optional<Timestamp> parse_time_prefix(std::string_view text, const TimeZone& zone,
                                           size_t& length) {
  size_t pos = 0;
  const auto year = digits(text, pos, 4);
  if (!year || !skip(text, pos, '-')) return std::nullopt;
  const auto month = digits(text, pos, 2);
  if (!month || *month < 1 || *month > 12 || !skip(text, pos, '-')) return std::nullopt;
  const auto day = digits(text, pos, 2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  const int64_t days = days_from_civil(*year, *month, *day);
  if (const auto t = clock_part(text, pos, days)) {
    length = pos;
    return t;
  }
  const auto midnight = seconds_to_ns(days * 86400, 0);
  if (!midnight) return std::nullopt;
  length = pos;
  return zone.from_local(*midnight);
}

Result<Timestamp> parse_time(std::string_view text, const TimeZone& zone) {
  size_t length = 0;
  const auto t = parse_time_prefix(text, zone, length);
  if (t && length == text.size()) return *t;
  return fail(ErrorCode::kInvalid,
              fmt::format("`{}` is not a time; expected one like 2026-11-24T10:04:05Z, "
                          "2026-11-24T10:04:05.123+01:00 or 2026-11-24",
                          text));
}

std::optional<Duration> parse_duration_prefix(std::string_view text, size_t& length) {
  // Longest unit first: `ms` before `m`.
  struct Unit {
    std::string_view name;
    Duration size;
  };
  static constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                                  {"us", kMicrosecond},
                                                  {"ms", kMillisecond},
                                                  {"s", kSecond},
                                                  {"m", kMinute},
                                                  {"h", kHour},
                                                  {"d", kDay},
                                                  {"w", kWeek}}};
  size_t pos = 0;
  Duration total = 0;
  bool any = false;
  while (pos < text.size() && is_digit(text[pos])) {
    size_t p = pos;
    int64_t whole = 0;
    for (; p < text.size() && is_digit(text[p]); ++p) {
      if (__builtin_mul_overflow(whole, int64_t{10}, &whole) ||
          __builtin_add_overflow(whole, int64_t{text[p] - '0'}, &whole)) {
        return std::nullopt;
      }
    }
    const size_t point = p;
    if (p + 1 < text.size() && text[p] == '.' && is_digit(text[p + 1])) {
      for (++p; p < text.size() && is_digit(text[p]);) ++p;
    }
    const Unit* found = nullptr;
    for (const Unit& unit : kUnits) {
      if (text.substr(p).starts_with(unit.name)) {
        found = &unit;
        break;
      }
    }
    if (!found) break;
    Duration part = 0;
    if (__builtin_mul_overflow(whole, found->size, &part)) return std::nullopt;
    Duration scale = found->size;
    for (size_t i = point + 1; i < p; ++i) {
      scale /= 10;
      if (__builtin_add_overflow(part, scale * (text[i] - '0'), &part)) return std::nullopt;
    }
    if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
    pos = p + found->name.size();
    any = true;
  }
  if (!any) return std::nullopt;
  length = pos;
  return total;
}

Result<Duration> parse_duration(std::string_view text) {
  size_t length = 0;
  const auto d = parse_duration_prefix(text, length);
  if (d && length == text.size()) return *d;
  return fail(ErrorCode::kInvalid,
              fmt::format("`{}` is not a duration; expected a number and a unit "
                          "(ns us ms s m h d w), like 500ms, 5m or 1h30m",
                          text));
}

namespace {

int64_t read_system_clock(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return ts.tv_sec * kSecond + ts.tv_nsec;
}

}  // namespace

Timestamp SystemClock::now() const { return read_system_clock(CLOCK_REALTIME); }
Duration SystemClock::running() const { return read_system_clock(CLOCK_MONOTONIC); }

}  // namespace tocsin
