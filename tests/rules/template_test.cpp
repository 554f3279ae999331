#include "rules/template.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

RuleText text_of(const std::string& text) { return {text, {{10, 5}}}; }

std::string render(const std::string& text, const std::map<std::string, Value>& values) {
  std::vector<TemplateProblem> problems;
  const Template parsed = Template::parse(text_of(text), problems);
  REQUIRE(problems.empty());
  return parsed.render(
      [&](size_t part) { return values.at(parsed.parts()[part].expression.text); });
}

std::string problem_of(const std::string& text) {
  std::vector<TemplateProblem> problems;
  Template::parse(text_of(text), problems);
  if (problems.empty()) return "none";
  return std::to_string(problems[0].position.column) + ": " + problems[0].message;
}

}  // namespace

TEST_CASE("template: text and values alternate", "[rules]") {
  CHECK(render("", {}).empty());
  CHECK(render("plain { text }", {}) == "plain { text }");
  CHECK(render("{{ a }}", {{"a", Value::of("x")}}) == "x");
  CHECK(render("<{{a}}{{ b + 1 }}>", {{"a", Value::of(int64_t{1})}, {"b + 1", Value::of(2.5)}}) ==
        "<12.5>");
  CHECK(render("{{ null_value }}", {{"null_value", Value::null()}}) == "unknown");
}

TEST_CASE("template: bars and braces inside strings are part of the expression", "[rules]") {
  CHECK(render(R"({{ replace(a, "|}}\"", "x") }}!)",
               {{R"(replace(a, "|}}\"", "x"))", Value::of("y")}}) == "y!");
  CHECK(render(R"({{ replace(a, r"\", "|") | round }})",
               {{R"(replace(a, r"\", "|"))", Value::of("y")}}) == "y");
}

TEST_CASE("template: filters format values", "[rules]") {
  const auto check = [](const std::string& filter, const Value& value,
                        const std::string& expected) {
    CHECK(render("{{ x | " + filter + " }}", {{"x", value}}) == expected);
  };
  check("percent", Value::of(0.1234), "12.3 %");
  check("percent", Value::of(int64_t{1}), "100.0 %");
  check("percent", Value::of("text"), "text");
  check("percent", Value::null(), "unknown");
  check("round", Value::of(2.6), "3");
  check("round(2)", Value::of(2.005), "2.00");
  check("round(1)", Value::of(uint64_t{7}), "7.0");
  check("duration", Value::of(90.0), "1m30s");
  check("duration", Value::of(3725.2), "1h2m");
  check("duration(ms)", Value::of(31234.5), "31.2s");
  check("duration(ms)", Value::of(1534.5), "1.53s");
  check("duration(ms)", Value::of(12.3456), "12.35ms");
  check("duration(ms)", Value::of(59'999.0), "60s");
  check("duration(s)", Value::of(int64_t{0}), "0s");
  check("duration", Value::of(-90.0), "-1m30s");
  check("duration", Value::of(1e300), "unknown");
  check("duration", Value::duration(5 * kMinute), "5m");
  check("time", Value::time(0), "1970-01-01T00:00:00Z");
  check("round(1) | percent", Value::of(0.5), "0.5");
}

TEST_CASE("template: errors name their position", "[rules]") {
  CHECK(problem_of("ab {{ x") == "8: `{{` is not closed; expected `}}`");
  CHECK(problem_of("{{ }}") == "7: `{{ }}` is empty; expected an expression");
  CHECK(problem_of("{{ x | prcent }}") ==
        "11: unknown filter `prcent`; expected percent, round(decimals), duration, duration(ms), "
        "time");
  CHECK(problem_of("{{ x | round(-1) }}").find("unknown filter `round(-1)`") != std::string::npos);
  CHECK(problem_of("{{ x | round(99) }}").find("unknown filter") != std::string::npos);
  CHECK(problem_of("{{ x | duration(h) }}").find("unknown filter") != std::string::npos);
  CHECK(problem_of("{{ x | }}").find("unknown filter ``") != std::string::npos);
}

TEST_CASE("template: floats have six digits, large ones their whole integer part", "[rules]") {
  const auto check = [](const Value& value, const std::string& expected) {
    CHECK(render("{{ x }}", {{"x", value}}) == expected);
  };
  check(Value::of(0.1 + 0.2), "0.3");
  check(Value::of(2.0 / 3), "0.666667");
  check(Value::of(99'999.25), "99999.2");
  check(Value::of(99'999.99), "100000");
  check(Value::of(1'234'567.0), "1234567");
  check(Value::of(1'234'567.5), "1234567.5");
  check(Value::of(-1'234'567.04), "-1234567");
  check(Value::of(999'999'999'999'999.0), "999999999999999");
  check(Value::of(1e15), "1e+15");
  check(Value::of(1e300), "1e+300");
  check(Value::of(0.0), "0");
  check(Value::of(int64_t{1234567}), "1234567");
  check(Value::of(true), "true");
  check(Value::duration(90 * kSecond), "1m30s");
  check(Value::time(0), "1970-01-01T00:00:00Z");
}

TEST_CASE("template: different values have different texts in labels", "[rules]") {
  const auto check = [](const Value& value, const std::string& expected) {
    CHECK(display(value) == expected);
  };
  check(Value::of(12'345'678.0), "12345678");
  check(Value::of(12'345'679.0), "12345679");
  check(Value::of(0.1 + 0.2), "0.30000000000000004");
  check(Value::of(0.1), "0.1");
  check(Value::of(200.0), "200");
  check(Value::of(int64_t{12345678}), "12345678");
  check(Value::time(1), "1970-01-01T00:00:00.000000001Z");
}
