// Drawings are compared as text.
#include "tools/shell/plot.h"

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

ResultColumn column(const char* name, ValueType type, std::initializer_list<Value> values) {
  ResultColumn out;
  out.name = name;
  out.type = type;
  for (const Value& value : values) out.append(value);
  return out;
}

std::string drawn(std::vector<ResultColumn> columns, PlotSize size) {
  ResultTable table;
  table.row_count = columns.at(0).valid.size();
  table.columns = std::move(columns);
  const auto text = plot(table, size);
  return text ? *text : text.error().message;
}

}  // namespace

TEST_CASE("plot: a line over time", "[tools]") {
  const auto times = column("time", ValueType::kTime,
                            {Value::time(0), Value::time(kSecond), Value::time(2 * kSecond)});
  const auto rising = column("n", ValueType::kI64,
                             {Value::of(int64_t{0}), Value::of(int64_t{4}), Value::of(int64_t{8})});
  CHECK(drawn({times, rising}, {24, 2}) ==
        "n\n"
        "8 ┤          ⢀⣀⣀⣀⠤⠤⠤⠔⠒⠒⠊\n"
        "0 ┤⣀⣀⣀⠤⠤⠔⠒⠒⠉⠉⠁\n"
        "1970-01-01T00:00:00Z\n1970-01-01T00:00:02Z\n");
}

TEST_CASE("plot: a chart for each group", "[tools]") {
  const auto times = column("time", ValueType::kTime,
                            {Value::time(0), Value::time(0), Value::time(1), Value::time(1)});
  const auto names =
      column("service", ValueType::kString,
             {Value::of("pay"), Value::of("web"), Value::of("pay"), Value::of("web")});
  const auto values =
      column("n", ValueType::kF64, {Value::of(1.0), Value::of(2.0), Value::null(), Value::of(3.0)});
  const std::string text = drawn({times, names, values}, {60, 8});
  CHECK_THAT(text, Catch::StartsWith("pay\n3 ┤") && Catch::Contains("\nweb\n3 ┤"));
}

TEST_CASE("plot: a bar for each name", "[tools]") {
  const auto names =
      column("service", ValueType::kString, {Value::of("pay"), Value::of("web"), Value::null()});
  const auto counts =
      column("n", ValueType::kI64, {Value::of(int64_t{8}), Value::of(int64_t{3}), Value::null()});
  CHECK(drawn({names, counts}, {20, 10}) ==
        "    n\n"
        "pay 8 ██████████████\n"
        "web 3 █████▎\n"
        "-   -\n");
}

TEST_CASE("plot: bars of negative values are to the left of a line that marks zero", "[tools]") {
  const auto of = [](std::initializer_list<Value> values) {
    return drawn({column("n", ValueType::kI64, values)}, {20, 10});
  };
  const auto number = [](int64_t value) { return Value::of(value); };
  CHECK(of({number(4), number(-4), number(-3), Value::null()}) ==
        "  n\n"
        "   4        │███████\n"
        "  -4 ███████│\n"
        "  -3  ▐█████│\n"
        "   -        │\n");
  CHECK(of({number(-2), number(-1)}) ==
        "  n\n"
        "  -2 ██████████████│\n"
        "  -1        ███████│\n");
  CHECK(of({number(1000), number(-1)}) ==
        "  n\n"
        "  1000  │███████████\n"
        "    -1  │\n");
  CHECK(of({number(0), number(0)}) == "  n\n  0\n  0\n");
}

TEST_CASE("plot: labels with wide characters and combining marks are aligned", "[tools]") {
  const auto names =
      column("名前", ValueType::kString,
             {Value::of("支払い"), Value::of("cafe\xCC\x81"), Value::of("支払い支払い")});
  const auto counts = column("n", ValueType::kI64,
                             {Value::of(int64_t{4}), Value::of(int64_t{2}), Value::of(int64_t{1})});
  CHECK(drawn({names, counts}, {21, 10}) ==
        "        n\n"
        "支払い  4 ███████████\n"
        "cafe\xCC\x81    2 █████▌\n"
        "支払い… 1 ██▊\n");
}

TEST_CASE("plot: a line of negative values hangs from zero", "[tools]") {
  const auto times = column("time", ValueType::kTime, {Value::time(0), Value::time(kSecond)});
  const auto values =
      column("n", ValueType::kI64, {Value::of(int64_t{-8}), Value::of(int64_t{-4})});
  CHECK_THAT(drawn({times, values}, {24, 2}),
             Catch::StartsWith("n\n 0 ┤") && Catch::Contains("-8 ┤"));
}

TEST_CASE("plot: the error says what is missing", "[tools]") {
  CHECK_THAT(drawn({column("s", ValueType::kString, {Value::of("x")})}, {}),
             Catch::Contains("needs a column of numbers"));
  CHECK(drawn({column("n", ValueType::kI64, {})}, {}) == "nothing to draw: no rows");
}
