// Cron expressions of five fields: the starts of recurring silences and time intervals.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

/// `minute hour day-of-month month weekday`, as in crontab(5): `*`, numbers, names (`MON`, `JAN`),
/// ranges, lists and steps. If both kinds of day are restricted, either may match. A start in an
/// hour that clocks skip is at the change; one in an hour that they repeat is in the first of both.
class CronSchedule {
 public:
  /// kInvalid names the wrong field.
  static Result<CronSchedule> parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// The last start in [oldest, t]. Takes time in proportion to the days between.
  std::optional<Timestamp> last_start(Timestamp oldest, Timestamp t, const TimeZone& zone) const;

 private:
  bool matches_day(int64_t day) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;  // 0 and 7 are Sunday
  bool any_day_ = true, any_weekday_ = true;
};

}  // namespace tocsin
