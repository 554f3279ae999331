// Advice about valid rules, what users of Prometheus write, and what rules return now.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rules/engine.h"
#include "rules/preview.h"
#include "tests/rules/rule_world.h"

using namespace tocsin;

namespace {

std::string rule_of(const std::string& expr, const std::string& keys = "") {
  return "groups:\n  - name: g\n    interval: 5m\n    rules:\n      - alert: A\n        expr: " +
         expr + "\n" + keys;
}

std::vector<std::string> advice_for(const std::string& expr, const std::string& keys = "") {
  const RuleLoadReport report = check_rules({{"a.yml", rule_of(expr, keys)}}, {});
  CHECK(report.errors == std::vector<std::string>{});
  return report.advice;
}

// The only piece of advice contains `part`.
bool advises(const std::vector<std::string>& advice, const std::string& part) {
  for (const std::string& text : advice) UNSCOPED_INFO(text);
  return advice.size() == 1 && advice[0].starts_with("a.yml:5: A: ") &&
         advice[0].find(part) != std::string::npos;
}

std::string error_of(const std::string& keys) {
  const RuleLoadReport report =
      check_rules({{"a.yml", rule_of("from a last 5m | stats n = count() by service", keys)}}, {});
  return report.errors.empty() ? "" : report.errors[0];
}

bool contains(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("lint: events between two windows are never seen", "[rules]") {
  CHECK(advises(advice_for("from a last 1m | stats n = count() by service | where n > 5"),
                "the other 4m of each are never seen"));
  CHECK(advice_for("from a last 5m | stats n = count() by service | where n > 5").empty());
  CHECK(advice_for("from a last 1h | stats n = count() by service | where n > 5").empty());
}

TEST_CASE("lint: a ratio or a high quantile needs a minimum of events", "[rules]") {
  const std::string stats =
      "from a last 5m | stats bad = count() where x > 1, n = count() by service ";
  CHECK(advises(advice_for(stats + "| where bad / n > 0.1"), "`bad / n` is a ratio"));
  CHECK(advises(advice_for(stats + "| let r = bad / n | where r > 0.1"), "`bad / n` is a ratio"));
  CHECK(advice_for(stats + "| where n >= 20 and bad / n > 0.1").empty());
  CHECK(advice_for(stats + "| where bad / n > 0.1", "        starts_when: n >= 20\n").empty());
  CHECK(advice_for(stats + "| baseline 1d | unusual bad of n | where surprise > 6").empty());
  const std::string slow = "from a last 5m | stats p99 = p99(ms), n = count() by service ";
  CHECK(advises(advice_for(slow + "| where p99 > 500"), "the slowest of them"));
  CHECK(advice_for(slow + "| where n > 20 and p99 > 500").empty());
  CHECK(advice_for("from a last 5m | stats m = median(ms) by service | where m > 500").empty());
}

TEST_CASE("lint: an alert whose group hardly ever comes back", "[rules]") {
  CHECK(advises(advice_for("from a last 5m | stats n = count() by message | where n > 5"),
                "template(message)"));
  CHECK(advises(advice_for("from a last 5m | stats n = count() by trace_id | where n > 5"),
                "sample(trace_id)"));
  CHECK(advice_for("from a last 5m | let kind = template(message) | stats n = count() by kind "
                   "| where n > 5")
            .empty());
}

TEST_CASE("lint: a label does not set the severity", "[rules]") {
  CHECK(advises(advice_for("from a last 5m | stats n = count() by service",
                           "        labels: {severity: page}\n"),
                "a key beside `labels`; write CRITICAL"));
}

TEST_CASE("prometheus: what its users write is explained", "[rules]") {
  const auto annotation = [](const std::string& text) {
    return error_of("        annotations: {summary: '" + text + "'}\n");
  };
  CHECK(contains(annotation("{{ $labels.service }}"), "no prefix: write {{ service }}"));
  CHECK(contains(annotation("{{ .Labels.service }}"), "no prefix: write {{ service }}"));
  CHECK(contains(annotation("{{ $value }}"), "the column that is the `value`"));
  CHECK(contains(annotation("{{ $value | humanize }}"), "the column that is the `value`"));
  CHECK(contains(annotation("{{ if n }}x{{ end }}"), "Go's templates"));
  CHECK(contains(annotation("{{ n | humanizePercentage }}"), "; write percent; expected"));
  CHECK(annotation("{{ n }}") == "");
  CHECK(contains(error_of("        severity: warning\n"), "found `warning`; write MEDIUM"));
  CHECK(contains(error_of("        severity: Critical\n"), "write CRITICAL"));
  CHECK(contains(error_of("        annotations:\n          summary: {{ service }} is bad\n"),
                 "put a text that begins with `{` in quotes"));
  CHECK(contains(error_of("        annotations:\n          summary: bad {{ service }}: x\n"),
                 "put a text that contains `: ` in quotes"));
  for (const char* expr : {"up == 0", "sum by (job) (x) > 1", "rate(x[5m]) > 1", "x[5m]"}) {
    const RuleLoadReport report = check_rules({{"a.yml", rule_of(expr)}}, {});
    REQUIRE(report.errors.size() == 1);
    CHECK(contains(report.errors[0], "looks like PromQL"));
  }
}

TEST_CASE("preview: what rules would alert about now, without writing", "[rules]") {
  RuleWorld world;
  world.events("pay", 0, 10, 30, "FAILED");
  world.events("web", 0, 10, 30);
  world.load("groups: []");
  world.advance(10.5);
  const std::string rules =
      "groups:\n  - name: g\n    interval: 5m\n    rules:\n"
      "      - alert: Failures\n"
      "        expr: from audit last 10m | stats n = count() where status == \"FAILED\" by service"
      " | where n > 10\n"
      "        severity: [HIGH when n > 20, LOW]\n"
      "        annotations: {summary: '{{ service }}: {{ n }}'}\n"
      "      - alert: Learning\n"
      "        expr: from audit last 10m | stats n = count() by service | baseline 7d min 3"
      " | where n > 2 * baseline(n)\n"
      "      - alert: Misspelt\n"
      "        expr: from audit last 10m | where status == \"failed\" | stats n = count() by "
      "service"
      " | where n > 10\n";
  PreviewOptions options;
  options.delay = 10 * kSecond;
  options.now = world.clock.now();
  const auto found = preview_rules(*world.database, {{"rules.yml", rules}}, options);
  REQUIRE(found.size() == 3);
  CHECK(found[0].rule == "Failures");
  CHECK(found[0].window == TimeRange{RuleWorld::at(0), RuleWorld::at(10)});
  CHECK(found[0].event_count == 60);
  REQUIRE(found[0].rows.size() == 1);
  CHECK(found[0].rows[0].severity == Severity::kHigh);
  CHECK(found[0].rows[0].group == "service=\"pay\"");
  CHECK(found[0].rows[0].summary == "pay: 30");
  CHECK(found[1].learning);
  CHECK(found[1].rows.empty());
  CHECK(found[2].event_count == 0);
  CHECK(world.alert_count("true") == 0);
}
