// What alerts say about their cause, in small worlds where it is known.
#include "rules/explanation.h"

#include <functional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "rule_world.h"
#include "rules/alert_size.h"

using namespace tocsin;

namespace {

struct CauseEvent {
  std::string host, transaction, version, message;
  bool failed = false;
  double duration = 0;
};

using Change = std::function<void(CauseEvent& event, std::mt19937_64& random)>;

uint64_t draw_below(std::mt19937_64& random, uint64_t limit) { return random() % limit; }

// One of several usual events of a service with five hosts and four transactions, of which one
// always fails more often and another is always slower.
CauseEvent usual_event(std::mt19937_64& random) {
  static const std::vector<std::string> kTransactions = {"charge", "refund", "export", "list"};
  CauseEvent event;
  event.host = fmt::format("web-{}", 1 + draw_below(random, 5));
  event.transaction = kTransactions[draw_below(random, 4)];
  event.version = draw_below(random, 4) == 0 ? "1.8" : "1.7";
  event.failed = draw_below(random, 100) < (event.transaction == "export" ? 12u : 2u);
  event.duration = 20 + static_cast<double>(draw_below(random, 100));
  if (event.transaction == "list") event.duration *= 2;
  const uint64_t number = draw_below(random, 100'000);
  event.message = event.failed ? fmt::format("declined, code {}", number)
                               : fmt::format("done in {} ms", number);
  return event;
}

// Writes `count` events of the service `pay`, spread over [from, to) minutes.
void write_cause_events(const RuleWorld& world, std::mt19937_64& random, double from, double to,
                        int count, const Change& change = {}) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("audit");
  for (int i = 0; i < count; ++i) {
    CauseEvent event = usual_event(random);
    if (change) change(event, random);
    rows.begin_row(RuleWorld::at(from + (to - from) * i / count));
    size_t hint = 0;
    const auto set = [&](const char* name, const std::string& value) {
      const size_t lane = rows.lane(name, ColumnType::kString, ColumnKind::kField, hint++);
      rows.set_string(lane, request.batch.copy(value));
    };
    set("service", "pay");
    set("host", event.host);
    set("transaction", event.transaction);
    set("version", event.version);
    set("status", event.failed ? "FAILED" : "SUCCESS");
    set("message", event.message);
    rows.set_f64(rows.lane("duration_ms", ColumnType::kF64, ColumnKind::kField, hint),
                 event.duration);
  }
  request.urgent = true;
  REQUIRE(world.database->write(std::move(request)));
}

std::string rule_about(const std::string& aggregates, const std::string& condition,
                       const std::string& baseline = "") {
  return "groups:\n  - name: g\n    interval: 5m\n    rules:\n      - alert: Unusual\n"
         "        expr: |\n          from audit last 5m\n          | stats " +
         aggregates + " by service\n" + baseline + "          | where " + condition + "\n";
}

const char* const kFailureCounts = "failures = count() where status == \"FAILED\", total = count()";

// The alert that fires after 20 usual minutes and 5 minutes with the change.
AlertEvent alert_after(const std::string& rule, uint64_t seed, const Change& change) {
  RuleWorld world;
  const RuleLoadReport report = world.load(rule);
  REQUIRE(report.errors == std::vector<std::string>{});
  std::mt19937_64 random(seed);
  world.advance(0);
  write_cause_events(world, random, 0, 20, 1'600);
  write_cause_events(world, random, 20, 25, 600, change);
  world.run(1, 25);
  const auto outbox = world.outbox();
  REQUIRE(outbox.size() == 1);
  const auto event = decode_alert(outbox[0].value);
  REQUIRE(event);
  return *event;
}

std::string first_line(const AlertEvent& event) {
  const auto found = event.annotations.find("explanation");
  if (found == event.annotations.end()) return "";
  return found->second.substr(0, found->second.find('\n'));
}

void fail_some(CauseEvent& event) {
  event.failed = true;
  event.message = "declined, code 17";
}

}  // namespace

TEST_CASE("explanation: a host on which most failures happen", "[rules]") {
  const AlertEvent alert = alert_after(rule_about(kFailureCounts, "failures > 60"), 1,
                                       [](CauseEvent& event, auto& random) {
                                         if (event.host == "web-3" && draw_below(random, 10) < 9)
                                           fail_some(event);
                                       });
  INFO(alert.annotations.at("explanation"));
  CHECK(first_line(alert).find(" % of failures have host=web-3 (usually ") == 3 - 1);
  CHECK(alert.explanation.starts_with(
      R"([{"column":"host","value":"web-3","compared_with":"usual","target":)"));
  CHECK(alert.explanation.find(R"("host","value":"web-3","compared_with":"others")") !=
        std::string::npos);
  CHECK(alert.explanation.find("status") == std::string::npos);  // all failures have it
}

TEST_CASE("explanation: nothing is named if everything fails more often", "[rules]") {
  const AlertEvent alert = alert_after(rule_about(kFailureCounts, "failures > 60"), 2,
                                       [](CauseEvent& event, auto& random) {
                                         if (draw_below(random, 10) < 3) fail_some(event);
                                       });
  // The others are more frequent among the failures than usual, of which most are of `export`.
  CHECK(alert.explanation == "[]");
  CHECK(first_line(alert).empty());
}

TEST_CASE("explanation: a measuring rule is about the events above the usual level", "[rules]") {
  const AlertEvent alert = alert_after(rule_about("slow = p95(duration_ms)", "slow > 1000"), 3,
                                       [](CauseEvent& event, auto&) {
                                         if (event.version == "1.8") event.duration *= 20;
                                       });
  INFO(alert.annotations.at("explanation"));
  CHECK(first_line(alert).find(" % of events with duration_ms > ") != std::string::npos);
  CHECK(first_line(alert).find(" have version=1.8 (usually ") != std::string::npos);
}

TEST_CASE("explanation: a judged mean of logarithms is about the events with high values",
          "[rules]") {
  const std::string stats = "logs = sum(ln(duration_ms)), n = count()";
  const std::string judged = "          | baseline 20m\n          | unusual logs of n\n";
  const AlertEvent alert =
      alert_after(rule_about(stats, "logs > 1.1 * baseline(logs, max) + 0.5 * n", judged), 3,
                  [](CauseEvent& event, auto&) {
                    if (event.version == "1.8") event.duration *= 20;
                  });
  INFO(alert.annotations.at("explanation"));
  CHECK(first_line(alert).find(" % of events with duration_ms > ") != std::string::npos);
  CHECK(first_line(alert).find(" have version=1.8 (usually ") != std::string::npos);
}

TEST_CASE("explanation: what a let computes is not named", "[rules]") {
  const AlertEvent alert = alert_after(
      rule_about("n = count()", "n > 500")
          .replace(
              rule_about("", "").find("          | stats"), 0,
              "          | let recent = time >= now() - 5m, version2 = concat(version, \"!\")\n"),
      4, [](CauseEvent& event, auto&) { event.version = "1.9"; });
  INFO(alert.annotations.at("explanation"));
  CHECK(first_line(alert).find(" % of events have version=1.9 (usually 0 %)") != std::string::npos);
  CHECK(alert.explanation.find("recent") == std::string::npos);
  CHECK(alert.explanation.find("version2") == std::string::npos);
}

TEST_CASE("explanation: a counting rule is about all events", "[rules]") {
  const AlertEvent alert =
      alert_after(rule_about("n = count()", "n > 500"), 4, [](CauseEvent& event, auto& random) {
        if (draw_below(random, 2) == 0)
          event.message = fmt::format("retry {}", draw_below(random, 1'000));
      });
  CHECK(first_line(alert).find(" % of events have template(message)=retry <*> (usually 0 %)") !=
        std::string::npos);
}

TEST_CASE("explanation: the usual events are those of the baseline's windows", "[rules]") {
  // In the last window before, web-3 has all failures already; in the baseline's it has not.
  RuleWorld world;
  const auto report =
      world.load(rule_about(kFailureCounts, "failures > 60 and baseline(failures) > 0",
                            "          | baseline 20m step 10m\n"));
  REQUIRE(report.errors == std::vector<std::string>{});
  std::mt19937_64 random(5);
  const Change fails = [](CauseEvent& event, auto&) {
    if (event.host == "web-3") fail_some(event);
  };
  const Change fails_less = [](CauseEvent& event, auto& draw) {
    event.failed = event.host == "web-3" && draw_below(draw, 3) == 0;
  };
  world.advance(0);
  write_cause_events(world, random, 0, 5, 800);
  write_cause_events(world, random, 5, 10, 400, fails_less);
  write_cause_events(world, random, 10, 15, 800);
  write_cause_events(world, random, 15, 20, 400, fails_less);
  write_cause_events(world, random, 20, 25, 400, fails);
  world.run(1, 25);
  REQUIRE(world.outbox().size() == 1);
  const auto alert = decode_alert(world.outbox()[0].value);
  REQUIRE(alert);
  CHECK(first_line(*alert).find("host=web-3 (usually ") != std::string::npos);
}

TEST_CASE("explanation: is stored with the firing, and the rule's own text follows it", "[rules]") {
  RuleWorld world;
  world.load(rule_about(kFailureCounts, "failures > 60") +
             "        annotations:\n          explanation: see the runbook\n");
  std::mt19937_64 random(6);
  world.advance(0);
  write_cause_events(world, random, 0, 20, 1'600);
  write_cause_events(world, random, 20, 25, 400, [](CauseEvent& event, auto&) {
    if (event.host == "web-3") fail_some(event);
  });
  write_cause_events(world, random, 25, 30, 400);
  world.run(1, 30);
  CHECK(world.alerts() == std::vector<std::string>{"pay:firing@25", "pay:resolved@30"});
  CHECK(world.alert_count("state == \"firing\" and explanation contains \"web-3\"") == 1);
  CHECK(world.alert_count("state == \"resolved\" and not exists(explanation)") == 1);
  const auto alert = decode_alert(world.outbox()[0].value);
  REQUIRE(alert);
  CHECK(alert->annotations.at("explanation").ends_with("\nsee the runbook"));
  CHECK(first_line(*alert).find("host=web-3") != std::string::npos);
}

TEST_CASE("explanation: of many alerts, the most severe ones are explained", "[rules]") {
  RuleWorld world;
  world.load(
      "groups:\n  - name: g\n    interval: 5m\n    rules:\n      - alert: Many\n"
      "        value: n\n        severity:\n          - HIGH when n > 6\n          - LOW\n"
      "        expr: from audit last 5m | stats n = count() by service | where n > 4\n");
  for (int i = 0; i < 30; ++i) world.events(fmt::format("s{:02}", i), 1, 4, i % 2 == 0 ? 5 : 7);
  world.run(0, 5);
  CHECK(world.alert_count("state == \"firing\"") == 30);
  CHECK(world.alert_count("severity == \"HIGH\" and exists(explanation)") == 15);
  CHECK(world.alert_count("severity == \"LOW\" and exists(explanation)") ==
        kExplainedAlertsMax - 15);
}

TEST_CASE("explanation: long values are cut, and the whole stays within its limit", "[rules]") {
  const std::string long_value(10'000, 'x');
  const AlertEvent alert =
      alert_after(rule_about(kFailureCounts, "failures > 60"), 7, [&](CauseEvent& event, auto&) {
        if (event.host != "web-3") return;
        fail_some(event);
        event.host = event.version = event.transaction = long_value;
      });
  CHECK(alert.explanation.size() <= kExplanationBytesMax);
  CHECK(alert.explanation.find("xxx…\"") != std::string::npos);
  CHECK(alert.annotations.at("explanation").size() < kExplanationBytesMax);
}

TEST_CASE("explanation: names the cause first, whatever it is, and nothing without one",
          "[rules]") {
  constexpr uint64_t kSeeds = 10;
  const auto explain = [](uint64_t seed,
                          const std::function<bool(const CauseEvent&)>& is_affected) {
    return first_line(alert_after(rule_about(kFailureCounts, "failures > 45"), seed,
                                  [&](CauseEvent& event, auto& random) {
                                    if (is_affected(event) && draw_below(random, 10) < 6)
                                      fail_some(event);
                                  }));
  };
  int right = 0, silent = 0;
  for (uint64_t seed = 100; seed < 100 + kSeeds; ++seed) {
    const auto names = [&](const std::string& cause, const auto& is_affected) {
      const std::string line = explain(seed, is_affected);
      INFO(seed << ": " << cause << ": " << line);
      right += line.find(" have " + cause + " (") != std::string::npos ? 1 : 0;
    };
    names("host=web-2", [](const CauseEvent& event) { return event.host == "web-2"; });
    names("transaction=refund",
          [](const CauseEvent& event) { return event.transaction == "refund"; });
    names("version=1.8", [](const CauseEvent& event) { return event.version == "1.8"; });
    silent += explain(seed, [](const CauseEvent&) { return true; }).empty() ? 1 : 0;
  }
  CHECK(right >= static_cast<int>(3 * kSeeds * 95 / 100));
  CHECK(silent == static_cast<int>(kSeeds));
}
