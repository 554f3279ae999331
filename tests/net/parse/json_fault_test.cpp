// The reasons for rejecting JSON, in the words of the people who wrote it.
#include "net/parse/json_fault.h"

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

void check_fault(const std::string& line, const std::string& start, const std::string& part = "") {
  CAPTURE(line);
  const std::string fault = json_fault(line);
  INFO(fault);
  CHECK(fault.starts_with(start));
  CHECK(fault.find(part) != std::string::npos);
}

TEST_CASE("json fault: escapes", "[net]") {
  check_fault(R"({"a":"x\x22y"})", R"(invalid escape `\x22` at byte 8: )", "escape=json");
  check_fault(R"({"a":"\d"})", R"(invalid escape `\d` at byte 7: )", R"(\\)");
  check_fault(R"({"a":"\u12"})", R"(invalid escape `\u12"}` at byte 7: )", "four hexadecimal");
  check_fault(R"({"C:\x":1})", R"(invalid escape `\x)");
  check_fault(R"({"a":"x\)", "the line ends inside an escape at byte 8");
  CHECK(json_fault(R"({"a":"\" \\ \/ \b \f \n \r \t \u00e9"})").empty());
}

TEST_CASE("json fault: numbers that JSON does not have", "[net]") {
  for (const char* word : {"Infinity", "-Infinity", "NaN", "nan", "+inf", "-inf"}) {
    check_fault(R"({"a":)" + std::string(word) + "}",
                "`" + std::string(word) + "` at byte 6: ", "no such number");
  }
  for (const char* word : {"007", "+5", ".5", "5.", "0x1F", "1_000", "-"}) {
    check_fault(R"({"a":[)" + std::string(word) + "]}", "invalid number `" + std::string(word));
  }
  CHECK(json_fault(R"({"a":[0,-1,2.5e-3,18446744073709551615]})").empty());
}

TEST_CASE("json fault: events that are spread over several lines", "[net]") {
  for (const char* line : {"{", "  }", "},", "[", "],", "  \"a\": 1,", "  \"a\": {", "  \"text\",",
                           "  \"a\": \"x=1, y\""}) {
    check_fault(line, "a part of a pretty-printed JSON object", "jq -c");
    CHECK(is_part_of_pretty_json(line));
  }
  check_fault(R"({"a": 1,)", "the line ends inside the object that begins at byte 1", "several");
  check_fault(R"({"a":)", "the line ends before a value", "several");
  check_fault(R"({"a":[1)", "the line ends inside the array that begins at byte 6");
  check_fault(R"({"a":"x)", "the line ends inside the string that begins at byte 6", "\\n");
  CHECK_FALSE(is_part_of_pretty_json("audit n=1"));
  CHECK_FALSE(is_part_of_pretty_json(R"({"a":1})"));
}

TEST_CASE("json fault: other languages and habits", "[net]") {
  check_fault("{'a': 1}", "a key in single quotes at byte 2", "double quotes");
  check_fault(R"({"a": 'x'})", "a string in single quotes at byte 7", "double quotes");
  check_fault("{a: 1}", "a key without quotes at byte 2");
  check_fault(R"({"a": True})", "`True` at byte 7", "Python");
  check_fault(R"({"a": None})", "`None` at byte 7", "Python");
  check_fault(R"({"a": undefined})", "text without quotes: `undefined`");
  check_fault(R"({"a": 1,})", "a comma before `}` at byte 9");
  check_fault(R"({"a": [1,]})", "a comma before `]` at byte 10");
  check_fault(R"({"a": [1,,2]})", "a value is missing at byte 10");
  check_fault(R"({"a": 1 /* x */})", "expected `,` or `}` at byte 9");
  check_fault(R"({"a": // x)", "a comment at byte 7");
  check_fault(R"({"a" 1})", "expected `:` after the key at byte 6");
  check_fault("{\"a\":\"x\ty\"}", "a raw control character (0x09) in a string at byte 8", "\\t");
  check_fault(std::string("{\"a\":\"x\0\"}", 10), "a NUL byte in a string at byte 8", "UTF-16");
}

TEST_CASE("json fault: more or less than one object", "[net]") {
  check_fault(R"({"a":1},)", "a comma after the object at byte 8");
  check_fault(R"({"a":1} {"b":2})", "a second object at byte 9");
  check_fault(R"({"a":1}})", "text after the object: `}` at byte 8");
  check_fault(R"([{"a":1}])", "expected an object");
  check_fault("level=info", "expected an object");
  CHECK(json_fault(R"( { "a" : { "b" : [ true , false , null ] } } )").empty());
}

}  // namespace
}  // namespace tocsin
