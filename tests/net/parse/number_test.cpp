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
  CHECK(parse_json_number("18446744073709551616") == JsonNumber(18446744073709551616.0));
  CHECK(parse_json_number("1.0") == JsonNumber(1.0));
  CHECK(parse_json_number("1e2") == JsonNumber(100.0));
  CHECK(parse_json_number("-0") == JsonNumber(-0.0));
  for (const char* bad : {"", "-", "01", "1.", ".5", "+1", "1e", "1e+", "1x", "1e999", "NaN"}) {
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
  for (const char* bad : {"", ".", "x", "1.x", "9223372036854775808", "1e300", "1.5e"}) {
    CAPTURE(bad);
    CHECK(!parse_numeric_time(bad));
  }
}

TEST_CASE("event time: texts are RFC 3339, in UTC unless they have a zone", "[net]") {
  constexpr Timestamp kTime = 1'700'000'000'500'000'000;
  CHECK(parse_text_time("2023-11-14T22:13:20.5Z") == kTime);
  CHECK(parse_text_time("2023-11-14T23:13:20.5+01:00") == kTime);
  CHECK(parse_text_time("2023-11-14T23:13:20.5+0100") == kTime);
  CHECK(parse_text_time("2023-11-14 22:13:20,5") == kTime);
  CHECK(parse_text_time("2023-11-14T22:13:20.5") == kTime);
  CHECK(parse_text_time("1700000000.5") == kTime);
  CHECK(parse_text_time("2023-11-14") == 1'699'920'000 * kSecond);
  for (const char* bad : {"", "yesterday", "2023-13-14", "14/Nov/2023:22:13:20 +0000"}) {
    CAPTURE(bad);
    CHECK(!parse_text_time(bad));
  }
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
