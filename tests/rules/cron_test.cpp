#include "rules/cron.h"

#include <chrono>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

CronSchedule cron(const std::string& text) {
  const auto parsed = CronSchedule::parse(text);
  if (!parsed) FAIL(text << ": " << parsed.error().message);
  return *parsed;
}

Timestamp time_of(const std::string& text) { return parse_time(text).value(); }

// The values that one field of a random expression selects, and the field.
struct SlowField {
  std::string text;
  std::set<int> values;
};

SlowField random_field(std::mt19937& random, int min, int max) {
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(random);
  };
  SlowField out;
  if (pick(0, 2) == 0) {
    out.text = "*";
    for (int i = min; i <= max; ++i) out.values.insert(i);
    return out;
  }
  for (int parts = pick(1, 3); parts > 0; --parts) {
    const int first = pick(min, max), last = pick(first, max), step = pick(1, 9);
    if (!out.text.empty()) out.text += ',';
    switch (pick(0, 2)) {
      case 0:
        out.text += std::to_string(first);
        out.values.insert(first);
        break;
      case 1:
        out.text += std::to_string(first) + "-" + std::to_string(last);
        for (int i = first; i <= last; ++i) out.values.insert(i);
        break;
      default:
        out.text += std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(step);
        for (int i = first; i <= last; i += step) out.values.insert(i);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("cron: finds the last start", "[rules]") {
  const auto check = [](const std::string& text, const std::string& t, const std::string& expected,
                        const std::string& zone = "UTC") {
    INFO(text << " at " << t);
    const Timestamp now = time_of(t);
    const auto start = cron(text).last_start(now - 8 * kDay, now, TimeZone::load(zone).value());
    CHECK((start ? format_time_short(*start) : "none") == expected);
  };
  check("30 2 * * *", "2026-11-24T10:00:00Z", "2026-11-24T02:30:00Z");
  check("30 2 * * *", "2026-11-24T02:29:59Z", "2026-11-23T02:30:00Z");
  check("30 2 * * *", "2026-11-24T02:30:00Z", "2026-11-24T02:30:00Z");
  check("0 2 * * SUN", "2026-11-24T10:00:00Z", "2026-11-22T02:00:00Z");
  check("0 2 * * 7", "2026-11-24T10:00:00Z", "2026-11-22T02:00:00Z");
  check("0 9-17/4 * * mon-fri", "2026-11-23T14:00:00Z", "2026-11-23T13:00:00Z");
  check("*/15 * * * *", "2026-11-24T10:14:00Z", "2026-11-24T10:00:00Z");
  check("5/20 * * * *", "2026-11-24T10:59:00Z", "2026-11-24T10:45:00Z");
  check("0 0 1 dec *", "2026-11-24T10:00:00Z", "none");
  check("0 0 20 * THU", "2026-11-24T10:00:00Z", "2026-11-20T00:00:00Z");  // either day
  check("0 0 20 * *", "2026-11-24T10:00:00Z", "2026-11-20T00:00:00Z");
  check("30 2 * * *", "2026-11-24T10:00:00Z", "2026-11-24T01:30:00Z", "Europe/Berlin");
  // Clocks skip 02:30 on 29 March and show it twice on 25 October.
  check("30 2 29 3 *", "2026-03-29T10:00:00Z", "2026-03-29T01:00:00Z", "Europe/Berlin");
  check("30 2 25 10 *", "2026-10-25T10:00:00Z", "2026-10-25T00:30:00Z", "Europe/Berlin");
  check("30 2 25 10 *", "2026-10-25T00:29:00Z", "none", "Europe/Berlin");
  check("45 2 * * *", "2026-10-25T01:10:00Z", "2026-10-25T00:45:00Z", "Europe/Berlin");
}

TEST_CASE("cron: wrong expressions are refused", "[rules]") {
  for (const char* text : {"",
                           "* * * *",
                           "* * * * * *",
                           "60 * * * *",
                           "* 24 * * *",
                           "* * 0 * *",
                           "* * 32 * *",
                           "* * * 13 * ",
                           "* * * * 8",
                           "*/0 * * * *",
                           "5-1 * * * *",
                           "a * * * *",
                           "1, * * * *",
                           "-1 * * * *",
                           "1-2-3 * * * *",
                           "*/ * * * *",
                           "* * * sun *",
                           "@daily",
                           "99999999999 * * * *",
                           "*/99999999999 * * * *"}) {
    INFO(text);
    CHECK_FALSE(CronSchedule::parse(text));
  }
  CHECK(CronSchedule::parse("61 * * * *").error().message.find("minute") != std::string::npos);
}

TEST_CASE("cron: agrees with a scan of all minutes", "[rules]") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const Timestamp first = time_of("2026-02-20T00:00:00Z");
  for (int round = 0; round < 200; ++round) {
    const SlowField minute = random_field(random, 0, 59), hour = random_field(random, 0, 23),
                    day = random_field(random, 1, 31), month = random_field(random, 1, 12);
    SlowField weekday = random_field(random, 0, 7);
    if (weekday.values.contains(7)) weekday.values.insert(0);
    const std::string text =
        minute.text + " " + hour.text + " " + day.text + " " + month.text + " " + weekday.text;
    INFO(text);
    const CronSchedule schedule = cron(text);
    const Timestamp t =
        first + std::uniform_int_distribution<Duration>(0, 60 * kDay)(random) / kMinute * kMinute;
    const Timestamp oldest = t - 3 * kDay;
    std::optional<Timestamp> expected;
    for (Timestamp at = t; !expected && at >= oldest; at -= kMinute) {
      using namespace std::chrono;
      const sys_days date{days(static_cast<int>(at / kDay))};
      const year_month_day calendar{date};
      const bool by_day = day.values.contains(static_cast<int>(unsigned(calendar.day())));
      const bool by_weekday =
          weekday.values.contains(static_cast<int>(std::chrono::weekday(date).c_encoding()));
      const bool both = day.text == "*" || weekday.text == "*";
      if (!minute.values.contains(static_cast<int>(at / kMinute % 60)) ||
          !hour.values.contains(static_cast<int>(at / kHour % 24)) ||
          !month.values.contains(static_cast<int>(unsigned(calendar.month()))) ||
          !(both ? by_day && by_weekday : by_day || by_weekday))
        continue;
      expected = at;
    }
    CHECK(schedule.last_start(oldest, t, TimeZone()) == expected);
  }
}
