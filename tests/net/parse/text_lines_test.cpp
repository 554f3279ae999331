// Plain text logs: the time, the level and the message of a line.
#include "net/parse/text_lines.h"

#include <catch2/catch.hpp>

#include "net/parse/text_time.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

Timestamp at(const char* text) {
  const auto time = parse_time(text);
  REQUIRE(time);
  return *time;
}

const Timestamp kNow = 1'793'620'800 * kSecond;  // 2026-11-02T12:00:00Z

std::string time_in(std::string_view line) {
  const auto time = find_text_time(line, kNow);
  return time ? format_time_short(time->time) : "";
}

std::string text_rows(std::string text, std::optional<Timestamp> before = std::nullopt) {
  ParseOptions options;
  options.now = kNow;
  options.measurement = "m";
  Batch batch;
  LineErrors errors;
  parse_text_lines(batch.keep(std::move(text)), options, before, batch, errors);
  CHECK(errors.empty());
  return batch_text(batch);
}

}  // namespace

TEST_CASE("text time: the usual forms are found, with and without a zone", "[net]") {
  const std::string expected = "2026-11-02T08:15:04.25Z";
  for (const char* line :
       {"2026-11-02T08:15:04.250Z INFO x", "2026-11-02 08:15:04,250 INFO x",
        "2026-11-02T09:15:04.250+01:00 x", "2026-11-02 09:15:04.250 +0100 x",
        "2026/11/02 08:15:04.25 x", "[2026-11-02 08:15:04.250] x", "20261102T081504.250Z x",
        "20261102 08:15:04.250 x", "Mon Nov  2 08:15:04.250 2026 x",
        "[Mon Nov 02 08:15:04.250 2026] [error] x", "02-Nov-2026 08:15:04.250 INFO x",
        "I1102 08:15:04.250000 12 x.cc:3] x", "1793607304.250 x", "1793607304250 x",
        "ts=2026-11-02T08:15:04.25Z level=info", "level=info ts=1793607304.25 x=1",
        "msg=\"a b c d\" time=\"2026-11-02T08:15:04.25Z\"", "INFO 2026-11-02 08:15:04,250 x",
        "<34>1 2026-11-02T08:15:04.25Z host x"}) {
    CAPTURE(line);
    CHECK(time_in(line) == expected);
  }
  CHECK(time_in("192.0.2.7 - - [02/Nov/2026:09:15:04 +0100] \"GET /\"") == "2026-11-02T08:15:04Z");
  CHECK(time_in("Mon, 02 Nov 2026 08:15:04 GMT x") == "2026-11-02T08:15:04Z");
  CHECK(time_in("2026-11-02 08:15 x") == "2026-11-02T08:15:00Z");
}

TEST_CASE("text time: without a year it is the latest one that is not in the future", "[net]") {
  CHECK(time_in("Nov  2 08:15:04 web1 x") == "2026-11-02T08:15:04Z");
  CHECK(time_in("Nov  3 08:15:04 web1 x") == "2026-11-03T08:15:04Z");
  CHECK(time_in("<34>Dec 31 23:59:59 web1 x") == "2025-12-31T23:59:59Z");
  CHECK(time_in("Feb 29 08:15:04 web1 x") == "2024-02-29T08:15:04Z");
}

TEST_CASE("text time: other numbers, and times within the text, are not the line's time", "[net]") {
  for (const char* line :
       {"", "no time here", "  at 2026-11-02 08:15:04 x", "\t2026-11-02 08:15:04", "12345 rows",
        "10.0.0.1 GET", "2026-13-02 08:15:04 x", "2026-11-02 28:15:04 x", "2026-11-02x08:15:04",
        "the user of the shop logged in at 2026-11-02 08:15:04", "v2026-11-02 08:15:04",
        "1793607304-1 x", "12:30 lunch", "Nov 31 08:15:04 x"}) {
    CAPTURE(line);
    CHECK(time_in(line).empty());
  }
}

TEST_CASE("text lines: time and level leave the message if they lead it", "[net]") {
  const std::string time = "m @" + std::to_string(at("2026-11-02T08:15:04Z"));
  const auto check = [&](const std::string& line, const std::string& columns) {
    CAPTURE(line);
    CHECK(text_rows(line) == time + " " + columns);
  };
  check("2026-11-02T08:15:04Z ERROR [worker-3] pay: declined",
        "message='[worker-3] pay: declined' tag:level='ERROR'");
  check("2026-11-02 08:15:04 - info - started\r\n", "message='started' tag:level='info'");
  check("[2026-11-02 08:15:04] [warn]: slow", "message='slow' tag:level='warn'");
  check("2026-11-02 08:15:04 [main] INFO x", "message='[main] INFO x' tag:level='INFO'");
  check("INFO: 2026-11-02 08:15:04 x", "message='INFO: 2026-11-02 08:15:04 x' tag:level='INFO'");
  check("2026-11-02 08:15:04 found an error in x", "message='found an error in x'");
  check("I1102 08:15:04.000000 x.cc:3] x", "message='x.cc:3] x' tag:level='INFO'");
  check("ts=2026-11-02T08:15:04Z level=info msg=x",
        "message='ts=2026-11-02T08:15:04Z level=info msg=x' tag:level='info'");
}

TEST_CASE("text lines: colours hide neither time nor level, and are not stored", "[net]") {
  const Timestamp t = at("2026-11-02T08:15:04Z");
  const std::string at_t = "m @" + std::to_string(t);
  const std::string row = at_t + " message='up' tag:level='INFO'";
  for (const char* line :
       {"\x1b[2m2026-11-02T08:15:04Z\x1b[0m \x1b[32m INFO\x1b[0m up",
        "\x1b[1;38;5;208m2026-11-02T08:15:04Z INFO\x1b[m \x1b[Kup\x1b[0m",
        "2026-11-\x1b[0m02T08:15:04Z [\x1b[32mINFO\x1b[39m] u\x1b[4mp\x1b[24m\r\n"}) {
    CAPTURE(line);
    CHECK(text_rows(line) == row);
  }
  CHECK(text_rows("\x1b[31m2026-11-02T08:15:04Z INFO up\n  at A\x1b[0m\n\x1b[0m\n") ==
        row + "\n" + at_t + " message='  at A'");
  CHECK(last_text_time("\x1b[31m2026-11-02T08:15:04Z failed\x1b[0m\n  at A\n", kNow) == t);
  // These are not control sequences.
  for (const char* rest : {"\x1b", "\x1b[", "\x1b[31", "\x1bM", "\x1b[3\x01m"}) {
    CAPTURE(rest);
    CHECK(text_rows("2026-11-02T08:15:04Z x" + std::string(rest)) ==
          at_t + " message='x" + rest + "'");
  }
}

TEST_CASE("text lines: a line without a time has the time of the line before it", "[net]") {
  const Timestamp t = at("2026-11-02T08:15:04Z");
  const std::string at_t = "m @" + std::to_string(t);
  CHECK(text_rows("2026-11-02T08:15:04Z failed\n  at A.b(A.java:1)\n\n  at C\n") ==
        at_t + " message='failed'\n" + at_t + " message='  at A.b(A.java:1)'\n" + at_t +
            " message='  at C'");
  CHECK(text_rows("  at A", t) == at_t + " message='  at A'");
  CHECK(text_rows("  at A") == "m @" + std::to_string(kNow) + " message='  at A'");
  CHECK(last_text_time("2026-11-02T08:15:04Z failed\n  at A\n", kNow) == t);
  CHECK(!last_text_time("failed\n  at A\n", kNow));
  CHECK(last_text_time("{\"time\":\"2026-11-02T08:15:04Z\"}\n", kNow) == t);
  CHECK(!last_text_time("{\"time\":\"2026-11-02T08:15:04Z\"}\n", kNow, true));
}

TEST_CASE("text lines: lines before the first time are counted", "[net]") {
  const auto untimed = [](const std::string& text, std::optional<Timestamp> before) {
    ParseOptions options;
    options.measurement = "m";
    Batch batch;
    LineErrors errors;
    parse_text_lines(text, options, before, batch, errors);
    return errors.warnings()[LineWarning::kTextWithoutTime].count;
  };
  CHECK(untimed("a\n\nb\n2026-11-02T08:15:04Z c\nd\n", std::nullopt) == 2);
  CHECK(untimed("a\nb\n", 5) == 0);
  CHECK(warning_text(LineWarning::kTextWithoutTime, {2, ""}) ==
        "2 lines of text before the first time are stored with their time of arrival");
}

TEST_CASE("text lines: quotes do not join lines, and too long lines are rejected", "[net]") {
  CHECK(text_rows("2026-11-02T08:15:04Z a=\"b\n2026-11-02T08:15:04Z c\"\n").find('\n') !=
        std::string::npos);
  ParseOptions options;
  Batch batch;
  LineErrors errors;
  parse_text_lines("x\n", options, std::nullopt, batch, errors);
  options.measurement = "m";
  const std::string long_line(2'000'000, 'x');
  parse_text_lines(long_line, options, std::nullopt, batch, errors);
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].reason.find("no measurement") == 0);
  CHECK(errors[1].reason.find("text of 2000000 bytes") == 0);
  CHECK(batch.empty());
}

}  // namespace tocsin
