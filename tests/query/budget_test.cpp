// What a query computes is bounded: texts, memory and time.
#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/limits.h"
#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

/// `message` has 1,000 letters `a`, once with and once without a dictionary.
MemoryDatabase messages(size_t row_count) {
  MemoryDatabase database;
  for (const bool dictionary : {true, false}) {
    std::vector<Timestamp> times;
    std::vector<Value> texts, ids, ok;
    for (size_t row = 0; row < row_count; ++row) {
      times.push_back(static_cast<Timestamp>(row) * kSecond);
      texts.push_back(Value::of(std::string(1'000, 'a')));
      ids.push_back(Value::of(fmt::format("id-{}", row)));
    }
    database.add_segment("ev", times, {{"message", texts}, {"id", ids}},
                         {.dictionary = dictionary});
  }
  return database;
}

Result<ResultTable> run(const Database& database, const std::string& query,
                        QueryOptions options = {}) {
  if (options.now == 0) options.now = kDay;
  return QueryEngine(database).run(query, options);
}

std::string error_of(const Result<ResultTable>& result) {
  return result ? "no error" : result.error().message;
}

/// Definitions of a0 to aN, each twice as long as the one before.
std::string doubled(int times) {
  std::string let = "let a0 = message";
  for (int i = 1; i <= times; ++i) let += fmt::format(", a{0} = concat(a{1}, a{1})", i, i - 1);
  return let;
}

}  // namespace

TEST_CASE("budget: a computed text beyond 1 MiB is null, with a warning", "[query]") {
  const MemoryDatabase database = messages(1);
  const auto check = [&](const std::string& expression, int64_t expected) {
    INFO(expression);
    const auto result = run(
        database, "from ev | " + doubled(10) + ", t = " + expression + ", l = length(t) | keep l");
    REQUIRE(result);
    REQUIRE(result->row_count == 2);
    for (size_t row = 0; row < 2; ++row) {
      const Value length = result->columns[0].at(row);
      CHECK(length == (expected == 0 ? Value::null() : Value::of(expected)));
    }
    CHECK(result->warnings.size() == (expected == 0 ? 1 : 0));
  };
  const std::string exact = "concat(a10, substring(a10, 0, 24576))";
  check(exact, kStringBytesMax);
  check("concat(" + exact + ", \"a\")", 0);
  check("replace(a9, \"a\", \"aa\")", 1'024'000);
  check("replace(a9, \"a\", \"aaa\")", 0);
  check("replace(" + exact + ", \"b\", \"c\")", kStringBytesMax);
  check("template(replace(a9, \"aa\", \"1 \"))", 1'024'000);
  check("template(replace(a10, \"aa\", \"1 \"))", 0);
  const auto bomb = run(database, "from ev | " + doubled(40) + " | let l = length(a40) | keep l");
  REQUIRE(bomb);
  CHECK(bomb->columns[0].at(0).is_null());
  REQUIRE(bomb->warnings.size() == 1);
  CHECK(bomb->warnings[0].find("longer than 1 MiB") != std::string::npos);
}

TEST_CASE("budget: constants are bounded when the query is checked", "[query]") {
  const MemoryDatabase database = messages(1);
  std::string text = "\"aaaaaaaaaa\"";
  for (int i = 0; i < 5; ++i) text = "replace(" + text + ", \"a\", \"aaaaaaaaaa\")";
  CHECK(error_of(run(database, "from ev | let l = length(" + text + ")")).find("no error") == 0);
  CHECK(error_of(run(database, "from ev | let l = concat(" + text + ", " + text + ")"))
            .find("this text is longer than 1 MiB") != std::string::npos);
  std::string list = text;
  for (int i = 0; i < 8; ++i) list += ", " + text;
  CHECK(error_of(run(database, "from ev | where message in (" + list + ")"))
            .find("have more than 4 MiB together") != std::string::npos);
}

TEST_CASE("budget: the number of patterns is bounded", "[query]") {
  const MemoryDatabase database = messages(1);
  std::string condition = "message =~ \"^0\"";
  for (int i = 1; i < 100; ++i) condition += fmt::format(" or message =~ \"^{}\"", i);
  CHECK(run(database, "from ev | where " + condition));
  CHECK(error_of(run(database, "from ev | where " + condition + " or message =~ \"x$\""))
            .find("at most 100 patterns") != std::string::npos);
}

TEST_CASE("budget: every buffer that a query fills counts towards its memory", "[query]") {
  const MemoryDatabase database = messages(2'000);
  QueryOptions options;
  options.threads = 2;
  options.memory_bytes_max = 16 * kMiB;
  const auto refused = [&](const std::string& stages) {
    INFO(stages);
    const auto result = run(database, "from ev | " + stages, options);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::kLimit);
  };
  refused(doubled(4) + " | stats n = sum(length(a4))");  // texts of a vector
  refused(
      "let t = concat(message, message, message, message, message, id) | keep t");  // of a table
  refused(
      "let t = concat(message, message, message, message, message) | keep t");  // of a dictionary
  refused(
      "let t = concat(message, message, message, message, message, id) | stats n = count() by t");
  refused("let t = concat(message, message, message, message, message, id) | distinct t");
  refused("let t = concat(message, message, message, message, message, id) | sort t | keep time");
  refused("stats n = count() by id, time(1s) | fill");
  CHECK(run(database, "from ev | stats n = sum(length(message))", options));
}

TEST_CASE("budget: fill is refused before it makes rows", "[query]") {
  const MemoryDatabase database = messages(3'000);
  const auto refused = [&](const std::string& query) {
    INFO(query);
    const auto begun = std::chrono::steady_clock::now();
    CHECK(error_of(run(database, query)).find("`fill` would make more than") == 0);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  };
  const std::string range = "from ev between 1970-01-01 and 1970-01-02 | stats n = count() by ";
  refused(range + "time(1ns) | fill");
  refused(range + "id, time(1s) | fill");
  refused("from ev | stats n = count() by id, time(1s) | fill");
  QueryOptions little;
  little.memory_bytes_max = 4 * kMiB;
  CHECK(error_of(run(database, range + "time(100ms) | fill", little)).find("MiB of memory") !=
        std::string::npos);
}

TEST_CASE("budget: sample cuts long values instead of growing without bound", "[query]") {
  const MemoryDatabase database = messages(1);
  const auto result = run(
      database, "from ev | " + doubled(10) + " | stats s = sample(a10, 4), t = sample(message, 4)");
  REQUIRE(result);
  const std::string& samples = result->columns[0].text[0];
  CHECK(samples.size() <= kStringBytesMax);
  CHECK(samples.size() > kStringBytesMax / 3);
  CHECK(samples.ends_with("a…\"]"));
  CHECK(result->columns[1].text[0].size() == 2 * 1'003 + 1);
}
