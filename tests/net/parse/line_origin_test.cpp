// What is recorded of a line is enough to parse it again in the same way.
#include "net/parse/line_origin.h"

#include <catch2/catch.hpp>

#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

std::string parsed_again(const LineOrigin& origin, const std::string& line) {
  Batch batch;
  const Status status = parse_line_again(origin, batch.copy(line), 77, batch);
  return status ? batch_text(batch) : "error: " + status.error().message;
}

TEST_CASE("line origin: line protocol keeps its precision", "[net]") {
  ParseOptions options;
  options.time_unit = kSecond;
  const LineOrigin seconds = origin_of(kOriginLineProtocol, options);
  CHECK(seconds.precision == "s");
  CHECK(parsed_again(seconds, "m n=1i 5") == "m @5000000000 n=1i");
  CHECK(parsed_again(seconds, "m n=1i") == "m @77 n=1i");
  options.time_unit = 0;
  CHECK(origin_of(kOriginAuto, options).precision == "auto");
  CHECK(parsed_again(origin_of(kOriginAuto, options), "m n=1i 1700000000") ==
        "m @1700000000000000000 n=1i");
  for (const int64_t unit : {int64_t{1}, kMicrosecond, kMillisecond, kMinute, kHour}) {
    options.time_unit = unit;
    CHECK(parsed_again(origin_of(kOriginLineProtocol, options), "m n=1i 2") ==
          "m @" + std::to_string(2 * unit) + " n=1i");
  }
}

TEST_CASE("line origin: JSON keeps its measurement, tags and time keys", "[net]") {
  ParseOptions options;
  options.measurement = "audit";
  options.tags = {"a", "b"};
  options.time = *read_time_options({{"when"}, "s", "Europe/Berlin"});
  const LineOrigin origin = origin_of(kOriginJson, options);
  CHECK(origin.tag_keys == "a,b");
  CHECK(origin.time_keys == "when");
  CHECK(origin.time_layout == "s");
  CHECK(origin.time_zone == "Europe/Berlin");
  CHECK(parsed_again(origin, R"({"when":1700000000,"a":"x","c":"y"})") ==
        "audit @1700000000000000000 c='y' tag:a='x'");
  CHECK(parsed_again(origin_of(kOriginAuto, options), R"({"c":1})") == "audit @77 c=1i");
}

TEST_CASE("line origin: CSV and typed JSON keep the lines that describe the columns", "[net]") {
  ParseOptions options;
  options.measurement = "m";
  LineOrigin csv = origin_of(kOriginCsv, options);
  csv.header = "n,text";
  CHECK(parsed_again(csv, "5,x") == "m @77 n=5i text='x'");
  csv.header = "#measurement,time,u64 field\nmeasurement,time,n";
  CHECK(parsed_again(csv, "a,1970-01-01T00:00:01Z,5") == "a @1000000000 n=5u");
  LineOrigin typed = origin_of(kOriginTypedJson, options);
  typed.header = R"({"tocsin_columns":{"a":{"n":"u64 field"}}})";
  CHECK(parsed_again(typed, R"({"measurement":"a","time":"1970-01-01T00:00:01Z","n":5})") ==
        "a @1000000000 n=5u");
}

TEST_CASE("line origin: CSV with other separators, and headers that look like data", "[net]") {
  ParseOptions options;
  options.measurement = "m";
  for (const char separator : {',', ';', '\t', '|'}) {
    CAPTURE(separator);
    LineOrigin csv = origin_of(csv_origin(separator), options);
    csv.header = std::string("n") + separator + "text";
    CHECK(parsed_again(csv, std::string("5") + separator + "x") == "m @77 n=5i text='x'");
  }
  LineOrigin years = origin_of(kOriginCsv, options);
  years.header = "2025,2026";
  CHECK(parsed_again(years, "1,2") == "m @77 2025=1i 2026=2i");
}

TEST_CASE("line origin: text", "[net]") {
  ParseOptions options;
  options.measurement = "m";
  const std::string line = "1970-01-01T00:00:01Z ERROR failed n=1i";
  const std::string row = "m @1000000000 message='failed n=1i' tag:level='ERROR'";
  CHECK(parsed_again(origin_of(kOriginText, options), line) == row);
  CHECK(parsed_again(origin_of(kOriginAutoText, options), line) == row);
  CHECK(parsed_again(origin_of(kOriginAutoText, options), R"({"c":1})") == "m @77 c=1i");
  CHECK(parsed_again(origin_of(kOriginText, options), "m n=1i 5") == "m @77 message='m n=1i 5'");
  CHECK(conflict_policy_of(origin_of(kOriginText, options), line) == ConflictPolicy::kKeepInRest);
}

TEST_CASE("line origin: without the lines that describe the columns, nothing is guessed", "[net]") {
  for (const std::string_view format : {kOriginCsv, kOriginTypedJson}) {
    CHECK(parsed_again(origin_of(format, {}), "5,x") ==
          "error: the first lines of its file were too long to be kept");
  }
}

TEST_CASE("line origin: a line that is still bad says why, and leaves no row", "[net]") {
  const LineOrigin lp = origin_of(kOriginLineProtocol, {});
  CHECK(parsed_again(lp, "m") == "error: missing fields at byte 2");
  CHECK(parsed_again(lp, "# comment") == "error: the line has no row");
  const std::string torn("m n=1i 1\0m n=", 13);
  CHECK(parsed_again(lp, torn).starts_with("error: missing field value"));
}

}  // namespace
}  // namespace tocsin
