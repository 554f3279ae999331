// The shell without a terminal: assembling queries from lines, and the commands.
#include <sstream>

#include <catch2/catch.hpp>

#include "query/query.h"
#include "tests/support/memory_database.h"
#include "tools/shell/input.h"
#include "tools/shell/session.h"

using namespace tocsin;

namespace {

/// Runs queries on a database in memory.
class MemorySource final : public QuerySource {
 public:
  MemorySource() : engine_(database_) {
    database_.add_segment(
        "audit", {1 * kSecond, 2 * kSecond, 3 * kSecond},
        {{"service", {Value::of("pay"), Value::of("web"), Value::of("pay")}},
         {"ms", {Value::of(int64_t{1}), Value::of(int64_t{2}), Value::of(int64_t{3})}}});
  }

  Result<ResultTable> ask(const Question& question) override {
    asked.push_back(question);
    QueryOptions options;
    options.rows_max = question.rows_max;
    if (!question.now.empty()) options.now = *parse_time(question.now);
    for (const auto& [name, value] : question.parameters) {
      options.parameters[name] = Value::of(static_cast<int64_t>(std::stol(value)));
    }
    return engine_.run(question.text, options);
  }
  Result<Completion> complete(std::string_view text, size_t cursor) override {
    return tocsin::complete(text, cursor, database_, {});
  }

  std::vector<Question> asked;

 private:
  MemoryDatabase database_;
  QueryEngine engine_;
};

struct Shell {
  MemorySource source;
  std::ostringstream out, errors;
  ShellSession session;

  explicit Shell(SessionOptions options = {}) : session(source, std::move(options), out, errors) {}

  /// The output of a query or command, including errors.
  std::string operator()(const std::string& text) {
    out.str("");
    errors.str("");
    session.run(text);
    return out.str() + errors.str();
  }
};

}  // namespace

TEST_CASE("shell: a query is incomplete while something must follow", "[tools]") {
  CHECK(is_incomplete("from audit |"));
  CHECK(is_incomplete("from audit, "));
  CHECK(is_incomplete("from a | where x in (1, 2"));
  CHECK(is_incomplete("from a | where x =="));
  CHECK(is_incomplete("from a | where x and # why"));
  CHECK(is_incomplete("from a | stats count() by"));
  CHECK_FALSE(is_incomplete("from audit"));
  CHECK_FALSE(is_incomplete("from *"));
  CHECK_FALSE(is_incomplete("from a | where f(x)"));
  CHECK_FALSE(is_incomplete("from a | where x == \"(\""));
  CHECK_FALSE(is_incomplete("from a | where x == \"open ("));
  CHECK_FALSE(is_incomplete("from a # (|"));
  // Invalid, and reported immediately.
  CHECK_FALSE(is_incomplete("from a | where x == 'FAILED'"));
  CHECK_FALSE(is_incomplete("from a | where x == “FAILED”"));
  CHECK_FALSE(is_incomplete("from a{x=\"y\"}"));
}

TEST_CASE("shell: lines are assembled into queries", "[tools]") {
  using S = QueryInput::State;
  QueryInput input;
  CHECK(input.add("") == S::kNothing);
  CHECK(input.add("from audit |") == S::kOpen);
  CHECK(input.add("  limit 5") == S::kReady);
  CHECK(input.extract() == "from audit |\n  limit 5");
  CHECK(input.state() == S::kNothing);
  CHECK(input.add("from audit ;") == S::kEnded);
  CHECK(input.extract() == "from audit ");
  CHECK(input.add("from audit |") == S::kOpen);
  CHECK(input.add("") == S::kEnded);
  input.extract();
  CHECK(input.add(".help") == S::kEnded);
  input.extract();
  CHECK(input.add("# a remark;") == S::kNothing);
  CHECK(input.add(";") == S::kNothing);
  CHECK(input.add("from audit") == S::kReady);
  CHECK(input.add("# only failures;") == S::kReady);
  CHECK(input.add("| limit 5 # enough") == S::kReady);
  CHECK(input.add("  ; # the end") == S::kEnded);
  CHECK(input.extract() == "from audit\n# only failures;\n| limit 5 # enough\n   # the end");
  CHECK(input.add("from audit | where service == \"a;") == S::kReady);
  input.extract();
  CHECK(input.add("# a remark") == S::kNothing);
  CHECK(input.add("") == S::kNothing);
  CHECK(input.text().empty());
  CHECK(continues("| limit 5"));
  CHECK(continues("   by service"));
  CHECK(continues("# only failures"));
  CHECK_FALSE(continues("from audit"));
  CHECK_FALSE(continues("   "));
}

TEST_CASE("shell: on a terminal a table has a thousand rows, a drawing has all", "[tools]") {
  SessionOptions options;
  options.interactive = true;
  Shell shell(options);
  shell("from audit");
  CHECK(shell.source.asked.back().rows_max == 1'000);
  shell(".plot from audit | stats n = count()");
  CHECK(shell.source.asked.back().rows_max == 0);
  shell(".format csv");
  shell("from audit");
  CHECK(shell.source.asked.back().rows_max == 0);
}

TEST_CASE("shell: help, quit and exit need no dot", "[tools]") {
  Shell shell;
  CHECK_THAT(shell("help"), Catch::StartsWith(".help"));
  CHECK_FALSE(shell.session.finished());
  shell("exit");
  CHECK(shell.session.finished());
  Shell other;
  other("quit");
  CHECK(other.session.finished());
}

TEST_CASE("shell: queries, and lines that extend the last one", "[tools]") {
  Shell shell;
  CHECK(shell("from audit | stats n = count() by service") ==
        "service  n\npay      2\nweb      1\n");
  CHECK(shell("| limit 1") == "service  n\npay      2\n");
  CHECK(shell("from audit | keep ms | sort -ms;") == "ms\n 3\n 2\n 1\n");
  CHECK_THAT(shell(".plot from audit | stats n = count();"), Catch::StartsWith("  n\n  3 █"));
  CHECK(shell("| keep n") == "n\n3\n");
  CHECK(shell("from audit | where sm > 1") ==
        "1:20: no column `sm` in `audit`\n"
        "   1 | from audit | where sm > 1\n"
        "                          ^^\n"
        "     = did you mean `ms`?\n");
  CHECK(shell("  ").empty());
}

TEST_CASE("shell: commands", "[tools]") {
  Shell shell;
  for (const char* word :
       {".tables", ".schema", ".timing", ".format", ".plot", ".now", ".param", ".quit"}) {
    CHECK_THAT(shell(".help"), Catch::Contains(word));
  }
  std::istringstream help(shell(".help"));
  for (std::string line; std::getline(help, line);) {
    INFO(line);
    CHECK(line.size() < 80);
  }
  CHECK(shell(".tables") ==
        "measurement  rows  first                 last\n"
        "audit           3  1970-01-01T00:00:01Z  1970-01-01T00:00:03Z\n");
  const std::string schema = "audit\n  time      time\n  string    service\n  i64       ms\n";
  CHECK(shell(".schema") == schema);
  CHECK(shell(".schema audit") == schema);
  CHECK(shell(".schema nosuch") == "no measurement `nosuch`; .tables lists them\n");
  CHECK(shell(".format csv").empty());
  CHECK(shell("from audit | limit 1 | keep ms") == "ms\r\n1\r\n");
  CHECK(shell(".format xml") ==
        "unknown result format `xml`; expected table, csv, json, ndjson or lp\n");
  CHECK(shell(".tabels") == "unknown command `.tabels`; did you mean `.tables`?\n");
  CHECK(shell(".param least=2").empty());
  CHECK(shell(".param") == "$least = 2\n");
  CHECK(shell("from audit | where ms > $least | keep ms") == "ms\r\n3\r\n");
  shell(".param least=");
  CHECK_THAT(shell("from audit | where ms > $least"), Catch::Contains("least"));
  CHECK(shell(".now 1970-01-01T00:00:04Z").empty());
  CHECK(shell("from audit last 2s | stats n = count()") == "n\r\n2\r\n");
  CHECK_THAT(shell(".now yesterday"), Catch::Contains(".now"));
  shell(".timing on");
  CHECK_THAT(shell("from audit | limit 1"), Catch::Contains("1 segment"));
  CHECK_FALSE(shell.session.finished());
  shell(".quit");
  CHECK(shell.session.finished());
}

TEST_CASE("shell: at a terminal, tables are fitted and long ones truncated", "[tools]") {
  SessionOptions options;
  options.interactive = true;
  options.terminal_size = [] { return std::pair<size_t, size_t>(12, 20); };
  Shell shell(options);
  CHECK_THAT(shell("from audit | limit 1 | let text = \"a long text indeed\" | keep text, ms"),
             Catch::StartsWith("text      ms\na long …   1\n1 row in "));
  CHECK_THAT(shell(".plot from audit | stats n = count() by service"),
             Catch::Contains("pay 2 █") && Catch::Contains("web 1 █"));
}

TEST_CASE("shell: completes queries and commands", "[tools]") {
  Shell shell;
  const auto texts = [&](const std::string& line) {
    std::string out;
    for (const Suggestion& each : shell.session.complete(line, line.size()).suggestions) {
      out += (out.empty() ? "" : " ") + each.text;
    }
    return out;
  };
  CHECK(texts("from au") == "audit");
  CHECK(texts(".t") == ".tables .timing");
  CHECK(texts(".format c") == "csv");
  CHECK(texts(".schema a") == "audit");
  CHECK(texts(".plot from a") == "audit");
  CHECK(texts("| sor") == "sort");
  shell("from audit | keep ms");
  CHECK(texts("| sort ") == "ms");
  const Completion found = shell.session.complete(".plot from a", 12);
  CHECK(found.start == 11);
  CHECK(found.end == 12);
}
