#include "db/base/time.h"

#include <random>

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

TEST_CASE("time: what is no time is refused with an example", "[base]") {
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
    // Years 0000 to 9999 are what RFC 3339 can write.
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
  CHECK(format_duration(90 * kMinute) == "1h30m");
  CHECK(format_duration(7 * kDay) == "1w");
  CHECK(format_duration(8 * kDay) == "8d");
  CHECK(format_duration(0) == "0s");
  CHECK(parse_duration("9223372036.8s").value() == 9223372036800 * kMillisecond);
  for (const char* text : {"", "5", "m", "5x", "5m3", "-5m", "99999999999w", "9223372036.9s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text));
  }
  size_t length = 0;
  CHECK(parse_duration_prefix("5m | stats", length).value() == 5 * kMinute);
  CHECK(length == 2);
}

TEST_CASE("time: zones know their offset, gaps and repeated hours", "[base]") {
  const auto zone = TimeZone::load("Europe/Berlin");
  REQUIRE(zone);
  CHECK(zone->offset_at(parse_time("2026-01-01T00:00:00Z").value()) == kHour);
  CHECK(zone->offset_at(parse_time("2026-07-01T00:00:00Z").value()) == 2 * kHour);
  CHECK(format_time_short(parse_time("2026-07-01", *zone).value()) == "2026-06-30T22:00:00Z");
  CHECK_FALSE(TimeZone::load("Mars/Olympus"));
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
