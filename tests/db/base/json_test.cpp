#include "db/base/json.h"

#include <limits>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("json: strings escape the characters that RFC 8259 requires", "[base]") {
  CHECK(json_quote("a\"b\\c\n\x01") == R"("a\"b\\c\n\u0001")");
  CHECK(json_quote("\xFF") == "\"\xEF\xBF\xBD\"");
  CHECK(json_quote("") == "\"\"");
  CHECK(json_quote("abc\"\xC3\xA9\x7F\ttail") == "\"abc\\\"\xC3\xA9\\u007f\\ttail\"");
  CHECK(json_quote("\u202Ea\u009B\u061C\u2010") == "\"\\u202ea\\u009b\\u061c\u2010\"");
}

TEST_CASE("json: numbers that are not finite are null", "[base]") {
  CHECK(json_number(0.1) == "0.1");
  CHECK(json_number(-std::numeric_limits<double>::infinity()) == "null");
  CHECK(json_number(std::numeric_limits<double>::quiet_NaN()) == "null");
}

TEST_CASE("json: objects and arrays", "[base]") {
  CHECK(json_object({}) == "{}");
  CHECK(json_object({{"a", "1"}, {"b\"", "\n"}}) == R"({"a":"1","b\"":"\n"})");
  const std::vector<std::string> items = {"1", "\""};
  CHECK(json_strings({}) == "[]");
  CHECK(json_strings(items) == R"(["1","\""])");
  CHECK(json_array(items) == "[1,\"]");
}
