#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/parser/grammar.h"
#include "tests/support/seed.h"

using namespace tocsin;

namespace {

std::string printed(const std::string& text) {
  Diagnostic diagnostic;
  const auto query = parse_query(text, TimeZone(), diagnostic);
  return query ? ast::print_query(*query) : diagnostic.render(text);
}

std::string printed_expression(const std::string& text) {
  Diagnostic diagnostic;
  const auto expression = parse_expression(text, TimeZone(), diagnostic);
  return expression ? ast::print_expression(*expression) : diagnostic.render(text);
}

// Random expressions, as text with more parentheses than needed.
class Writer {
 public:
  explicit Writer(uint32_t seed) : random_(seed) {}

  std::string expression(int depth) {
    if (depth == 0) return leaf();
    switch (pick(6)) {
      case 0: return "(" + expression(depth - 1) + ")";
      case 1: return "not (" + expression(depth - 1) + ")";
      case 2: return "-(" + expression(depth - 1) + ")";
      case 3: return "if(" + expression(depth - 1) + ", " + expression(depth - 1) + ", 1)";
      case 4: return "(" + expression(depth - 1) + ") not in (" + leaf() + ", " + leaf() + ")";
      default: break;
    }
    static const std::vector<std::string> kOperators = {
        "or", "and",      "==", "!=", "<", "<=", ">",   ">=", "=~",
        "!~", "contains", "+",  "-",  "*", "/",  "div", "%"};
    const std::string& op = kOperators[pick(kOperators.size())];
    return "(" + expression(depth - 1) + ") " + op + " (" + expression(depth - 1) + ")";
  }

 private:
  size_t pick(size_t count) { return random_() % count; }

  std::string leaf() {
    static const std::vector<std::string> kLeaves = {"a",
                                                     "`b c`",
                                                     "`x``y`",
                                                     "`and`",
                                                     "$p",
                                                     "1",
                                                     "2.5",
                                                     "1e300",
                                                     "18446744073709551615",
                                                     "\"s\\n\\\"\\\\\"",
                                                     "r\"\\d+\"",
                                                     "5m",
                                                     "1h30m",
                                                     "2026-11-24",
                                                     "now",
                                                     "true",
                                                     "null",
                                                     "exists(div)",
                                                     "2026-11-24T10:04:05.123+01:00",
                                                     "\"\\u{1}\\u{20AC}\""};
    return kLeaves[pick(kLeaves.size())];
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("print: the final `;` of a query is not printed", "[query]") {
  CHECK(printed("from audit;") == "from audit");
  CHECK(printed("from audit last 1h | limit 5 ; # enough\n") == "from audit last 1h | limit 5");
  CHECK(printed("from audit | where user == \";\";") == "from audit | where user == \";\"");
}

TEST_CASE("print: a query is printed on one line, with only the necessary parentheses", "[query]") {
  CHECK(printed(
            "from audit,`b c`\n last 90m # comment\n| where ((a)) and (b or c) |let x=- (a+b)*2") ==
        "from audit, `b c` last 1h30m | where a and (b or c) | let x = -(a + b) * 2");
  CHECK(printed("from * between 2026-11-24 and now-1h|sort - a,`not`") ==
        "from * between 2026-11-24T00:00:00Z and now() - 1h | sort -a, `not`");
}

TEST_CASE("print: a printed query parses to the same query", "[query]") {
  const auto check = [](const std::string& text) {
    const std::string once = printed(text);
    INFO(text << "\n" << once);
    CHECK(once.starts_with("from "));
    CHECK(printed(once) == once);
  };
  for (const StageEntry& stage : all_stages()) check(stage.documentation.example);
  check("from a-b/c:d.e, last last $w | distinct | fill -1 | fill \"x\" | fill");
  check("from a between (2026-11-24 + 1h) - 5m and now() + $d");
  check("from a | stats count() where not (a in (1, -2)), `x y` = p99.9(b) by time($b), `by`, c");
  check("from a | baseline $d step 1d min $n excluding alerts of My-Rule | top $n by -a, b");
  check("from a | baseline 28d | unusual x of `y z` | unusual `unusual` | silence of");
  check("from a | baseline 14d | novel n");
  check("from a | baseline 14d | novel `by` by service, `a b`");
  check("from a | detect x sensitivity low | detect x season 1d sensitivity high by a");
  check("from a | changepoint x | forecast x horizon 1d | forecast x horizon 1d season 1h by a, b");
  check("from a | changepoint x by a, b");
  check("from a | detect x season 1d by a, b | keep a | drop `b``c` | limit 0");
  check("from a | diff against last 7d");
  check("from a | diff where x == 1 or y columns a, `b c`");
}

TEST_CASE("print: random expressions round-trip with their structure", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  Writer writer(seed);
  for (int i = 0; i < 300; ++i) {
    const std::string text = writer.expression(i % 5);
    INFO(text);
    const std::string once = printed_expression(text);
    CHECK(printed_expression(once) == once);
    // Printing removes only redundant parentheses, so the parenthesised text prints the same.
    CHECK(printed_expression("(" + text + ")") == once);
  }
}
