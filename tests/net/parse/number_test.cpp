// Parsing numbers and event times.
#include "net/parse/number.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "net/parse/event_time.h"

namespace tocsin {
namespace {

TEST_CASE("number: integers are exact up to their limits and rejected beyond", "[net]") {
  CHECK(parse_i64("0") == 0);
  CHECK(parse_i64("-0") == 0);
  CHECK(parse_i64("+7") == 7);
  CHECK(parse_i64("12345678") == 12345678);
  CHECK(parse_i64("1234567890123456789") == 1234567890123456789);
  CHECK(parse_i64("9223372036854775807") == INT64_MAX);
  CHECK(parse_i64("-9223372036854775808") == INT64_MIN);
  CHECK(parse_i64("000000000000000012") == 12);
  CHECK(parse_u64("18446744073709551615") == UINT64_MAX);
  for (const char* bad :
       {"", "-", "+", "x", "1x", "1 ", " 1", "1.0", "--1", "9223372036854775808",
        "-9223372036854775809", "12345678x", "1234567:", "123456789012345678901"}) {
    CAPTURE(bad);
    CHECK(!parse_i64(bad));
  }
  CHECK(!parse_u64("18446744073709551616"));
  CHECK(!parse_u64("-1"));
}

TEST_CASE("number: decimals round as strtod does", "[net]") {
  const auto check = [](const std::string& text) {
    CAPTURE(text);
    const auto value = parse_f64(text);
    REQUIRE(value);
    const double expected = std::strtod(text.c_str(), nullptr);
    CHECK(std::memcmp(&*value, &expected, sizeof expected) == 0);
  };
  for (const char* text : {"0",
                           "-0",
                           "1",
                           "-1.5",
                           ".5",
                           "1.",
                           "+2.25",
                           "0.1",
                           "0.3",
                           "123456.789",
                           "9007199254740993",
                           "9007199254740992",
                           "0.000000000000000001",
                           "1e23",
                           "1e-7",
                           "1E+9",
                           "123456789012345678",
                           "1234567890123456789012",
                           "1.7976931348623157e308",
                           "2.2250738585072014e-308",
                           "4.9e-324",
                           "1e-400",
                           "-1e-400",
                           "179769313486231580793728971405301e270"}) {
    check(text);
  }
  std::mt19937_64 random(20261125);
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) check(fmt::format("{}", value));
    check(fmt::format("{}.{}", random() % 100'000, random() % 1'000'000));
  }
  for (const char* bad :
       {"",       "-",     ".",    "-.",  "nan", "NaN", "inf", "-inf", "Infinity", "1e", "1e400",
        "-1e400", "1.2.3", "0x10", "1,5", "1_0", " 1",  "1 ",  "++1",  "+-1",      "-+1"}) {
    CAPTURE(bad);
    CHECK(!parse_f64(bad));
  }
}

TEST_CASE("number: JSON numbers get the first type that holds them exactly", "[net]") {
  CHECK(parse_json_number("1") == JsonNumber(int64_t{1}));
  CHECK(parse_json_number("-9223372036854775808") == JsonNumber(INT64_MIN));
  CHECK(parse_json_number("9223372036854775808") == JsonNumber(uint64_t{9223372036854775808U}));
  for (const char* huge : {"18446744073709551616", "-9223372036854775809", "1e999", "-2.5e400"}) {
    CAPTURE(huge);
    CHECK(parse_json_number(huge) == JsonNumber(HugeNumber{}));
  }
  CHECK(parse_json_number("1.0") == JsonNumber(1.0));
  CHECK(parse_json_number("1e2") == JsonNumber(100.0));
  CHECK(parse_json_number("-0") == JsonNumber(-0.0));
  for (const char* bad : {"", "-", "01", "1.", ".5", "+1", "1e", "1e+", "1x", "NaN"}) {
    CAPTURE(bad);
    CHECK(!parse_json_number(bad));
  }
}

TEST_CASE("event time: the unit is guessed from the size", "[net]") {
  constexpr Timestamp kTime = 1'700'000'000'000'000'000;
  CHECK(parse_numeric_time("1700000000") == kTime);
  CHECK(parse_numeric_time("1700000000000") == kTime);
  CHECK(parse_numeric_time("1700000000000000") == kTime);
  CHECK(parse_numeric_time("1700000000000000000") == kTime);
  CHECK(parse_numeric_time("-1") == -kSecond);
  CHECK(parse_numeric_time("4999999999") == 4999999999 * kSecond);
  CHECK(parse_numeric_time("5000000000") == 5000000000 * kMillisecond);
  CHECK(parse_numeric_time("5000000000000") == 5000000000000 * kMicrosecond);
  CHECK(parse_numeric_time("5000000000000000") == 5000000000000000);
}

TEST_CASE("event time: decimals are exact", "[net]") {
  CHECK(parse_numeric_time("1644834856.905985") == 1644834856905985000);
  CHECK(parse_numeric_time("1644834856.123456789") == 1644834856123456789);
  CHECK(parse_numeric_time("1644834856.1234567899") == 1644834856123456789);
  CHECK(parse_numeric_time("-1.5") == -1'500'000'000);
  CHECK(parse_numeric_time("1700000000000.25") == 1700000000000250000);
  CHECK(parse_numeric_time("1.7e9") == 1'700'000'000 * kSecond);
  CHECK(parse_numeric_time("1.644834856905985123E9") == 1644834856905985123);
  CHECK(parse_numeric_time("1644834856905.985123e-3") == 1644834856905985123);
  CHECK(parse_numeric_time("16448348.56905985123e+11") == 1644834856905985123);
  CHECK(parse_numeric_time("1644834856905985123e0") == 1644834856905985123);
  CHECK(parse_numeric_time("25e-1") == 2'500'000'000);
  CHECK(parse_numeric_time("1700000000", kMillisecond) == 1'700'000 * kSecond);
  CHECK(parse_numeric_time("0.25", kMillisecond) == 250'000);
  for (const char* bad : {"", ".", "x", "1.x", "9223372036854775808", "1e300", "1.5e"}) {
    CAPTURE(bad);
    CHECK(!parse_numeric_time(bad));
  }
}

TEST_CASE("event time: usual texts, in UTC unless they have a zone", "[net]") {
  constexpr Timestamp kTime = 1'700'000'000'500'000'000;
  constexpr Timestamp kWholeTime = 1'700'000'000'000'000'000;
  for (const char* text :
       {"14/Nov/2023:23:13:20 +0100", "[14/Nov/2023:22:13:20 +0000]", "2023/11/14 22:13:20",
        "2023-11-14 22:13:20 UTC", "2023-11-14 23:13:20 +0100", "2023-11-14 23:13:20+01",
        "Tue, 14 Nov 2023 22:13:20 GMT", "14 Nov 2023 22:13:20 +0000", "Tue Nov 14 22:13:20 2023",
        "Tue Nov 14 22:13:20 UTC 2023", "20231114T221320Z", "14.11.2023 22:13:20"}) {
    CAPTURE(text);
    CHECK(parse_text_time(text) == kWholeTime);
  }
  const TimeZone berlin = *TimeZone::load("Europe/Berlin");
  for (const char* text : {"2023-11-14 23:13:20,5", "2023-11-14T23:13:20.5",
                           "2023/11/14 23:13:20.5", "2023-11-14T22:13:20.5Z", "1700000000.5"}) {
    CAPTURE(text);
    CHECK(parse_text_time(text, berlin) == kTime);
  }
  CHECK(parse_text_time("2023-11-14", berlin) == 1'699'916'400 * kSecond);
  CHECK(parse_text_time("2023-11-14T22:13", TimeZone()) == 1'699'999'980 * kSecond);
  CHECK(parse_text_time("2023-11-14T22:13:20.5Z") == kTime);
  CHECK(parse_text_time("2023-11-14T23:13:20.5+01:00") == kTime);
  CHECK(parse_text_time("2023-11-14T23:13:20.5+0100") == kTime);
  CHECK(parse_text_time("2023-11-14 22:13:20,5") == kTime);
  CHECK(parse_text_time("2023-11-14T22:13:20.5") == kTime);
  CHECK(parse_text_time("1700000000.5") == kTime);
  CHECK(parse_text_time("2023-11-14") == 1'699'920'000 * kSecond);
  for (const char* bad : {"", "yesterday", "2023-13-14", "31/Nov/2023:22:13:20 +0000", "16:47",
                          "[]", "11/14/2023", "Nov 14 22:13:20"}) {
    CAPTURE(bad);
    CHECK(!parse_text_time(bad));
  }
}

TEST_CASE("event time: a layout reads what it says, and nothing else", "[net]") {
  const TimeZone berlin = *TimeZone::load("Europe/Berlin");
  const auto read = [&](const char* layout, std::string_view text) {
    const auto parsed = TimeLayout::parse(layout);
    REQUIRE(parsed);
    return parsed->read(text, berlin);
  };
  constexpr Timestamp kTime = 1'700'000'000'000'000'000;
  CHECK(read("s", "1700000000") == kTime);
  CHECK(read("ms", "1700000000") == kTime / 1'000);
  CHECK(read("us", "1700000000000000.5") == kTime + 500);
  CHECK(read("ns", "1700000000000000000") == kTime);
  CHECK(!read("s", "2023-11-14"));
  CHECK(read("auto", "2023-11-14T23:13:20") == kTime);
  CHECK(read("%d.%m.%Y %H:%M:%S", "14.11.2023 23:13:20") == kTime);
  CHECK(read("%m/%d/%Y %I:%M:%S %p", "11/14/2023 11:13:20 PM") == kTime);
  CHECK(read("%I:%M %p %d %b %y", "12:05 am 1 november 23") == 1'698'793'500 * kSecond);
  CHECK(read("%Y%m%d%H%M%S%z", "20231114221320Z") == kTime);
  CHECK(read("%Y-%j %T", "2023-318 23:13:20,25") == kTime + 250'000'000);
  CHECK(read("%F", "2023-11-14") == 1'699'916'400 * kSecond);
  CHECK(read("epoch=%s", "epoch=1700000000.25") == kTime + 250'000'000);
  CHECK(read("%a %d%%%b %Y", "Tue 14%Nov 2023") == 1'699'916'400 * kSecond);
  for (const char* bad :
       {"", "14.11.2023", "14.13.2023 23:13:20", "30.02.2023 23:13:20", "14.11.2023 24:13:20",
        "14.11.2023 23:13:20 more", "x14.11.2023 23:13:20"}) {
    CAPTURE(bad);
    CHECK(!read("%d.%m.%Y %H:%M:%S", bad));
  }
  const auto error = [](const char* layout) { return TimeLayout::parse(layout).error().message; };
  CHECK(
      error("iso").starts_with("unknown time layout `iso`; use auto, s, ms, us, ns, or a pattern"));
  CHECK(error("%Y-%m-%d %Q").starts_with("`%Q` of the time layout `%Y-%m-%d %Q` is not known"));
  CHECK(error("%Y-%").starts_with("`%` of the time layout"));
  CHECK(error("%H:%M:%S").starts_with("the time layout `%H:%M:%S` has no complete date"));
  CHECK(error("%F %I:%M").find("needs %I and %p together") != std::string::npos);
}

TEST_CASE("event time: scaling detects overflow", "[net]") {
  CHECK(scale_time(1, kSecond) == kSecond);
  CHECK(scale_time(-5, 1) == -5);
  CHECK(!scale_time(INT64_MAX, kSecond));
  CHECK(!scale_time(INT64_MIN, kMicrosecond));
  CHECK(scale_time(INT64_MIN, 0) == INT64_MIN);
}

}  // namespace
}  // namespace tocsin
