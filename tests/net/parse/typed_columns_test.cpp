// The text forms of typed files, and typed JSON lines.
#include "net/parse/typed_columns.h"

#include <bit>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "net/parse/typed_json.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

std::string text_of(double value) {
  std::string text;
  add_exact_f64(text, value);
  return text;
}

}  // namespace

TEST_CASE("typed columns: every float survives a round trip bit by bit", "[net]") {
  using Limits = std::numeric_limits<double>;
  const auto check = [](double value, const std::string& text) {
    CHECK(text_of(value) == text);
    const auto parsed = parse_exact_f64(text);
    REQUIRE(parsed);
    CHECK(std::bit_cast<uint64_t>(*parsed) == std::bit_cast<uint64_t>(value));
  };
  check(5, "5");
  check(-0.0, "-0");
  check(0.1, "0.1");
  check(Limits::denorm_min(), "5e-324");
  check(Limits::max(), "1.7976931348623157e+308");
  check(Limits::infinity(), "inf");
  check(-Limits::infinity(), "-inf");
  check(Limits::quiet_NaN(), "nan");
  check(-Limits::quiet_NaN(), "nan:fff8000000000000");
  check(std::bit_cast<double>(uint64_t{0x7FF0000000000001}), "nan:7ff0000000000001");
  for (const char* wrong :
       {"", "x", "nan:", "nan:7ff00000000000", "nan:3ff0000000000000", "+inf", "Inf"}) {
    CHECK_FALSE(parse_exact_f64(wrong));
  }
}

TEST_CASE("typed columns: names that are not plain text survive a round trip", "[net]") {
  const auto check = [](const std::string& bytes, const std::string& text) {
    CHECK(exact_name(bytes) == text);
    CHECK(parse_exact_name(text) == bytes);
  };
  check("", "");
  check("plain \xC3\xA9", "plain \xC3\xA9");
  check("\xff", "base64:/w==");
  check(std::string(1, '\0'), "base64:AA==");
  check("base64:", "base64:YmFzZTY0Og==");
  CHECK_FALSE(parse_exact_name("base64:A"));
}

TEST_CASE("typed columns: types are written as words", "[net]") {
  TypedColumn column;
  REQUIRE(parse_type_text("i64 time", column));
  CHECK((column.type == ColumnType::kI64 && column.kind == ColumnKind::kTime));
  CHECK(type_text({"x", ColumnType::kString, ColumnKind::kTag}) == "string tag");
  CHECK_FALSE(column.base64);
  REQUIRE(parse_type_text("string field base64", column));
  CHECK((column.type == ColumnType::kString && column.kind == ColumnKind::kField && column.base64));
  CHECK(type_text(column) == "string field base64");
  for (const char* wrong : {"", "i64", "f64 tag", "string time", "i64  field", "i64 field base64",
                            "string base64", "string field base64 base64", "base64"}) {
    CHECK_FALSE(parse_type_text(wrong, column));
  }
}

TEST_CASE("typed JSON: the first line declares the columns", "[net]") {
  const std::vector<TypedMeasurement> measurements = {
      {"m",
       {{"a.b", ColumnType::kF64, ColumnKind::kField},
        {"\xff", ColumnType::kString, ColumnKind::kTag}}},
      {"none", {}},
      {"n \"q\"", {{"a.b", ColumnType::kI64, ColumnKind::kTime}}}};
  const auto header = typed_json_header(measurements);
  REQUIRE(header);
  CHECK(*header ==
        "{\"tocsin_columns\":{\"m\":{\"a.b\":\"f64 field\",\"base64:/w==\":\"string "
        "tag\"},\"none\":{},"
        "\"n \\\"q\\\"\":{\"a.b\":\"i64 time\"}}}\n");
  const auto read = read_typed_json_header(*header);
  REQUIRE(read);
  REQUIRE(read->size() == 2);  // a measurement without columns is omitted
  CHECK(((*read)[0].name == "m" && (*read)[0].columns == measurements[0].columns));
  CHECK(((*read)[1].name == "n \"q\"" && (*read)[1].columns == measurements[2].columns));
  for (const char* wrong :
       {"{\"tocsin_columns\":1}", "{\"tocsin_columns\":{\"m\":1}}",
        "{\"tocsin_columns\":{\"m\":{\"a\":\"i64\"}}}", "{\"tocsin_columns\":"}) {
    CHECK_FALSE(read_typed_json_header(wrong));
  }
}

TEST_CASE("typed JSON: of duplicate keys the last one wins, with a warning", "[net]") {
  const std::vector<TypedMeasurement> measurements = {
      {"m", {{"x", ColumnType::kI64, ColumnKind::kField}}}};
  Batch batch;
  LineErrors errors;
  TypedJsonParser().parse(
      batch.keep("{\"measurement\":\"m\",\"time\":\"1970-01-01\",\"x\":1,\"x\":2}\n"), measurements,
      {}, batch, errors);
  CHECK(errors.empty());
  CHECK(batch_text(batch) == "m @0 x=2i");
  CHECK(errors.warnings()[LineWarning::kOddKey].first ==
        "the key `x` occurs twice: only its last value is stored");
}

TEST_CASE("typed JSON: a line with a value of another type than its column's is rejected",
          "[net]") {
  const std::vector<TypedMeasurement> measurements = {
      {"m",
       {{"x", ColumnType::kF64, ColumnKind::kField},
        {"s", ColumnType::kString, ColumnKind::kTag},
        {"n", ColumnType::kI64, ColumnKind::kField}}}};
  TypedJsonParser parser;
  Batch batch;
  LineErrors errors;
  parser.parse(
      batch.keep(
          "{\"measurement\":\"m\",\"time\":\"1970-01-01T00:00:00.000000007Z\",\"x\":-0,\"s\":\"\"}"
          "\n"
          "\n{\"measurement\":\"m\",\"time\":\"1970-01-01\",\"x\":\"inf\",\"s\":\"a\\u0001\"}\n"
          "{\"measurement\":\"other\",\"time\":\"1970-01-01\"}\n"
          "{\"measurement\":\"m\",\"time\":\"1970-01-01\",\"n\":1.5}\n"
          "{\"measurement\":\"m\",\"time\":\"1970-01-01\",\"n\":\"1\"}\n"
          "{\"measurement\":\"m\",\"time\":\"1970-01-01\",\"new\":1}\n"
          "{\"measurement\":\"m\",\"x\":1}\n"
          "{\"time\":\"1970-01-01\",\"x\":1}\n"
          "nonsense\n"),
      measurements, {}, batch, errors);
  CHECK(batch_text(batch) == "m @7 tag:s='' x=-0f\nm @0 tag:s='a\x01' x=inff\nother @0");
  std::vector<std::string> reasons;
  for (const LineError& error : errors) {
    reasons.push_back(std::to_string(error.line) + ": " + error.reason.substr(0, 40));
  }
  CHECK(reasons == std::vector<std::string>{
                       "5: 1.5 of `n` is not a valid i64", "6: 1 of `n` is not a valid i64",
                       "7: `new` of `m` is not a column in the firs",
                       "8: no time: the row has no text under the k",
                       "9: no measurement: the row has no key `meas", reasons.back()});
  CHECK(reasons.back().starts_with("10: invalid JSON"));
}

}  // namespace tocsin
