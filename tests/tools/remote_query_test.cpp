// Parsing the JSON of a server restores the same table.
#include "tools/client/remote_query.h"

#include <cmath>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

ResultTable table_of_all_types() {
  ResultTable table;
  const auto add = [&](const char* name, ValueType type, std::initializer_list<Value> values) {
    ResultColumn column;
    column.name = name;
    column.type = type;
    for (const Value& value : values) column.append(value);
    table.columns.push_back(std::move(column));
  };
  add("time", ValueType::kTime, {Value::time(1'764'000'000'123'456'789), Value::null()});
  add("i", ValueType::kI64, {Value::of(int64_t{INT64_MIN}), Value::null()});
  add("u", ValueType::kU64, {Value::of(uint64_t{UINT64_MAX}), Value::of(uint64_t{0})});
  add("f", ValueType::kF64, {Value::of(0.1), Value::of(-0.0)});
  add("b", ValueType::kBool, {Value::of(true), Value::null()});
  add("s", ValueType::kString, {Value::of("a \"quoted\"\n\xc3\xa4"), Value::of("")});
  add("d", ValueType::kDuration, {Value::duration(90 * kSecond), Value::null()});
  table.row_count = 2;
  table.rows_matched = 17;
  table.statistics.rows_scanned = 40;
  table.warnings = {"a \"warning\""};
  return table;
}

}  // namespace

TEST_CASE("remote query: a table survives the round trip through JSON, to the last bit",
          "[client]") {
  const ResultTable sent = table_of_all_types();
  FormatOptions options;
  options.times_as_ns = true;
  const auto got = parse_answer(format_result(sent, ResultFormat::kJson, options));
  REQUIRE(got);
  REQUIRE(got->columns.size() == sent.columns.size());
  REQUIRE(got->row_count == 2);
  CHECK(format_result(*got, ResultFormat::kJson, options) ==
        format_result(sent, ResultFormat::kJson, options));
  CHECK(std::signbit(std::get<double>(got->columns[3].at(1).data)));
  for (size_t c = 0; c < sent.columns.size(); ++c) {
    CHECK(got->columns[c].name == sent.columns[c].name);
    CHECK(got->columns[c].type == sent.columns[c].type);
    for (size_t row = 0; row < 2; ++row) {
      INFO(sent.columns[c].name << " row " << row);
      CHECK(got->columns[c].at(row) == sent.columns[c].at(row));
    }
  }
}

TEST_CASE("remote query: a response of another shape is an error that says so", "[client]") {
  const auto check = [](const char* json, const char* expected) {
    const auto result = parse_answer(json);
    REQUIRE(!result);
    CHECK(result.error().message.find(expected) != std::string::npos);
  };
  check("<html>", "not valid JSON");
  check("{}", "no columns");
  check(R"({"columns":[{"name":"a","type":"i128"}],"rows":[]})", "i128");
  check(R"({"columns":[{"name":"a","type":"i64"}],"rows":[[1,2]]})", "row 1");
  check(R"({"columns":[{"name":"a","type":"i64"}],"rows":[[]]})", "row 1");
  check(R"({"columns":[{"name":"a","type":"i64"}],"rows":[7]})", "row 1");
  check(R"({"columns":[{"name":"a","type":"i64"}],"rows":[[1],)", "not valid JSON");
  check(R"({"columns":[{"name":"a","type":"i64"}],"rows":[["x"]]})", "a is not of type i64");
  check(R"({"columns":[],"rows":[],"error":"the query ran out of time"})", "ran out of time");
}

TEST_CASE("remote query: the error names a server that cannot be reached", "[client]") {
  const auto result = query_server({"http://127.0.0.1:1", "from audit", "", "", {}});
  REQUIRE(!result);
  CHECK(result.error().message.find("http://127.0.0.1:1") != std::string::npos);
}

}  // namespace tocsin
