#include "query/usual/past.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "series.h"

using namespace tocsin;

namespace {

Timestamp utc(const std::string& text) {
  const auto time = parse_time(text);
  REQUIRE(time);
  return *time;
}

struct Slots {
  std::vector<Timestamp> starts;
  WindowSlots slots;

  Slots(const std::string& from, Duration depth, Duration step, const char* zone)
      : starts(windows(utc(from), depth, step)), slots(starts, step, zone_of(zone)) {}

  static std::vector<Timestamp> windows(Timestamp from, Duration depth, Duration step) {
    std::vector<Timestamp> out;
    for (Timestamp at = from; at < from + depth; at += step) out.push_back(at);
    return out;
  }
  static TimeZone zone_of(const char* name) {
    auto zone = TimeZone::load(name);
    REQUIRE(zone);
    return *zone;
  }
  int64_t at(const std::string& time) const {
    const auto found = std::ranges::find(starts, utc(time));
    REQUIRE(found != starts.end());
    return slots.slot_of(static_cast<size_t>(found - starts.begin()));
  }
  Timestamp start_of(int64_t slot) const {
    const int64_t window = slots.window_of(slot);
    return window < 0 ? -1 : starts[static_cast<size_t>(window)];
  }
};

std::vector<int64_t> days_back(const std::vector<int64_t>& ends, int64_t now, int64_t per_day) {
  std::vector<int64_t> days;
  for (const int64_t end : ends) {
    CHECK((now - end) % per_day == 0);
    days.push_back((now - end) / per_day);
  }
  return days;
}

using Days = std::vector<int64_t>;

}  // namespace

TEST_CASE(
    "past: when clocks are set forward, the same time is a day earlier, and one hour does "
    "not exist",
    "[query]") {
  for (const Duration step : {5 * kMinute, kHour}) {
    const Slots s("2026-03-27T00:00:00Z", 4 * kDay, step, "Europe/Berlin");
    const int64_t per_day = kDay / step;
    CHECK(s.slots.per_day() == per_day);
    // 12:00 in Berlin.
    const int64_t saturday = s.at("2026-03-28T11:00:00Z"), sunday = s.at("2026-03-29T10:00:00Z");
    CHECK(sunday - saturday == per_day);
    CHECK(s.at("2026-03-30T10:00:00Z") - sunday == per_day);
    CHECK(s.start_of(sunday) == utc("2026-03-29T10:00:00Z"));
    // 02:00 to 03:00 on Sunday.
    const int64_t skipped = s.at("2026-03-28T01:00:00Z") + per_day;
    for (int64_t slot = skipped; slot < skipped + kHour / step; ++slot)
      CHECK(s.slots.window_of(slot) == -1);
    CHECK(s.start_of(skipped - 1) == utc("2026-03-29T01:00:00Z") - step);
    CHECK(s.start_of(skipped + kHour / step) == utc("2026-03-29T01:00:00Z"));
    CHECK_FALSE(s.slots.is_weekend(s.at("2026-03-27T12:00:00Z")));
    CHECK(s.slots.is_weekend(sunday));
    // Berlin's Monday begins at 22:00 UTC.
    CHECK(s.slots.is_weekend(s.at("2026-03-29T21:00:00Z")));
    CHECK_FALSE(s.slots.is_weekend(s.at("2026-03-29T22:00:00Z")));
  }
}

TEST_CASE("past: when clocks are set back, the second of two equal times counts", "[query]") {
  for (const Duration step : {5 * kMinute, kHour}) {
    const Slots s("2026-10-24T00:00:00Z", 3 * kDay, step, "Europe/Berlin");
    const int64_t per_day = kDay / step;
    CHECK(s.at("2026-10-25T11:00:00Z") - s.at("2026-10-24T10:00:00Z") == per_day);
    const int64_t repeated = s.at("2026-10-25T00:00:00Z");
    CHECK(s.at("2026-10-25T01:00:00Z") == repeated);
    CHECK(s.start_of(repeated) == utc("2026-10-25T01:00:00Z"));
    CHECK(s.start_of(repeated - 1) == utc("2026-10-25T00:00:00Z") - step);
  }
  // A zone that is half an hour off, and windows that end within the repeated hour.
  const Slots s("2026-04-03T00:00:00Z", kDay + 15 * kHour + 30 * kMinute, 15 * kMinute,
                "Australia/Lord_Howe");
  CHECK(s.at("2026-04-04T15:15:00Z") == s.at("2026-04-04T14:45:00Z"));
  std::vector<double> values(s.starts.size(), 1);
  const std::vector<uint8_t> collected(s.starts.size(), 1);
  const Past past(s.slots, values, {}, collected, {});
  CHECK(past.now() == s.at("2026-04-04T15:15:00Z") + 1);
  CHECK(past.newest(4).value == 4);
}

TEST_CASE("past: a step that does not divide the day keeps the time within a step", "[query]") {
  const Slots s("2026-11-02T00:00:00Z", 10 * kDay, 7 * kMinute, "UTC");
  CHECK(s.slots.per_day() == 206);  // 205.7
  int64_t before = -1;
  for (size_t window = 0; window < s.starts.size(); ++window) {
    const int64_t slot = s.slots.slot_of(window);
    CHECK(slot > before);
    CHECK(slot <= before + 2);
    CHECK(s.slots.window_of(slot) == static_cast<int64_t>(window));
    const Duration of_day = s.starts[window] % kDay;
    CHECK(slot % 206 == of_day / (7 * kMinute));
    before = slot;
  }
}

TEST_CASE("past: times before 1970 have slots", "[query]") {
  const Slots s("1969-12-30T00:00:00Z", 4 * kDay, kHour, "America/New_York");
  CHECK(s.at("1970-01-01T06:00:00Z") - s.at("1969-12-31T06:00:00Z") == 24);
  CHECK(s.slots.slot_of(0) == 0);
  CHECK_FALSE(s.slots.is_weekend(s.at("1970-01-01T06:00:00Z")));  // Thursday
  CHECK(s.slots.is_weekend(s.at("1970-01-01T06:00:00Z") + 2 * 24));
  CHECK(s.slots.is_weekend(s.at("1970-01-01T06:00:00Z") - 4 * 24));
}

TEST_CASE("past: without windows nothing is known", "[query]") {
  const WindowSlots slots({}, kHour, TimeZone());
  CHECK(slots.count() == 0);
  const Past past(slots, {}, {}, {}, {});
  CHECK(past.now() == 0);
  CHECK_FALSE(past.sum(0, 1).known);
  CHECK(comparable_spans(past, 0, 1).basis() == Basis::kNone);
}

TEST_CASE("past: sums are scaled up if most windows count, and unknown otherwise", "[query]") {
  SampleSeries series(kSampleMonday + 10 * kHour, 10 * kHour, kHour);
  std::iota(series.values.begin(), series.values.end(), 1);  // 1 to 10
  std::ranges::fill(series.of, 2.0);
  const auto check = [&](const std::function<void(const Past&)>& f) {
    series.judged([&](const Past& past) {
      f(past);
      return 0;
    });
  };
  check([](const Past& past) {
    CHECK(past.now() == 10);
    CHECK(past.begin() == 0);
    CHECK(past.sum(10, 10).known);
    CHECK(past.sum(10, 10).value == 55);
    CHECK(past.sum(10, 10).of == 20);
    CHECK(past.sum(4, 2).value == 7);
    CHECK_FALSE(past.sum(1, 2).known);   // begins before the first
    CHECK_FALSE(past.sum(11, 2).known);  // ends after the last
  });
  series.collected[0] = 0;
  series.collected[9] = 0;
  check([](const Past& past) {
    CHECK(past.begin() == 1);
    CHECK(past.sum(10, 10).known);
    CHECK(past.sum(10, 10).value == Approx(44 * 10.0 / 8));
    CHECK(past.sum(10, 10).of == Approx(20));
    CHECK_FALSE(past.sum(10, 1).known);
    CHECK_FALSE(past.sum(10, 4).known);  // three of four
  });
  // Excluded windows and the three hours before them are not usual, but still what happened last.
  series.excluded[8] = 1;
  check([](const Past& past) {
    CHECK_FALSE(past.sum(10, 10).known);
    CHECK_FALSE(past.sum(9, 5).known);
    CHECK(past.sum(5, 4).value == 14);
    CHECK(past.newest(10).value == Approx(44 * 10.0 / 8));
    CHECK(past.reported_until() == 9);
  });
  series.excluded[8] = 0;
  series.excluded[9] = 1;  // the alert still fires
  check([](const Past& past) { CHECK(past.reported_until() == 0); });
  std::ranges::fill(series.excluded, 1);
  check([](const Past& past) { CHECK(past.begin() == past.now()); });
}

TEST_CASE("past: the same time of the same weekday is best, else of days of the same kind",
          "[query]") {
  const auto spans = [](Timestamp end, Duration depth, Duration length = kHour) {
    return SampleSeries(end, depth, kHour).judged([&](const Past& past) {
      const Comparable found = comparable_spans(past, past.now(), length / kHour);
      struct Found {
        Basis basis;
        Days weeks, days;
        size_t hours;
      };
      return Found{found.basis(), days_back(found.weeks, past.now(), 24),
                   days_back(found.days, past.now(), 24), found.hours.size()};
    });
  };
  const Timestamp wednesday = kSampleMonday + 2 * kDay + 12 * kHour;
  const Timestamp saturday = kSampleMonday + 5 * kDay + 12 * kHour;
  const auto long_past = spans(wednesday, 29 * kDay);
  CHECK(long_past.basis == Basis::kWeeks);
  CHECK(long_past.weeks == Days{7, 14, 21, 28});
  CHECK(long_past.days == Days{1, 2, 5, 6, 7, 8, 9, 12, 13, 14});  // workdays
  CHECK(long_past.hours == 0);

  const auto two_weeks = spans(wednesday, 15 * kDay);  // two weeks are too few
  CHECK(two_weeks.basis == Basis::kDays);
  CHECK(two_weeks.weeks.empty());
  CHECK(spans(saturday, 15 * kDay).days == Days{6, 7, 13, 14});

  // Of a past of a week there is one day of another weekend: nothing is known, not even by hours.
  CHECK(spans(saturday, 8 * kDay).basis == Basis::kHours);
  CHECK(spans(wednesday, 8 * kDay).days == Days{1, 2, 5, 6, 7});

  // A young past is known by its last hours, on whatever day.
  const auto young = spans(wednesday, 2 * kDay);
  CHECK(young.basis == Basis::kHours);
  CHECK(young.hours == 5);  // of the last six, the newest is the span itself
  CHECK(spans(saturday, 3 * kDay).basis == Basis::kHours);
  CHECK(spans(wednesday, 2 * kHour).basis == Basis::kNone);

  // A span from Friday to Saturday is like that of other weeks only.
  CHECK(spans(saturday - 11 * kHour, 29 * kDay, 3 * kHour).days == Days{7, 14, 21, 28});
}

TEST_CASE("past: windows that were not collected are no comparison", "[query]") {
  SampleSeries series(kSampleMonday + 12 * kHour, 29 * kDay, kHour);
  const auto weeks = [&] {
    return series.judged([](const Past& past) {
      return days_back(comparable_spans(past, past.now(), 1).weeks, past.now(), 24);
    });
  };
  series.collected[series.window_at(kSampleMonday + 11 * kHour - 14 * kDay)] = 0;
  CHECK(weeks() == Days{7, 21, 28});
  series.excluded[series.window_at(kSampleMonday + 11 * kHour - 28 * kDay)] = 1;
  CHECK(weeks() == Days{});  // two are too few
}

TEST_CASE("past: a window without rows was collected if that is usual at its time", "[query]") {
  const SampleSeries series(kSampleMonday + 10 * kDay, 10 * kDay, kHour);
  const WindowSlots slots(series.starts, kHour, TimeZone());
  std::vector<uint64_t> rows(series.starts.size(), 5);
  rows[100] = 0;                                                 // once at 04:00
  for (const size_t day : {2u, 3u}) rows[day * 24 + 5] = 0;      // twice at 05:00
  for (size_t day = 0; day < 10; ++day) rows[day * 24 + 3] = 0;  // always at 03:00
  const auto collected = collected_windows(slots, rows);
  CHECK(collected[100] == 0);
  CHECK(collected[2 * 24 + 5] == 1);
  CHECK(collected[3 * 24 + 5] == 1);
  CHECK(std::ranges::count(collected, 0) == 1);
}
