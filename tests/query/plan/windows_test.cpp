#include "query/plan/windows.h"

#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <cctz/time_zone.h>

#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

constexpr const char* kZones[] = {"Europe/Berlin",
                                  "America/New_York",
                                  "Australia/Lord_Howe",
                                  "America/Santiago",
                                  "Africa/Casablanca",
                                  "Pacific/Apia",
                                  "UTC"};

cctz::time_point<cctz::seconds> point_of(Timestamp t) {
  return cctz::time_point<cctz::seconds>(std::chrono::seconds(t / kSecond));
}

TimeZone zone_of(const std::string& name) {
  const auto zone = TimeZone::load(name);
  REQUIRE(zone);
  return *zone;
}

// The same by the calendar: the civil time of the start, some days earlier.
std::vector<TimeRange> windows_by_calendar(TimeRange range, int64_t step_days, uint32_t count,
                                           const std::string& name) {
  cctz::time_zone zone;
  REQUIRE(cctz::load_time_zone(name, &zone));
  const cctz::civil_second now = cctz::convert(point_of(range.start), zone);
  std::vector<TimeRange> windows;
  Timestamp next = range.start;
  for (int64_t k = 1; k <= count; ++k) {
    const cctz::civil_day day = cctz::civil_day(now) - k * step_days;
    const auto found = zone.lookup(cctz::civil_second(day.year(), day.month(), day.day(),
                                                      now.hour(), now.minute(), now.second()));
    if (found.kind == cctz::time_zone::civil_lookup::SKIPPED) continue;
    const Timestamp start = found.post.time_since_epoch().count() * kSecond;
    windows.push_back({start, std::min(start + (range.end - range.start), next)});
    next = start;
  }
  return windows;
}

Windows windows_of(TimeRange range, Duration step, uint32_t count, const TimeZone& zone) {
  Windows windows;
  windows.range = range;
  windows.step = step;
  windows.past_count = count;
  if (auto past = local_windows(range, step, count, zone)) {
    windows.past = *std::move(past);
    windows.past_count = static_cast<uint32_t>(windows.past.size());
  }
  return windows;
}

struct Case {
  TimeRange range;
  int64_t step_days = 1;
  uint32_t count = 1;
};

Case random_case(std::mt19937& random) {
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  const Duration lengths[] = {kMinute, 15 * kMinute, kHour, 90 * kMinute, 12 * kHour, kDay};
  // Both changes of the years 2010 and 2011, in which Apia also skipped a day.
  const Timestamp start = 1'262'304'000 * kSecond + below(2 * 365 * 24 * 4) * 15 * kMinute;
  return {{start, start + lengths[below(6)]},
          below(3) == 0 ? 7 : 1 + below(2),
          static_cast<uint32_t>(1 + below(40))};
}

}  // namespace

TEST_CASE("windows: local days equal the days of the calendar", "[query]") {
  std::mt19937 random(7);
  size_t changed = 0;
  for (int i = 0; i < 3'000; ++i) {
    const Case each = random_case(random);
    const std::string name = kZones[random() % std::size(kZones)];
    INFO(name << " " << format_time_short(each.range.start) << " "
              << format_duration(each.range.end - each.range.start) << " " << each.step_days << "d "
              << each.count);
    const auto expected = windows_by_calendar(each.range, each.step_days, each.count, name);
    const Duration step = each.step_days * kDay;
    const Windows windows = windows_of(each.range, step, each.count, zone_of(name));
    REQUIRE(windows.past_count == expected.size());
    for (uint32_t k = 1; k <= windows.past_count; ++k)
      REQUIRE(windows.window(k) == expected[k - 1]);
    changed += windows.past.empty() ? 0 : 1;
  }
  CHECK(changed > 500);
}

TEST_CASE("windows: a time is found in the window that contains it", "[query]") {
  std::mt19937 random(8);
  for (int i = 0; i < 300; ++i) {
    const Case each = random_case(random);
    const Windows windows =
        windows_of(each.range, each.step_days * kDay, each.count, zone_of(kZones[i % 7]));
    const TimeRange span = windows.span();
    for (int j = 0; j < 50; ++j) {
      const Duration reach = span.end - span.start + 2 * kDay;
      Timestamp t =
          span.start - kDay + static_cast<Duration>(random() % (reach / kMinute)) * kMinute;
      const TimeRange near = windows.window(random() % static_cast<uint32_t>(windows.count()));
      if (j % 3 == 0) t = near.start - (j % 2);
      if (j % 3 == 1) t = near.end - (j % 2);
      uint32_t expected = Windows::kNone;
      std::vector<uint32_t> overlapping, found;
      const Timestamp max_time = t + static_cast<Duration>(random() % 3) * kDay;
      for (uint32_t k = 0; k < windows.count(); ++k) {
        if (windows.window(k).contains(t)) expected = k;
        if (windows.window(k).overlaps(t, max_time)) overlapping.push_back(k);
      }
      REQUIRE(windows.index_of(t) == expected);
      windows.for_each_overlapping(t, max_time, [&](uint32_t k) { found.push_back(k); });
      REQUIRE(found == overlapping);
    }
  }
}

TEST_CASE("windows: a time that is skipped has none, and of a repeated one the second counts",
          "[query]") {
  const auto starts = [](const char* start, uint32_t count) {
    const Timestamp from = *parse_time(start);
    std::string out;
    const auto windows = local_windows({from, from + kHour}, kDay, count, zone_of("Europe/Berlin"));
    REQUIRE(windows);
    for (const TimeRange& each : *windows) out += format_time_short(each.start) + " ";
    return out;
  };
  CHECK(starts("2026-03-30T02:30:00+02:00", 2) == "2026-03-28T01:30:00Z ");
  CHECK(starts("2026-03-30T02:30:00+02:00", 1).empty());
  CHECK(starts("2026-10-26T02:30:00+01:00", 2) == "2026-10-25T01:30:00Z 2026-10-24T00:30:00Z ");
}

TEST_CASE("windows: remembered local days do not change the result", "[query]") {
  std::mt19937 random(9);
  MemoryDatabase database;
  const Timestamp first = *parse_time("2026-03-20T00:00:00Z");
  for (int day = 0; day < 20; ++day) {
    std::vector<Timestamp> times;
    std::vector<Value> numbers;
    for (int i = 0; i < 60; ++i) {
      times.push_back(first + day * kDay + i * 24 * kMinute);
      numbers.push_back(Value::of(static_cast<int64_t>(random() % 100)));
    }
    database.add_segment("audit", times, {{"n", numbers}});
  }
  const QueryEngine engine(database);
  const auto answer = [&](const std::string& step, Timestamp now, bool remember) {
    QueryOptions options;
    options.zone = zone_of("Europe/Berlin");
    options.now = now;
    options.remember = remember;
    const auto table =
        engine.run("from audit last 3h | stats s = sum(n), c = count() | baseline 7d step " + step +
                       " | let a = baseline(s), b = baseline(c, windows), "
                       "h = hour(now()) | keep s, c, a, b, h",
                   options);
    REQUIRE(table);
    return format_result(*table, ResultFormat::kCsv);
  };
  int different = 0;
  for (int hour = 8 * 24; hour < 18 * 24; hour += 3) {
    const Timestamp now = first + hour * kHour;
    INFO(format_time_short(now));
    CHECK(answer("1d", now, true) == answer("1d", now, false));
    CHECK(answer("24h", now, true) == answer("24h", now, false));
    different += answer("1d", now, false) != answer("24h", now, false) ? 1 : 0;
  }
  CHECK(different > 20);
}
