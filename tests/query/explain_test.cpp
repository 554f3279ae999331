// The report of `explain` about a run.
#include "query/explain.h"

#include <catch2/catch.hpp>

#include "query/parser/explain_word.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

MemoryDatabase audit_database() {
  MemoryDatabase database;
  database.add_segment("audit", {1 * kSecond, 2 * kSecond, 3 * kSecond},
                       {{"service", {Value::of("pay"), Value::of("web"), Value::of("pay")}},
                        {"ms", {Value::of(1.0), Value::of(2.0), Value::of(3.0)}}});
  database.add_segment("audit", {10 * kSecond},
                       {{"service", {Value::of("mail")}}, {"ms", {Value::of(9.0)}}});
  return database;
}

Value cell(const ResultTable& table, size_t row, std::string_view column) {
  return table.columns.at(table.find(column)).at(row);
}

}  // namespace

TEST_CASE("explain: reports rows and segments per stage", "[query]") {
  const MemoryDatabase database = audit_database();
  const QueryEngine engine(database);
  const auto table = engine.run(
      " explain from audit | where service == \"pay\" | stats n = count(), m = max(ms) by service "
      "| let twice = n * 2 | sort -n | limit 5",
      {});
  REQUIRE(table);
  REQUIRE(table->row_count == 6);
  CHECK(cell(*table, 0, "stage") == Value::of("from audit -> service string, ms f64"));
  CHECK(cell(*table, 1, "stage") == Value::of("where service == \"pay\""));
  CHECK(cell(*table, 0, "rows") == Value::of(int64_t{3}));
  CHECK(cell(*table, 0, "segments") == Value::of(int64_t{1}));
  CHECK(cell(*table, 0, "skipped") == Value::of(int64_t{1}));
  CHECK(cell(*table, 1, "rows") == Value::of(int64_t{2}));
  CHECK(cell(*table, 1, "time").is_null());
  CHECK(cell(*table, 2, "rows") == Value::of(int64_t{1}));
  CHECK_FALSE(cell(*table, 2, "time").is_null());
  CHECK(cell(*table, 5, "stage") == Value::of("limit 5"));
  CHECK(cell(*table, 5, "rows") == Value::of(int64_t{1}));
}

TEST_CASE("explain: reports segments answered from metadata, and bytes read", "[query]") {
  const MemoryDatabase database = audit_database();
  const QueryEngine engine(database);
  const auto counted = engine.run("explain from audit | stats n = count() by service", {});
  REQUIRE(counted);
  CHECK(cell(*counted, 0, "answered") == Value::of(int64_t{2}));
  CHECK(cell(*counted, 0, "segments") == Value::of(int64_t{0}));
  CHECK(cell(*counted, 0, "bytes") == Value::of(int64_t{0}));
  const auto read = engine.run("explain from audit | stats m = max(ms)", {});
  REQUIRE(read);
  CHECK(cell(*read, 0, "segments") == Value::of(int64_t{2}));
  CHECK(cell(*read, 0, "bytes") == Value::of(int64_t{4 * 8}));
}

TEST_CASE("explain: shows the time for ordering groups", "[query]") {
  const MemoryDatabase database = audit_database();
  const QueryEngine engine(database);
  const auto ordered = engine.run("explain from audit | stats n = count() by service", {});
  REQUIRE(ordered);
  REQUIRE(ordered->row_count == 3);
  CHECK(cell(*ordered, 2, "stage") == Value::of("(order by the keys of `stats`)"));
  CHECK(cell(*ordered, 2, "rows") == Value::of(int64_t{3}));
  CHECK_FALSE(cell(*ordered, 2, "time").is_null());
  const auto sorted = engine.run("explain from audit | stats n = count() by service | sort n", {});
  REQUIRE(sorted);
  CHECK(sorted->row_count == 3);
}

TEST_CASE("explain: accepts a query without stages", "[query]") {
  const MemoryDatabase database = audit_database();
  const auto table = QueryEngine(database).run("explain from audit", {});
  REQUIRE(table);
  REQUIRE(table->row_count == 1);
  CHECK(cell(*table, 0, "rows") == Value::of(int64_t{4}));
  CHECK_FALSE(cell(*table, 0, "time").is_null());
}

TEST_CASE("explain: errors point into the original text", "[query]") {
  const MemoryDatabase database = audit_database();
  Diagnostic diagnostic;
  const auto table =
      QueryEngine(database).run("explain from audit | where sm > 1", {}, &diagnostic);
  REQUIRE_FALSE(table);
  CHECK(diagnostic.column == 28);
  CHECK_THAT(table.error().message, Catch::Contains("explain from audit | where sm > 1\n"));
  CHECK_FALSE(QueryEngine(database).run("# why\n\nexplain\nfrom no", {}, &diagnostic));
  CHECK(diagnostic.line == 4);
}

TEST_CASE("explain: is a keyword only at the start", "[query]") {
  CHECK(explain_prefix("explain from a") == 7);
  CHECK(explain_prefix("# why\n  explain from a") == 15);
  CHECK(explain_prefix("explained") == 0);
  CHECK(explain_prefix("from explain") == 0);
  CHECK(explain_prefix("") == 0);
}
