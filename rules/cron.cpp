// Parses cron expressions and finds their starts, day by day.
#include "rules/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/floor.h"

namespace tocsin {
namespace {

constexpr size_t kCronBytesMax = 500;

constexpr std::array<std::string_view, 12> kMonthNames = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdayNames = {"sun", "mon", "tue", "wed",
                                                           "thu", "fri", "sat"};

struct CronField {
  const char* name;
  unsigned min, max;
};
constexpr CronField kMinuteField{"minute", 0, 59}, kHourField{"hour", 0, 23},
    kDayField{"day of month", 1, 31}, kMonthField{"month", 1, 12}, kWeekdayField{"weekday", 0, 7};

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

bool parse_cron_number(std::string_view text, const CronField& field, unsigned& out) {
  const std::string lower = lower_case(text);
  if (field.max == kMonthField.max) {
    const auto found = std::find(kMonthNames.begin(), kMonthNames.end(), lower);
    if (found != kMonthNames.end()) {
      out = static_cast<unsigned>(found - kMonthNames.begin()) + 1;
      return true;
    }
  }
  if (field.max == kWeekdayField.max) {
    const auto found = std::find(kWeekdayNames.begin(), kWeekdayNames.end(), lower);
    if (found != kWeekdayNames.end()) {
      out = static_cast<unsigned>(found - kWeekdayNames.begin());
      return true;
    }
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// `*`, `5`, `1-5`, `*/15`, `5/15` or `1-5/2`.
template <size_t kSize>
bool parse_part(std::string_view part, const CronField& field, std::bitset<kSize>& out) {
  const size_t slash = part.find('/');
  unsigned step = 1;
  if (slash != part.npos) {
    const std::string_view text = part.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc() || end != text.data() + text.size() || step == 0) return false;
  }
  const std::string_view range = part.substr(0, slash);
  unsigned first = field.min, last = field.max;
  if (range != "*") {
    const size_t dash = range.find('-');
    if (!parse_cron_number(range.substr(0, dash), field, first)) return false;
    if (dash != range.npos) {
      if (!parse_cron_number(range.substr(dash + 1), field, last)) return false;
    } else if (slash == part.npos) {
      last = first;
    }
  }
  if (first < field.min || last > field.max || first > last) return false;
  for (unsigned value = first; value <= last; value += std::min(step, field.max + 1)) {
    out.set(value);
  }
  return true;
}

template <size_t kSize>
Status parse_cron_field(std::string_view text, const CronField& field, std::bitset<kSize>& out) {
  for (const std::string_view part : split_at(text, ',')) {
    if (parse_part(part, field, out)) continue;
    return fail(ErrorCode::kInvalid,
                fmt::format("`{}` is not a valid {} of a cron expression; expected {} to {}, `*`, "
                            "or a list, range or step of them, like 1-5 or */15",
                            text, field.name, field.min, field.max));
  }
  return {};
}

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view text) {
  std::vector<std::string_view> fields;
  for (const std::string_view field : split_at(text, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  if (fields.size() != 5 || text.size() > kCronBytesMax) {
    return fail(ErrorCode::kInvalid,
                "expected a cron expression of five fields, minute hour day month weekday, like "
                "`30 2 * * SUN`");
  }
  CronSchedule out;
  out.text_ = text;
  TOCSIN_RETURN_IF_ERROR(parse_cron_field(fields[0], kMinuteField, out.minutes_));
  TOCSIN_RETURN_IF_ERROR(parse_cron_field(fields[1], kHourField, out.hours_));
  TOCSIN_RETURN_IF_ERROR(parse_cron_field(fields[2], kDayField, out.days_));
  TOCSIN_RETURN_IF_ERROR(parse_cron_field(fields[3], kMonthField, out.months_));
  TOCSIN_RETURN_IF_ERROR(parse_cron_field(fields[4], kWeekdayField, out.weekdays_));
  if (out.weekdays_[7]) out.weekdays_.set(0);
  out.any_day_ = fields[2].starts_with('*');
  out.any_weekday_ = fields[4].starts_with('*');
  return out;
}

bool CronSchedule::matches_day(int64_t day) const {
  using namespace std::chrono;
  const sys_days date{days(static_cast<int>(day))};
  const year_month_day calendar{date};
  if (!months_[static_cast<unsigned>(calendar.month())]) return false;
  const bool by_day = days_[static_cast<unsigned>(calendar.day())];
  const bool by_weekday = weekdays_[weekday(date).c_encoding()];
  // As in crontab(5): a field that begins with `*` is not restricted.
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<Timestamp> CronSchedule::last_start(Timestamp oldest, Timestamp t,
                                                  const TimeZone& zone) const {
  const int64_t newest_day = floor_div(t + zone.offset_at(t), kDay);
  // A day more, because clocks may have been set back since.
  const int64_t oldest_day = floor_div(oldest + zone.offset_at(oldest), kDay) - 1;
  for (int64_t day = newest_day; day >= oldest_day; --day) {
    if (!matches_day(day)) continue;
    for (int minute = 24 * 60 - 1; minute >= 0; --minute) {
      if (!hours_[static_cast<size_t>(minute / 60)] || !minutes_[static_cast<size_t>(minute % 60)])
        continue;
      const Timestamp start = zone.from_local(day * kDay + minute * kMinute);
      if (start > t) continue;
      if (start < oldest) return std::nullopt;
      return start;
    }
  }
  return std::nullopt;
}

}  // namespace tocsin
