#include "db/base/time.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("time: RFC 3339 texts parse to nanoseconds", "[base]") {
  const auto check = [](std::string_view text, Timestamp expected) {
    INFO(text);
    const auto t = parse_time(text);
    REQUIRE(t);
    CHECK(*t == expected);
  };
  check("1970-01-01", 0);
  check("1970-01-01T00:00:00Z", 0);
  check("2026-11-24T10:04:05Z", 1795514645 * kSecond);
  check("2026-11-24 10:04:05Z", 1795514645 * kSecond);
  check("2026-11-24T10:04:05.5+01:00", 1795511045 * kSecond + 500 * kMillisecond);
  check("2026-11-24T10:04:05.123456789Z", 1795514645 * kSecond + 123456789);
  check("2024-02-29", 1709164800 * kSecond);
  check("1969-12-31T23:59:59.999999999Z", -1);
}

TEST_CASE("time: an invalid time is rejected with an example", "[base]") {
  for (const char* text : {"", "2026", "2026-13-01", "2026-02-29", "2026-11-24T25:00:00Z",
                           "2026-11-24T10:04:05", "2026-11-24x", "now"}) {
    INFO(text);
    const auto t = parse_time(text);
    REQUIRE_FALSE(t);
    CHECK(t.error().message.find("2026-11-24T10:04:05Z") != std::string::npos);
  }
}

TEST_CASE("time: formatting and parsing are inverse", "[base]") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    // RFC 3339 can express the years 0000 to 9999.
    const auto t = static_cast<Timestamp>(random() % (uint64_t{1} << 62)) - (int64_t{1} << 61);
    CHECK(parse_time(format_time(t)).value() == t);
    CHECK(parse_time(format_time_short(t)).value() == t);
  }
}

TEST_CASE("time: durations parse, print and round-trip", "[base]") {
  CHECK(parse_duration("1h30m").value() == 90 * kMinute);
  CHECK(parse_duration("500ms").value() == 500 * kMillisecond);
  CHECK(parse_duration("1.5h").value() == 90 * kMinute);
  CHECK(parse_duration("2w").value() == 14 * kDay);
  CHECK(parse_duration("9223372036.8s").value() == 9223372036800 * kMillisecond);
  CHECK(format_duration(90 * kMinute) == "1h30m");
  CHECK(format_duration(7 * kDay) == "1w");
  CHECK(format_duration(8 * kDay) == "8d");
  CHECK(format_duration(0) == "0s");
  for (const char* text : {"", "5", "m", "5x", "5m3", "-5m", "99999999999w", "9223372036.9s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
  size_t length = 0;
  CHECK(parse_duration_prefix("5m | stats", length).value() == 5 * kMinute);
  CHECK(length == 2);
}

TEST_CASE("time: zones have offsets, gaps and repeated hours", "[base]") {
  const auto zone = TimeZone::load("Europe/Berlin");
  REQUIRE(zone);
  CHECK(zone->offset_at(parse_time("2026-01-01T00:00:00Z").value()) == kHour);
  CHECK(zone->offset_at(parse_time("2026-07-01T00:00:00Z").value()) == 2 * kHour);
  CHECK(format_time_short(parse_time("2026-07-01", *zone).value()) == "2026-06-30T22:00:00Z");
  CHECK_FALSE(TimeZone::load("Mars/Olympus"));

  const auto local = [&](std::string_view text) {
    return format_time_short(zone->from_local(parse_time(text).value()));
  };
  CHECK(local("2026-03-29T01:59:59Z") == "2026-03-29T00:59:59Z");
  CHECK(local("2026-03-29T02:00:00Z") == "2026-03-29T01:00:00Z");
  CHECK(local("2026-03-29T02:30:00.5Z") == "2026-03-29T01:00:00Z");
  CHECK(local("2026-03-29T03:00:00Z") == "2026-03-29T01:00:00Z");
  CHECK(local("2026-10-25T02:30:00Z") == "2026-10-25T00:30:00Z");

  const Timestamp summer = parse_time("2026-07-01T00:00:00Z").value();
  CHECK(format_time_short(zone->next_change(summer)) == "2026-10-25T01:00:00Z");
  const TimeZone::Period period = zone->period_at(zone->next_change(summer));
  CHECK(period.start == zone->next_change(summer));
  CHECK(period.set_back == kHour);
  CHECK(period.offset == kHour);
  CHECK(zone->period_at(summer).set_back == -kHour);
  CHECK(zone->period_at(kTimeMin).start == kTimeMin);
  CHECK(TimeZone().next_change(summer) == kTimeMax);
}

TEST_CASE("time: the earliest and the latest instant print and parse", "[base]") {
  for (const Timestamp t : {kTimeMin, kTimeMin + 1, kTimeMax}) {
    CHECK(parse_time(format_time(t)).value() == t);
  }
  CHECK(format_time(kTimeMin) == "1677-09-21T00:12:43.145224192Z");
  CHECK_FALSE(parse_time("1677-09-21T00:12:43.145224191Z"));
}

TEST_CASE("time: buckets are aligned to the epoch, also before it", "[base]") {
  CHECK(bucket_start(90 * kSecond, kMinute, TimeZone()) == kMinute);
  CHECK(bucket_start(-1, kMinute, TimeZone()) == -kMinute);
  const auto zone = TimeZone::load("Europe/Berlin").value();
  const Timestamp noon = parse_time("2026-07-01T12:00:00Z").value();
  CHECK(format_time_short(bucket_start(noon, kDay, zone)) == "2026-06-30T22:00:00Z");
}

TEST_CASE("time: buckets follow the clocks of their zone", "[base]") {
  const auto check = [](const char* name, Duration width, const char* t, const char* expected) {
    const TimeZone zone = TimeZone::load(name).value();
    INFO(name << " " << format_duration(width) << " " << t);
    CHECK(format_time_short(bucket_start(parse_time(t).value(), width, zone)) == expected);
  };
  // A day that begins in summer time and ends in winter time, and the other way round.
  for (const char* t : {"2026-10-24T23:00:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z",
                        "2026-10-25T12:00:00Z", "2026-10-25T23:59:59Z"}) {
    check("Europe/London", kDay, t, "2026-10-24T23:00:00Z");
    check("Europe/Lisbon", kDay, t, "2026-10-24T23:00:00Z");
  }
  check("Europe/London", kDay, "2026-10-26T00:00:00Z", "2026-10-26T00:00:00Z");
  check("Europe/London", kDay, "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z");

  // A bucket start that the clocks skip: 01:30 in London, 02:00 in Berlin.
  check("Europe/London", 90 * kMinute, "2026-03-29T00:59:59Z", "2026-03-29T00:00:00Z");
  check("Europe/London", 90 * kMinute, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z");
  check("Europe/London", 90 * kMinute, "2026-03-29T02:00:00Z", "2026-03-29T02:00:00Z");
  check("Europe/Berlin", 2 * kHour, "2026-03-29T00:30:00Z", "2026-03-28T23:00:00Z");
  check("Europe/Berlin", 2 * kHour, "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z");
  check("Europe/Berlin", 2 * kHour, "2026-03-29T02:30:00Z", "2026-03-29T02:00:00Z");

  // The hour from 02:00 to 03:00 in Berlin comes twice.
  check("Europe/Berlin", kHour, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z");
  check("Europe/Berlin", kHour, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z");
  check("Europe/Berlin", 15 * kMinute, "2026-10-25T00:50:00Z", "2026-10-25T00:45:00Z");
  check("Europe/Berlin", 15 * kMinute, "2026-10-25T01:05:00Z", "2026-10-25T01:00:00Z");
  check("Europe/Berlin", 2 * kHour, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z");
  check("Europe/Berlin", 2 * kHour, "2026-10-25T02:30:00Z", "2026-10-25T00:00:00Z");
  check("Europe/Berlin", 2 * kHour, "2026-10-25T03:00:00Z", "2026-10-25T03:00:00Z");

  // Midnight is repeated or skipped; a day has 25 or 23 hours, or is missing.
  check("Atlantic/Azores", kDay, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z");
  check("Atlantic/Azores", kDay, "2026-10-25T12:00:00Z", "2026-10-25T00:00:00Z");
  check("Atlantic/Azores", kDay, "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z");
  check("Pacific/Apia", kDay, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z");
  check("Pacific/Apia", kDay, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z");
  // The clocks went from 00:01 back to 23:01; the new day continues.
  check("America/St_Johns", kDay, "2010-11-07T02:30:30Z", "2010-11-07T02:30:00Z");
  check("America/St_Johns", kDay, "2010-11-07T02:31:00Z", "2010-11-07T02:30:00Z");
  check("America/St_Johns", kDay, "2010-11-07T12:00:00Z", "2010-11-07T02:30:00Z");
}

namespace {

// Times one minute apart around every clock change, and a quarter of an hour apart elsewhere.
std::vector<Timestamp> times_around_changes(const TimeZone& zone, const char* from,
                                            const char* to) {
  std::vector<Timestamp> out;
  const Timestamp end = parse_time(to).value();
  for (Timestamp change = parse_time(from).value(); change < end;) {
    for (Duration d = -9 * kDay; d < 9 * kDay; d += 6 * kHour) out.push_back(change + d);
    for (Duration d = -30 * kHour; d < 30 * kHour; d += 15 * kMinute) out.push_back(change + d);
    for (Duration d = -2 * kHour; d < 3 * kHour; d += kMinute) {
      for (Duration near = -1; near <= 1; ++near) out.push_back(change + d + near);
    }
    change = zone.next_change(change);
  }
  std::ranges::sort(out);
  return out;
}

// Describes what is wrong with the buckets of these ascending times.
std::string fault_of_buckets(const std::vector<Timestamp>& times, Duration width,
                             const TimeZone& zone) {
  Timestamp earlier_start = kTimeMin;
  for (const Timestamp t : times) {
    const Timestamp start = bucket_start(t, width, zone);
    const Timestamp next = next_bucket_start(t, width, zone);
    const auto is_start = [&](Timestamp at) { return bucket_start(at, width, zone) == at; };
    const char* fault = nullptr;
    if (start > t) fault = "begins after its row";
    if (!is_start(start)) fault = "has a start that belongs to another bucket";
    if (start < earlier_start) fault = "begins before the bucket of an earlier row";
    const Duration in_bucket = (start % width + zone.offset_at(start) % width) % width;
    if (start != kTimeMin && in_bucket != 0 && zone.period_at(start).start != start) {
      fault = "begins neither at a multiple of its width nor at a change of the clocks";
    }
    if (next != kTimeMax && (next <= t || !is_start(next))) fault = "ends where no bucket begins";
    if (next > t && bucket_start(next - 1, width, zone) != start)
      fault = "ends after the start of the next";
    if (next_bucket_start(start, width, zone) != next)
      fault = "has another end if computed from its start";
    if (fault) {
      return "the " + format_duration(width) + " bucket of " + format_time(t) + " in " +
             zone.name() + ", " + format_time(start) + " to " + format_time(next) + ", " + fault;
    }
    earlier_start = start;
  }
  return "";
}

const std::vector<const char*> kZones = {"UTC",          "Europe/Berlin",    "Europe/London",
                                         "Asia/Kolkata", "Atlantic/Azores",  "America/New_York",
                                         "Pacific/Apia", "America/St_Johns", "Australia/Lord_Howe"};

}  // namespace

TEST_CASE("time: buckets have no gaps or overlaps in any zone", "[base]") {
  for (const char* name : kZones) {
    const TimeZone zone = TimeZone::load(name).value();
    std::vector<Timestamp> times = times_around_changes(zone, "2010-10-01", "2012-05-01");
    std::ranges::copy(times_around_changes(zone, "2026-01-01", "2027-05-01"),
                      std::back_inserter(times));
    for (const Duration width : {kMinute, 15 * kMinute, 30 * kMinute, 45 * kMinute, 90 * kMinute,
                                 kHour, 2 * kHour, 6 * kHour, 7 * kHour, kDay, kWeek, 52 * kWeek}) {
      CHECK(fault_of_buckets(times, width, zone) == "");
    }
  }
}

TEST_CASE("time: buckets end at the limits of time", "[base]") {
  CHECK(bucket_start(-9223372036854775800, kHour, TimeZone()) == kTimeMin);
  CHECK(bucket_start(kTimeMin, 7, TimeZone()) == kTimeMin);
  CHECK(next_bucket_start(kTimeMax, kHour, TimeZone()) == kTimeMax);
  CHECK(next_bucket_start(0, kTimeMax, TimeZone()) == kTimeMax);
  for (const char* name : kZones) {
    const TimeZone zone = TimeZone::load(name).value();
    std::vector<Timestamp> times;
    for (Duration d = 0; d < 3 * kDay; d += 29 * kMinute) {
      times.push_back(kTimeMin + d);
      times.push_back(kTimeMax - d);
    }
    std::ranges::sort(times);
    for (const Duration width : {Duration{1}, kHour, 7 * kHour, kDay, 1000 * kWeek}) {
      CHECK(fault_of_buckets(times, width, zone) == "");
    }
    CHECK(bucket_start(kTimeMax, kTimeMax, zone) <= kTimeMax);
    CHECK(bucket_start(kTimeMin, kTimeMax, zone) == kTimeMin);
    CHECK(zone.from_local(kTimeMin) <= zone.from_local(kTimeMax));
  }
}
