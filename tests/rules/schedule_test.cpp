#include "rules/schedule.h"

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

ScheduleOptions schedule_options() { return {5 * kMinute, 10 * kSecond, kHour}; }
constexpr Timestamp time_at(int hour, int minute, int second = 0) {
  return 1000 * kDay + hour * kHour + minute * kMinute + second * kSecond;
}

}  // namespace

TEST_CASE("schedule: a new rule starts at the current window", "[rules]") {
  const Cursor cursor = first_cursor(schedule_options(), time_at(10, 3), 0);
  CHECK(cursor.last_end == time_at(10, 0));
  CHECK(next_end(schedule_options(), cursor) == time_at(10, 5));
  CHECK(next_due(schedule_options(), cursor) == time_at(10, 5, 10));
  CHECK(next_end(schedule_options(), first_cursor(schedule_options(), time_at(10, 5), 0)) ==
        time_at(10, 10));
}

TEST_CASE("schedule: evaluate_from starts at the window that contains it", "[rules]") {
  const Cursor cursor = first_cursor(schedule_options(), time_at(10, 3), time_at(4, 2));
  CHECK(next_end(schedule_options(), cursor) == time_at(4, 5));
  CHECK(next_end(schedule_options(),
                 first_cursor(schedule_options(), time_at(10, 3), time_at(4, 0))) == time_at(4, 5));
  // A future time means now.
  CHECK(first_cursor(schedule_options(), time_at(10, 3), time_at(12, 0)) ==
        first_cursor(schedule_options(), time_at(10, 3), 0));
}

TEST_CASE("schedule: windows beyond catchup_max are skipped and counted", "[rules]") {
  Cursor cursor{time_at(4, 0), time_at(4, 0)};
  // Due at 10:00:10 and not older than an hour: ends from 9:00 on.
  const SkippedWindows skipped = skip_missed(schedule_options(), time_at(10, 0, 10), cursor);
  CHECK(skipped.first_end == time_at(4, 5));
  CHECK(skipped.last_end == time_at(8, 55));
  CHECK(skipped.count == 59);
  CHECK(next_end(schedule_options(), cursor) == time_at(9, 0));
  CHECK(skip_missed(schedule_options(), time_at(10, 0, 10), cursor).count == 0);
}

TEST_CASE("schedule: windows within catchup_max are not skipped", "[rules]") {
  Cursor cursor{time_at(9, 0), time_at(4, 0)};
  CHECK(skip_missed(schedule_options(), time_at(10, 0), cursor).count == 0);
  CHECK(cursor.last_end == time_at(9, 0));
}

TEST_CASE("schedule: catchup_max does not apply to evaluate_from, even after a restart",
          "[rules]") {
  Cursor cursor = first_cursor(schedule_options(), time_at(10, 3), time_at(0, 0) - 5 * kDay);
  CHECK(skip_missed(schedule_options(), time_at(10, 3), cursor).count == 0);
  cursor.last_end = time_at(0, 0) - 4 * kDay;
  CHECK(skip_missed(schedule_options(), time_at(10, 4), cursor).count == 0);
  cursor.last_end = cursor.history_end;
  CHECK(skip_missed(schedule_options(), time_at(14, 0), cursor).count > 0);
}

TEST_CASE("schedule: a cursor is aligned to a changed interval", "[rules]") {
  ScheduleOptions hourly = schedule_options();
  hourly.interval = kHour;
  CHECK(next_end(hourly, {time_at(10, 25), 0}) == time_at(11, 0));
  CHECK(next_end(schedule_options(), {time_at(10, 0), 0}) == time_at(10, 5));
}
