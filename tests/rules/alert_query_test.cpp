// From an alert to its events: the column `query`.
#include "rules/alert_query.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "tests/rules/rule_world.h"

using namespace tocsin;

namespace {

CompiledRule compiled_rule(const std::string& expr) {
  CompiledRule out;
  out.rule.expr.text = expr;
  out.parameters = {{"slow", Value::duration(90 * kSecond)}, {"name", Value::of("a \"b\"")}};
  return out;
}

std::string query_of(const std::string& expr, const GroupValues& group) {
  return alert_query(compiled_rule(expr), {kDay, kDay + 5 * kMinute}, group, TimeZone());
}

const std::string kOverFiveMinutes =
    "from audit between 1970-01-02T00:00:00Z and 1970-01-02T00:05:00Z";

}  // namespace

TEST_CASE("alert query: source, stages before the stats, group and condition", "[rules]") {
  CHECK(query_of("from audit last 5m | stats n = count() by service | where n > 3",
                 {{"service", Value::of("pay")}}) ==
        kOverFiveMinutes + " | where service == \"pay\"");
  CHECK(query_of("from audit last 5m | where a == 1 or b == 2 | let kind = template(message) "
                 "| stats n = count(), bad = count() where x or y by kind, host",
                 {{"kind", Value::of("t <*>")}, {"host", Value::null()}}) ==
        kOverFiveMinutes +
            " | where a == 1 or b == 2 | let kind = template(message) "
            "| where kind == \"t <*>\" and not exists(host) and (x or y)");
  CHECK(query_of("from audit last 5m | stats n = count()", {}) == kOverFiveMinutes);
}

TEST_CASE("alert query: parameters and now() have their values", "[rules]") {
  CHECK(query_of("from audit last 5m | where ms > $slow and user != $name and time < now() - 1m "
                 "| stats n = count() by code",
                 {{"code", Value::of(int64_t{7})}}) ==
        kOverFiveMinutes +
            " | where ms > 1m30s and user != \"a \\\"b\\\"\" "
            "and time < 1970-01-02T00:05:00Z - 1m | where code == 7");
}

TEST_CASE("alert query: keys of later stats do not count, long queries are left out", "[rules]") {
  CHECK(query_of("from audit last 5m | stats n = count() by service, host "
                 "| stats hosts = count() by service",
                 {{"service", Value::of("pay")}}) ==
        kOverFiveMinutes + " | where service == \"pay\"");
  CHECK(query_of("from audit last 5m | stats n = count() by service",
                 {{"service", Value::of(std::string(5'000, 'x'))}}) == "");
}

TEST_CASE("alert query: what it returns is what the alert is about", "[rules]") {
  RuleWorld world;
  world.events("pay", 0, 10, 30, "FAILED");
  world.events("pay", 0, 10, 7);
  world.events("web", 0, 10, 5, "FAILED");
  world.load(
      "groups:\n  - name: g\n    interval: 5m\n    rules:\n"
      "      - alert: Failures\n"
      "        expr: from audit last 5m | stats n = count() where status == \"FAILED\" by service"
      " | where n > 10\n");
  world.run(0, 20);
  std::map<std::string, std::string> queries;
  const auto rows = world.queries->run(
      "from alerts between 1970-01-01 and 2100-01-01 | keep state, query", QueryOptions());
  REQUIRE(rows);
  REQUIRE(rows->row_count == 2);
  const auto text = [&](size_t column, size_t row) {
    return std::get<std::string>(rows->columns[column].at(row).data);
  };
  CHECK(text(0, 0) == "firing");
  CHECK(text(0, 1) == "resolved");
  const auto count = [&](const std::string& query) {
    const auto found = world.queries->run(query, QueryOptions());
    REQUIRE(found);
    return found->row_count;
  };
  CHECK(count(text(1, 0)) == 15);  // of the first window
  CHECK(count(text(1, 1)) == 30);
}
