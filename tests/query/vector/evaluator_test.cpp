#include "query/vector/evaluator.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

// Texts of their own in each row, of which one in ten is a warning; levels are missing in between.
MemoryDatabase logged_texts() {
  MemoryDatabase database;
  for (int segment = 0; segment < 3; ++segment) {
    std::vector<Timestamp> times;
    MemoryColumns columns = {{"level", {}}, {"message", {}}, {"user", {}}};
    for (int i = 0; i < 6'000; ++i) {
      times.push_back((segment * 6'000 + i) * kSecond);
      const bool warning = i % 10 == 3;
      columns[0].second.push_back(i % 7 == 0 ? Value::null()
                                             : Value::of(warning ? "WARN" : "INFO"));
      columns[1].second.push_back(i % 11 == 0 ? Value::null()
                                              : Value::of("took " + std::to_string(i) + " ms" +
                                                          (i % 3 == 0 ? " again" : "")));
      columns[2].second.push_back(Value::of("u" + std::to_string(i)));
    }
    database.add_segment("log", times, columns, {.dictionary = false});
  }
  return database;
}

std::string answer(const Database& database, const std::string& query) {
  const auto table = QueryEngine(database).run("from log | " + query, {});
  return table ? format_result(*table, ResultFormat::kCsv) : table.error().message;
}

}  // namespace

TEST_CASE("evaluator: a text that an `if` seldom chooses equals that of a filter", "[query]") {
  const MemoryDatabase database = logged_texts();
  const std::string filtered =
      answer(database,
             "where level == \"WARN\" | let p = template(message) | stats n = count() by p "
             "| where exists(p) | sort p");
  CHECK(filtered.find("took <*> ms again") != std::string::npos);
  for (const char* chosen :
       {"if(level == \"WARN\", template(message), null)",
        "if(level == \"WARN\", template(message), if(user == \"u1\", null, null))",
        "if(level != \"WARN\" or not exists(level), null, template(message))"}) {
    INFO(chosen);
    CHECK(answer(database, std::string("let p = ") + chosen +
                               " | stats n = count() by p | where exists(p) | sort p") == filtered);
  }
}

TEST_CASE("evaluator: several texts of several conditions do not mix", "[query]") {
  const MemoryDatabase database = logged_texts();
  const auto rows = [&](const std::string& let) {
    return answer(database, "let " + let + " | keep time, a, b, c, d");
  };
  const std::string plain = rows(
      "t = concat(message, \"!\"), w = level == \"WARN\", x = time < "
      "to_time(\"1970-01-01T00:20:00Z\") "
      "| let a = coalesce(t, \"none\"), b = t, c = t, d = concat(user, t) "
      "| let a = if(w, a, \"none\"), b = if(x, b, null), c = if(w and x, c, user), "
      "d = if(w, d, lower(user))");
  CHECK(rows("w = level == \"WARN\", x = time < to_time(\"1970-01-01T00:20:00Z\") "
             "| let a = if(w, coalesce(concat(message, \"!\"), \"none\"), \"none\"), "
             "b = if(x, concat(message, \"!\"), null), "
             "c = if(w and x, concat(message, \"!\"), user), "
             "d = if(w, concat(user, concat(message, \"!\")), lower(user))") == plain);
}

TEST_CASE("evaluator: many texts of an `if` need no more memory than a query may have", "[query]") {
  const MemoryDatabase database = logged_texts();
  std::string query = "let a0 = message";
  for (int i = 1; i <= 60; ++i) {
    query += ", a" + std::to_string(i) + " = if(level == \"WARN\", concat(message, \"" +
             std::to_string(i) + "\"), null)";
  }
  const std::string counted = answer(database, query + " | stats n = count(a1), m = count(a60)");
  CHECK(counted == answer(database,
                          "where level == \"WARN\" | stats n = count(message), "
                          "m = count(message)"));
}
