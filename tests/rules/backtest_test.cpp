// A backtest gives what a server that ran through gave.
#include "rules/backtest.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "rule_world.h"
#include "rules/backtest_report.h"
#include "rules/trial_database.h"

using namespace tocsin;

namespace {

using Texts = std::vector<std::string>;

const std::string kRules = R"(
groups:
  - name: g
    interval: 5m
    rules:
      - alert: Failures
        expr: |
          from audit last 10m
          | stats failures = count() where status == "FAILED", total = count() by service
          | let share = failures / total
          | baseline 1h step 10m min 3 excluding alerts
          | where share > 0.2 and share > 2 * baseline(share)
        value: share
        for: 5m
        keep_firing_for: 5m
        severity: [CRITICAL when share > 0.5, HIGH]
        annotations: {summary: "{{ service }}: {{ share | percent }}"}
      - alert: Silence
        expr: |
          from audit last 10m | stats n = count() by service | baseline 1h step 10m min 3
          | where n == 0 and baseline(n) > 0
        severity: LOW
inhibit_rules:
  - source_matchers: ['alertname="Silence"']
    target_matchers: ['alertname="Failures"']
)";

// Incidents, one worse than the other; a service that becomes silent; one that never fails.
void play(RuleWorld& world) {
  for (int minute = 0; minute < 360; minute += 5) {
    world.events("pay", minute, minute + 5, 20);
    world.events("web", minute, minute + 5, 20);
    if (minute < 240) world.events("gone", minute, minute + 5, 10);
    const bool fails = (minute >= 100 && minute < 130) || (minute >= 200 && minute < 220);
    if (fails) world.events("pay", minute, minute + 5, minute < 200 ? 10 : 40, "FAILED");
    if (minute >= 240 && minute < 260) world.events("web", minute, minute + 5, 40, "FAILED");
  }
}

std::string text_of(const std::string& rule, const std::string& service, Timestamp time,
                    Severity severity, double value) {
  return fmt::format("{} {}@{} {} {:.4f}", rule, service, (time - RuleWorld::start()) / kMinute,
                     name_of(severity), value);
}

// The firings as the server's engine committed them.
Texts live_firings(RuleWorld& world) {
  Texts out;
  QueryOptions options;
  options.now = world.clock.now();
  const auto table = world.queries->run(
      "from alerts | where state == \"firing\" and started_at == time "
      "| keep rule, service, time, severity, value | sort time, rule, service",
      options);
  REQUIRE(table);
  for (size_t row = 0; row < table->row_count; ++row) {
    const auto severity = parse_severity(table->columns[3].text[row]);
    REQUIRE(severity);
    const Value value = table->columns[4].at(row);
    out.push_back(text_of(table->columns[0].text[row], table->columns[1].text[row],
                          table->columns[2].i64[row], *severity,
                          value.is_null() ? kNoNumber : std::get<double>(value.data)));
  }
  return out;
}

Texts firings_of(const BacktestReport& report) {
  Texts out;
  for (const BacktestFiring& firing : report.firings) {
    const AlertEvent& event = firing.start;
    out.push_back(text_of(event.rule, event.service, event.time, event.severity, event.value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

BacktestOptions options_for(double from, double to) {
  BacktestOptions options;
  options.engine = RuleWorld::default_options();
  options.range = {RuleWorld::at(from), RuleWorld::at(to)};
  return options;
}

}  // namespace

TEST_CASE("backtest: finds what a server that ran through found", "[rules]") {
  RuleWorld world;
  CHECK(world.load(kRules).errors.empty());
  play(world);
  world.run(0, 360, 5);
  Texts live = live_firings(world);
  std::sort(live.begin(), live.end());
  REQUIRE(live.size() >= 4);

  const auto report = backtest(*world.database, {{"rules.yml", kRules}}, options_for(0, 360));
  REQUIRE(report);
  CHECK(firings_of(*report) == live);
}

TEST_CASE("backtest: says how long, how bad and whether somebody was called", "[rules]") {
  RuleWorld world;
  play(world);
  world.advance(400);
  uint64_t done = 0, total = 0;
  BacktestOptions options = options_for(0, 360);
  options.progress = [&](uint64_t now_done, uint64_t of) {
    std::tie(done, total) = {now_done, of};
  };
  const auto report = backtest(*world.database, {{"rules.yml", kRules}}, options);
  REQUIRE(report);
  CHECK(done == total);
  CHECK(total == 2 * 72);
  CHECK(count_windows({{"rules.yml", kRules}}, options.range) == total);

  const auto find = [&](const std::string& service, double minute) {
    for (const BacktestFiring& firing : report->firings) {
      if (firing.start.service == service && firing.start.time == RuleWorld::at(minute)) {
        return firing;
      }
    }
    FAIL("no firing of " + service + " at minute " + std::to_string(minute));
    return BacktestFiring();
  };
  const BacktestFiring worse = find("pay", 210);
  CHECK(worse.severity == Severity::kCritical);
  CHECK(worse.end == RuleWorld::at(235));
  CHECK(worse.worst.value == Approx(40.0 / 60));
  CHECK(worse.worst.baseline < 0.1);
  CHECK(worse.held_back.empty());
  const BacktestFiring silent = find("gone", 250);
  CHECK(silent.end == RuleWorld::at(310));  // when the baseline is silent, too
  const BacktestFiring inhibited = find("web", 250);
  CHECK(inhibited.held_back.inhibited_by == Texts{"Silence"});
  CHECK(count_pages(*report) == report->firings.size() - 1);
}

TEST_CASE("backtest: writes nothing and reads what was stored before the range", "[rules]") {
  RuleWorld world;
  play(world);
  world.advance(400);
  const uint64_t commits = world.database->counters().commits;
  const auto report = backtest(*world.database, {{"rules.yml", kRules}}, options_for(195, 240));
  REQUIRE(report);
  CHECK(world.database->counters().commits == commits);
  CHECK(world.outbox().empty());
  CHECK(world.alert_count("true") == 0);
  CHECK(firings_of(*report) == Texts{"Failures pay@210 CRITICAL 0.6667"});
  CHECK(report->firings[0].end == 235 * kMinute + RuleWorld::start());
  for (const BacktestRule& rule : report->rules) {
    CHECK(rule.windows == 9);
    CHECK(rule.learning_windows == 0);
    CHECK(rule.empty_windows == 0);
  }
}

TEST_CASE("backtest: a wrong rule file is an error, a stop ends it", "[rules]") {
  RuleWorld world;
  const auto wrong =
      backtest(*world.database, {{"rules.yml", "groups: [{name: g}]"}}, options_for(0, 10));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("rules.yml:1") == 0);

  const std::atomic<bool> stop = true;
  BacktestOptions options = options_for(0, 60);
  options.stop = &stop;
  const auto stopped = backtest(*world.database, {{"rules.yml", kRules}}, options);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == ErrorCode::kCancelled);
}

TEST_CASE("backtest: reports of an empty database and of one firing", "[rules]") {
  RuleWorld world;
  const TimeRange range{RuleWorld::at(0), RuleWorld::at(60)};
  auto report = backtest(*world.database, {{"rules.yml", kRules}}, options_for(0, 60));
  REQUIRE(report);
  CHECK(
      backtest_table(*report, range).find("Failures: no event matched in any of its 12 windows") !=
      std::string::npos);
  CHECK(backtest_csv(*report).find('\n') == backtest_csv(*report).size() - 1);

  BacktestFiring firing;
  firing.start.rule = "Failures";
  firing.start.labels = {{"service", "pay, \"web\""}};
  firing.start.time = RuleWorld::at(10);
  firing.start.summary = "=1+1";
  firing.severity = Severity::kHigh;
  firing.worst.value = 0.5;
  firing.worst.baseline = kNoNumber;
  report->firings = {firing};
  CHECK(
      backtest_csv(*report) ==
      "rule,group,severity,start,end,worst_value,worst_baseline,inhibited_by,silenced_by,summary\n"
      "Failures,\"service=pay, \"\"web\"\"\",HIGH,2024-10-04T00:10:00Z,,0.5,,,,=1+1\n");
  const std::string json = backtest_json(*report, range);
  CHECK(json.find(R"("start":"2024-10-04T00:10:00Z","end":null)") != std::string::npos);
  CHECK(json.find(R"("worst_value":0.5,"worst_baseline":null)") != std::string::npos);
  CHECK(backtest_table(*report, range).find("1 firings, 1.7e+02 pages a week") !=
        std::string::npos);
}

TEST_CASE("trial database: keeps its writes to itself", "[rules]") {
  RuleWorld world;
  TrialDatabase trial(*world.database);
  const auto put = [&](SmallTable table, const std::string& key, std::optional<std::string> value) {
    WriteRequest request;
    request.changes = {{table, key, std::move(value)}};
    REQUIRE(trial.write(std::move(request)));
  };
  put(SmallTable::kRules, "rule/a", "1");
  put(SmallTable::kRules, "rule/b", "2");
  put(SmallTable::kOutbox, "rule/c", "3");
  put(SmallTable::kRules, "rule/a", "4");
  CHECK(trial.get(SmallTable::kRules, "rule/a").value() == "4");
  CHECK(trial.get(SmallTable::kSources, "rule/a").value() == std::nullopt);
  CHECK(trial.list(SmallTable::kRules, "rule/").value().size() == 2);
  CHECK(trial.list(SmallTable::kRules, "rule/", {"rule/b", SIZE_MAX}).value().size() == 1);
  CHECK(trial.list(SmallTable::kRules, "rule/", {"", 1}).value().front().key == "rule/a");
  put(SmallTable::kRules, "rule/a", std::nullopt);
  CHECK(trial.get(SmallTable::kRules, "rule/a").value() == std::nullopt);
  CHECK(world.database->list(SmallTable::kRules, "").value().empty());
}
