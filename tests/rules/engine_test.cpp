#include "rules/engine.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rule_world.h"
#include "rules/alert_size.h"
#include "rules/state.h"

using namespace tocsin;

namespace {

using Brief = std::vector<std::string>;

std::string rule_file(const std::string& keys, const std::string& expr = R"(
          from audit last 5m
          | stats failures = count() where status == "FAILED", total = count() by service
          | where failures > 2)") {
  return "groups:\n  - name: g\n    interval: 5m\n    rules:\n      - alert: Failures\n"
         "        expr: |" +
         expr + "\n" + keys;
}

// A service that fails from minute 20 to 35.
void play_failures(RuleWorld& world) {
  for (int minute = 0; minute < 60; minute += 5) {
    world.events("pay", minute, minute + 5, 20);
    world.events("web", minute, minute + 5, 20);
    if (minute >= 20 && minute < 35) world.events("pay", minute, minute + 5, 5, "FAILED");
  }
}

// The services of the alerts that fire, by the query in query/README.md.
Brief firing_now(const RuleWorld& world) {
  QueryOptions options;
  options.now = world.clock.now();
  const auto table = world.queries->run(
      "from alerts between now - 30d and now + 520w | where not late "
      "| stats state = last(state), since = last(started_at), severity = last(severity) "
      "by rule, service, fingerprint | where state == \"firing\" | keep service",
      options);
  REQUIRE(table);
  return table->columns[0].text;
}

}  // namespace

TEST_CASE("engine: an alert fires in its window and resolves afterwards", "[rules]") {
  RuleWorld world;
  CHECK(world.load(rule_file("")).added == Brief{"Failures"});
  play_failures(world);
  world.run(0, 60);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@40"});
  const auto outbox = world.outbox();
  REQUIRE(outbox.size() == 2);
  const auto event = decode_alert(outbox[0].value);
  REQUIRE(event);
  CHECK(event->state == AlertState::kFiring);
  CHECK(event->window_from == RuleWorld::at(20));
  CHECK(event->window_to == RuleWorld::at(25));
  CHECK(event->written_at == RuleWorld::at(25));
  CHECK(event->labels.at("service") == "pay");
  CHECK(decode_alert(outbox[1].value)->started_at == RuleWorld::at(25));
}

TEST_CASE("engine: a rule's query may end with `;` although expressions are added to it",
          "[rules]") {
  RuleWorld world;
  const auto report = world.load(rule_file("        value: failures / total\n", R"(
          from audit last 5m
          | stats failures = count() where status == "FAILED", total = count() by service
          | where failures > 2;  # enough)"));
  CHECK(report.errors == Brief{});
  play_failures(world);
  world.run(0, 60);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@40"});
}

TEST_CASE("engine: values of several types in a `by` column are separate alerts", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.sample_count = 1;
  RuleWorld world(options);
  const auto report = world.load(rule_file(R"(
        annotations:
          summary: "{{ level }}"
)",
                                           R"(
          from app last 5m
          | stats n = count() by level
          | where n > 0)"));
  CHECK(report.errors == Brief{});
  WriteRequest request;
  request.batch = Batch(ConflictPolicy::kKeepInRest);
  RowBatch& rows = request.batch.rows_of("app");
  rows.begin_row(RuleWorld::at(1));
  rows.set_i64(rows.lane("level", ColumnType::kI64, ColumnKind::kField, 0), 30);
  for (const char* text : {"30", "error"}) {
    rows.begin_row(RuleWorld::at(2));
    rows.set_string(rows.lane("level", ColumnType::kString, ColumnKind::kField, 0), text);
  }
  world.run(0, 1);
  REQUIRE(world.database->write(std::move(request)));
  world.run(2, 5);
  std::map<std::string, std::string> seen;  // label, summary and sample by fingerprint
  for (const SmallEntry& entry : world.outbox()) {
    const auto event = decode_alert(entry.value);
    REQUIRE(event);
    REQUIRE(event->samples.size() == 1);
    const std::string& sample = event->samples[0];
    seen[event->fingerprint] = event->labels.at("level") + ' ' + event->annotations.at("summary") +
                               ' ' + sample.substr(sample.find("\"level\":"));
  }
  REQUIRE(seen.size() == 3);
  // A number keeps the fingerprint that it had before there were texts.
  CHECK(seen[fingerprint("Failures", {{"level", Value::of(int64_t{30})}})] ==
        "30 30 \"level\":30}");
  std::multiset<std::string> texts;
  for (const auto& [id, text] : seen) texts.insert(text);
  CHECK(texts == std::multiset<std::string>{"30 30 \"level\":30}", "30 30 \"level\":\"30\"}",
                                            "error error \"level\":\"error\"}"});
}

TEST_CASE("engine: the row of an alert has the values that the rule computes", "[rules]") {
  RuleWorld world;
  const auto report = world.load(rule_file(R"(
        value: failures
        severity:
          - CRITICAL when failures / total > 0.9
          - HIGH when failures / total > 0.1
          - LOW
        labels: {team: payments}
        annotations:
          summary: "{{ service }}: {{ failures / total | percent }}"
)"));
  CHECK(report.errors == Brief{});
  play_failures(world);
  world.run(0, 25);
  QueryOptions options;
  const auto table = world.queries->run(
      "from alerts | keep rule, type, severity, value, service, summary, fingerprint, window_to, "
      "labels, samples",
      options);
  INFO((table ? "" : table.error().message));
  REQUIRE(table);
  REQUIRE(table->row_count == 1);
  const auto text = [&](size_t column) { return table->columns[column].text[0]; };
  CHECK(text(0) == "Failures");
  CHECK(text(1) == "FAILURES");
  CHECK(text(2) == "HIGH");
  CHECK(table->columns[3].f64[0] == 5);
  CHECK(text(4) == "pay");
  CHECK(text(5) == "pay: 20.0 %");
  CHECK(text(6).size() == 16);
  CHECK(table->columns[7].at(0) == Value::time(RuleWorld::at(25)));
  CHECK(text(8) == R"({"service":"pay","team":"payments"})");
  // The samples are events that the aggregate with a condition counted.
  CHECK(text(9).find("\"FAILED\"") != std::string::npos);
  CHECK(text(9).find("\"SUCCESS\"") == std::string::npos);
}

TEST_CASE("engine: alerts with texts of megabytes are stored, sent and resolved", "[rules]") {
  RuleWorld world;
  const std::string rules = R"(groups:
  - name: g
    interval: 5m
    rules:
      - alert: Big
        expr: |
          from crash last 5m | stats n = count() by service, trace
        annotations:
          summary: "{{ trace }}"
          long: "{{ trace }}{{ trace }}{{ trace }}{{ trace }}{{ trace }}{{ trace }}{{ trace }}{{ trace }}"
)";
  const std::string same(1'000'000, 'x');
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("crash");
  for (const char* end : {"1", "2"}) {
    rows.begin_row(RuleWorld::at(1));
    rows.set_string(rows.lane("service", ColumnType::kString, ColumnKind::kTag, 0), "pay");
    rows.set_string(rows.lane("trace", ColumnType::kString, ColumnKind::kField, 1),
                    request.batch.copy(same + end));
    rows.set_string(rows.lane("user", ColumnType::kString, ColumnKind::kField, 2),
                    request.batch.copy(same));
    rows.set_string(rows.lane("z", ColumnType::kString, ColumnKind::kField, 3), "last");
  }
  REQUIRE(world.database->write(std::move(request)));
  CHECK(world.load(rules).errors == Brief{});
  world.advance(5);
  world.restart();
  CHECK(world.load(rules).errors == Brief{});
  world.advance(10);
  CHECK(world.alerts() ==
        Brief{"pay:firing@5", "pay:firing@5", "pay:resolved@10", "pay:resolved@10"});

  const auto outbox = world.outbox();
  REQUIRE(outbox.size() == 4);
  std::map<std::string, int> fingerprints;
  for (const SmallEntry& entry : outbox) {
    const auto event = decode_alert(entry.value);
    REQUIRE(event);
    ++fingerprints[event->fingerprint];
    CHECK(entry.value.size() <= kAlertBytesMax);
    CHECK(event->labels.at("trace").size() == kLabelBytesMax);
    CHECK(event->labels.at("trace").ends_with("x…"));
    CHECK(event->summary.size() == kAnnotationBytesMax);
    CHECK(event->annotations.at("long").ends_with("x…"));
    if (event->state != AlertState::kFiring) continue;
    REQUIRE(event->samples.size() == 1);
    CHECK(event->samples[0].size() <= kSampleBytesMax);
    CHECK(event->samples[0].find("x…\"") != std::string::npos);
    CHECK(event->samples[0].ends_with(",\"z\":\"last\",\"…\":\"1 more column\"}"));
  }
  // The labels are equal after the cut, but the instances stay apart.
  CHECK(fingerprints.size() == 2);
  for (const auto& [id, count] : fingerprints) CHECK(count == 2);
}

TEST_CASE("engine: loading may also change routes, parameters and times", "[rules]") {
  RuleWorld world;
  const std::string text = rule_file("", R"(
          from audit last 5m
          | stats failures = count() where status == "FAILED" by service
          | where failures > $enough)");
  world.options.parameters["enough"] = Value::of(int64_t{100});
  CHECK(world.engine->load({{"rules.yml", text}}, &world.options).errors == Brief{});
  play_failures(world);
  world.run(0, 25);
  CHECK(world.alerts() == Brief{});

  world.options.parameters["enough"] = Value::of(int64_t{2});
  world.options.delay = 2 * kMinute;
  world.options.routes = {{"mail", {}, true}, {"pager", {}, true}};
  const auto report = world.engine->load({{"rules.yml", text}}, &world.options);
  CHECK(report.changed == Brief{"Failures"});
  world.advance(31);
  CHECK(world.alerts() == Brief{});
  world.advance(32);
  CHECK(world.alerts() == Brief{"pay:firing@30"});
  const auto outbox = world.outbox();
  REQUIRE(outbox.size() == 2);
  CHECK(outbox[0].key.starts_with("mail/"));
  CHECK(outbox[1].key.starts_with("pager/"));
  CHECK(world.load(text).changed == Brief{});  // without options, nothing changes
}

TEST_CASE("engine: a rule whose names alone would fill an alert is an error", "[rules]") {
  RuleWorld world;
  const std::string name(kAlertNameBytesMax - std::string("service").size(), 'n');
  CHECK(world.load(rule_file("        labels: {? " + name + " : x}\n")).errors == Brief{});
  const auto report = world.load(rule_file("        labels: {? " + name + "n : x}\n"));
  REQUIRE(report.errors.size() == 1);
  CHECK(report.errors[0].ends_with(
      "Failures: the names of labels, annotations and `by` columns have 16385 bytes together; at "
      "most 16384 are allowed"));
}

TEST_CASE("engine: `for` delays an alert, and a window without a match restarts it", "[rules]") {
  RuleWorld world;
  world.load(rule_file("        for: 10m\n"));
  play_failures(world);
  world.events("web", 5, 10, 5, "FAILED");
  world.run(0, 60);
  CHECK(world.alerts() == Brief{"web:pending@10", "web:inactive@15", "pay:pending@25",
                                "pay:firing@35", "pay:resolved@40"});
  CHECK(world.outbox().size() == 2);
}

TEST_CASE("engine: `keep_firing_for` bridges a gap", "[rules]") {
  RuleWorld world;
  world.load(rule_file("        keep_firing_for: 10m\n"));
  play_failures(world);
  world.events("pay", 40, 45, 5, "FAILED");
  world.run(0, 90);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@60"});
}

TEST_CASE("engine: a restart in the middle changes nothing", "[rules]") {
  const std::string file = rule_file("        for: 5m\n        keep_firing_for: 5m\n");
  const auto play = [&](const std::set<int>& restarts) {
    RuleWorld world;
    world.load(file);
    play_failures(world);
    for (int minute = 0; minute <= 60; ++minute) {
      if (restarts.contains(minute)) {
        world.restart();
        world.load(file);
      }
      world.advance(minute);
    }
    return world.alerts();
  };
  const Brief expected = play({});
  CHECK(expected == Brief{"pay:pending@25", "pay:firing@30", "pay:resolved@45"});
  CHECK(play({27}) == expected);
  CHECK(play({3, 25, 26, 30, 38, 44}) == expected);
}

TEST_CASE("engine: evaluating twice changes nothing", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 30);
  const Brief once = world.alerts();
  const uint64_t evaluations = world.status("Failures").evaluations;
  world.advance(30);
  world.advance(31);
  CHECK(world.alerts() == once);
  CHECK(world.status("Failures").evaluations == evaluations);
}

TEST_CASE("engine: windows missed while down are caught up with, in order", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.advance(3);
  world.restart();
  world.load(rule_file(""));
  world.advance(60);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@40"});
}

TEST_CASE("engine: windows beyond catchup_max are reported, not evaluated", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.catchup_max = 25 * kMinute;
  RuleWorld world(options);
  world.load(rule_file(""));
  play_failures(world);
  world.advance(3);
  world.advance(60);
  CHECK(world.alerts("type == \"SELF\"") ==
        Brief{"WindowsSkipped:firing@60", "WindowsSkipped:resolved@60"});
  CHECK(world.alerts("type != \"SELF\"") == Brief{"pay:firing@35", "pay:resolved@40"});
}

TEST_CASE("engine: history is evaluated from evaluate_from on", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.evaluate_from = RuleWorld::at(0);
  options.catchup_max = 10 * kMinute;
  RuleWorld world(options);
  play_failures(world);
  world.clock.set(RuleWorld::at(60));
  world.load(rule_file(""));
  world.advance(60);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@40"});
}

TEST_CASE("engine: nothing is evaluated until the followed files have been read", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  bool read = false;
  options.caught_up = [&] { return read; };
  options.catchup_wait = 40 * kMinute;
  RuleWorld world(options);
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 30);
  CHECK(world.alerts().empty());
  SECTION("then everything is") {
    read = true;
    world.advance(31);
    CHECK(world.alerts() == Brief{"pay:firing@25"});
  }
  SECTION("or until the wait is over, which is reported") {
    world.advance(40);
    CHECK(world.alerts("type == \"SELF\"").size() == 2);
    CHECK(world.alerts("type != \"SELF\"") == Brief{"pay:firing@25", "pay:resolved@40"});
  }
}

TEST_CASE("engine: a rising severity is sent, a falling one is not", "[rules]") {
  RuleWorld world;
  world.load(rule_file("        severity: [CRITICAL when failures > 10, LOW]\n"));
  world.events("pay", 0, 5, 5, "FAILED");
  world.events("pay", 5, 10, 15, "FAILED");
  world.events("pay", 10, 15, 5, "FAILED");
  world.run(0, 20);
  CHECK(world.alerts("severity == \"LOW\"") == Brief{"pay:firing@5"});
  CHECK(world.alerts("severity == \"CRITICAL\"") == Brief{"pay:firing@10", "pay:resolved@20"});
}

TEST_CASE("engine: routes get the severities and states that they want", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.routes = {{"all", {}, true}, {"firing", {}, false}, {"low", {Severity::kLow}, true}};
  int call_count = 0;
  options.outbox_changed = [&] { ++call_count; };
  RuleWorld world(options);
  world.load(rule_file("        severity: HIGH\n"));
  play_failures(world);
  world.run(0, 60);
  Brief keys;
  for (const SmallEntry& entry : world.outbox()) {
    keys.push_back(entry.key.substr(0, entry.key.find('/')));
  }
  CHECK(keys == Brief{"all", "all", "firing"});
  CHECK(call_count == 2);
}

TEST_CASE("engine: a route that got a firing gets its resolution", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.routes = {{"critical", {Severity::kCritical}, true},
                    {"high", {Severity::kHigh}, true},
                    {"low", {Severity::kLow}, true},
                    {"silent", {Severity::kLow}, false}};
  const std::string file =
      rule_file("        severity: [CRITICAL when failures > 10, HIGH when failures > 7, LOW]\n");
  RuleWorld world(options);
  world.load(file);
  world.events("pay", 0, 5, 5, "FAILED");
  world.events("pay", 5, 10, 15, "FAILED");
  world.run(0, 10);
  SECTION("when it stops matching") {}
  SECTION("after a restart") {
    world.restart();
    world.load(file);
  }
  SECTION("when its rule is removed") { world.load("groups: []"); }
  world.run(11, 20);
  Brief sent;
  for (const SmallEntry& entry : world.outbox()) {
    const auto event = decode_alert(entry.value);
    REQUIRE(event);
    sent.push_back(entry.key.substr(0, entry.key.find('/')) + " " + name_of(event->state));
  }
  CHECK(sent == Brief{"critical firing", "critical resolved", "low firing", "low resolved",
                      "silent firing"});
}

TEST_CASE("engine: silence fires for a service that the baseline contains", "[rules]") {
  RuleWorld world;
  world.load(rule_file("        value: n\n", R"(
          from audit last 5m
          | stats n = count() by service
          | baseline 30m min 3
          | where n == 0 and baseline(n) >= 10)"));
  for (int minute = 0; minute < 60; minute += 5) {
    world.events("web", minute, minute + 5, 20);
    if (minute < 30 || minute >= 45) world.events("pay", minute, minute + 5, 20);
  }
  world.run(0, 60);
  CHECK(world.alerts() == Brief{"pay:firing@35", "pay:resolved@50"});
  const auto first = decode_alert(world.outbox().at(0).value);
  REQUIRE(first);
  CHECK(first->value == 0);
  CHECK(first->baseline == 20);  // the default is baseline(value)
}

TEST_CASE("engine: total silence fires too", "[rules]") {
  RuleWorld world;
  world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service | baseline 30m min 3
          | where n == 0 and baseline(n) >= 10)"));
  for (int minute = 0; minute < 30; minute += 5) world.events("pay", minute, minute + 5, 20);
  world.run(0, 40);
  CHECK(world.alerts() == Brief{"pay:firing@35"});
}

TEST_CASE("engine: an incident does not raise the baseline while alerts are excluded", "[rules]") {
  const auto play = [](const std::string& excluding) {
    RuleWorld world;
    world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service | baseline 20m min 2)" +
                                 excluding + R"(
          | where n > 2 * baseline(n))"));
    for (int minute = 0; minute < 90; minute += 5) {
      world.events("pay", minute, minute + 5, minute >= 30 && minute < 70 ? 100 : 20);
    }
    world.run(0, 90);
    return world.alerts();
  };
  CHECK(play("") == Brief{"pay:firing@35", "pay:resolved@45"});
  // With alerts excluded it still matches at 45. At 50 and 55 too few windows are left for a
  // baseline, so it keeps firing; these windows do not match, so they count, and at 60 they are the
  // baseline.
  CHECK(play(" excluding alerts") == Brief{"pay:firing@35", "pay:resolved@60"});
}

TEST_CASE("engine: an instance may consist of several groups of the baseline", "[rules]") {
  const auto play = [](const std::string& excluding) {
    RuleWorld world;
    const RuleLoadReport report = world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service, status | baseline 20m min 2)" +
                                                               excluding + R"(
          | where n > 2 * baseline(n) | stats groups = count() by service)"));
    CHECK(report.errors == Brief{});
    for (int minute = 0; minute < 90; minute += 5) {
      const bool incident = minute >= 30 && minute < 70;
      world.events("pay", minute, minute + 5, incident ? 100 : 20);
      world.events("pay", minute, minute + 5, 20, "FAILED");
      // A group without a baseline, while others of the instance have one.
      if (minute >= 40) world.events("pay", minute, minute + 5, 20, "NEW");
    }
    world.run(0, 90);
    return world.alerts();
  };
  CHECK(play("") == Brief{"pay:firing@35", "pay:resolved@45"});
  // All groups are excluded, so that at 50 and 55 none of them has a baseline.
  CHECK(play(" excluding alerts") == Brief{"pay:firing@35", "pay:resolved@60"});
}

TEST_CASE("engine: a rule without events is blind, one without a baseline is learning", "[rules]") {
  RuleWorld world;
  world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service | baseline 30m min 3
          | where n > 2 * baseline(n))"));
  world.advance(5);
  CHECK(world.status("Failures").health == RuleHealth::kLearning);
  world.run(6, 20);
  CHECK(world.status("Failures").health == RuleHealth::kBlind);
  for (int minute = 20; minute < 60; minute += 5) world.events("pay", minute, minute + 5, 20);
  world.run(21, 35);
  CHECK(world.status("Failures").health == RuleHealth::kLearning);
  // Events begin at 20: three windows of 5 minutes before the evaluated one.
  CHECK(world.status("Failures").ready_at == RuleWorld::at(40));
  world.run(36, 60);
  CHECK(world.status("Failures").health == RuleHealth::kOk);
}

TEST_CASE("engine: a broken file stops neither other files nor its rules that ran before",
          "[rules]") {
  RuleWorld world;
  const std::string good = rule_file("");
  CHECK(world.engine->load({{"a.yml", good}}).errors.empty());
  const RuleLoadReport report = world.engine->load(
      {{"a.yml", rule_file("        fro: 5m\n")},
       {"b.yml",
        "groups:\n  - name: h\n    rules:\n      - alert: Other\n"
        "        expr: from audit last 1m | stats n = count() | where n > 1000\n"}});
  CHECK(report.errors == Brief{"a.yml:10:9: unknown key `fro` in groups[1].rules[1]; did you mean "
                               "`for`?"});
  CHECK(report.added == Brief{"Other"});
  CHECK(report.changed.empty());
  CHECK(report.removed.empty());
  play_failures(world);
  world.run(0, 60);
  CHECK(world.alerts("type != \"SELF\"") == Brief{"pay:firing@25", "pay:resolved@40"});
  CHECK(world.alerts("type == \"SELF\"") == Brief{"RuleFileBroken:firing@0"});

  world.clock.set(RuleWorld::at(61));
  world.engine->load({{"a.yml", good}});
  CHECK(world.alerts("type == \"SELF\"") ==
        Brief{"RuleFileBroken:firing@0", "RuleFileBroken:resolved@61"});
}

TEST_CASE("engine: a file that cannot be read is broken, an empty one is fine", "[rules]") {
  RuleWorld world;
  CHECK(world.engine->load({{"a.yml", rule_file("")}, {"b.yml", ""}}).errors.empty());
  const RuleLoadReport report =
      world.engine->load({{"a.yml", "", "cannot open a.yml"}, {"b.yml", "# nothing yet\n"}});
  CHECK(report.errors == Brief{"cannot open a.yml"});
  CHECK(report.removed.empty());
  CHECK(world.outbox().size() == 1);
  world.clock.set(RuleWorld::at(1));
  CHECK(world.engine->load({{"a.yml", ""}, {"b.yml", rule_file("")}}).errors.empty());
  CHECK(world.status("Failures").file == "b.yml");
  CHECK(world.outbox().size() == 2);
}

TEST_CASE("engine: removing a rule resolves its alerts", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 30);
  SECTION("while running") { CHECK(world.load("groups: []").removed == Brief{"Failures"}); }
  SECTION("or while it was down") {
    world.restart();
    world.load("groups: []");
  }
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@30"});
  CHECK(world.engine->status().empty());
}

TEST_CASE("engine: a changed rule continues from its state", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 30);
  CHECK(world.load(rule_file("        severity: LOW\n")).changed == Brief{"Failures"});
  CHECK(world.load(rule_file("        severity: LOW\n")).changed.empty());
  world.run(31, 60);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@40"});
}

namespace {

// A rule with a sum that overflows after write_big.
std::string sum_rule(const std::string& range) {
  return "groups:\n  - name: h\n    interval: 5m\n    rules:\n"
         "      - alert: TooBig\n        expr: |\n"
         "          from audit last " +
         range + " | stats n = sum(big) by service | where n > 0\n";
}

void write_big(RuleWorld& world, double minute, int count = 3) {
  WriteRequest request;
  request.urgent = true;
  RowBatch& rows = request.batch.rows_of("audit");
  for (int i = 0; i < count; ++i) {
    rows.begin_row(RuleWorld::at(minute));
    rows.set_string(rows.lane("service", ColumnType::kString, ColumnKind::kTag, 0),
                    request.batch.copy("big"));
    rows.set_i64(rows.lane("big", ColumnType::kI64, ColumnKind::kField, 1), INT64_MAX);
  }
  REQUIRE(world.database->write(std::move(request)));
}

}  // namespace

TEST_CASE("engine: a rule's status shows the settings of its file", "[rules]") {
  RuleWorld world;
  world.load(R"(groups:
  - name: g
    interval: 5m
    labels: {team: core, site: a}
    rules:
      - alert: A
        expr: from audit last 5m | stats n = count() by service
        for: 10m
        keep_firing_for: 1m
        labels: {site: b}
        annotations: {summary: "{{ service }} is ill", runbook: "https://r/1"}
)");
  const RuleStatus status = world.status("A");
  CHECK(status.query == "from audit last 5m | stats n = count() by service");
  CHECK(status.hold == 10 * kMinute);
  CHECK(status.keep_firing_for == kMinute);
  using Texts = std::map<std::string, std::string>;
  CHECK(status.labels == Texts{{"site", "b"}, {"team", "core"}});
  CHECK(status.annotations ==
        Texts{{"runbook", "https://r/1"}, {"summary", "{{ service }} is ill"}});
}

TEST_CASE("engine: a rule that fails is shown, retried, and does not delay others", "[rules]") {
  RuleWorld world;
  world.engine->load({{"a.yml", sum_rule("5m")}, {"b.yml", rule_file("")}});
  play_failures(world);
  write_big(world, 31);
  world.run(0, 36);
  CHECK(world.status("TooBig").health == RuleHealth::kFailing);
  CHECK_FALSE(world.status("TooBig").last_error.empty());
  CHECK(world.status("TooBig").last_window_end == RuleWorld::at(30));
  world.run(37, 60);
  CHECK(world.alerts("rule == \"Failures\"") == Brief{"pay:firing@25", "pay:resolved@40"});
}

TEST_CASE("engine: a window that always fails is given up and reported", "[rules]") {
  RuleWorld world;
  world.load(sum_rule("15m"));
  world.events("pay", 0, 60, 60);
  write_big(world, 31);
  write_big(world, 55, 1);
  world.run(0, 37);
  CHECK(world.status("TooBig").last_window_end == RuleWorld::at(35));
  CHECK(world.status("TooBig").health == RuleHealth::kFailing);
  world.run(38, 45);
  CHECK(world.status("TooBig").last_window_end == RuleWorld::at(45));
  CHECK(world.status("TooBig").health == RuleHealth::kFailing);
  world.run(46, 60);
  CHECK(world.status("TooBig").health == RuleHealth::kOk);
  CHECK(world.alerts("type == \"SELF\"") ==
        Brief{"WindowsFailed:firing@37", "WindowsFailed:resolved@37"});
  CHECK(world.alerts("type != \"SELF\"") == Brief{"big:firing@60"});
}

TEST_CASE("engine: late events that fail a window do not delay other late windows", "[rules]") {
  RuleWorld world;
  world.load(sum_rule("5m"));
  world.events("pay", 0, 60, 60);
  world.run(0, 40);
  write_big(world, 21);
  write_big(world, 31, 1);
  world.run(41, 60);
  CHECK(world.alerts() == Brief{"big:firing@35 late", "big:resolved@40 late"});
  CHECK(world.status("TooBig").health == RuleHealth::kOk);
}

TEST_CASE("engine: late events are found, reported once, and marked", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 50);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@40"});
  world.events("web", 10, 15, 5, "FAILED");
  world.run(51, 75);
  CHECK(world.alerts("service == \"web\"") == Brief{"web:firing@15 late", "web:resolved@20 late"});
  CHECK(world.alerts("service == \"pay\"") == Brief{"pay:firing@25", "pay:resolved@40"});
  CHECK(world.outbox().size() == 4);
}

TEST_CASE("engine: forgotten alerts are not reported again as late", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.sample_count = 0;
  RuleWorld world(options);
  world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service)"));
  for (int minute = 0; minute < 15; minute += 5) {
    for (int i = 0; i < 600; ++i) {
      world.events(std::to_string(minute) + "-" + std::to_string(i), minute, minute + 5, 1);
    }
  }
  world.run(0, 15);
  world.events("late", 0, 5, 1);
  world.events("later", 10, 15, 1);
  world.run(16, 40);
  CHECK(world.alerts("late") == Brief{"later:firing@15 late", "later:resolved@20 late"});
}

TEST_CASE("engine: a late finding does not resolve a current firing", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  world.events("web", 0, 40, 20);
  world.events("web", 45, 60, 30, "FAILED");
  world.run(0, 51);
  CHECK(world.alerts() == Brief{"web:firing@50"});
  world.events("web", 10, 15, 5, "FAILED");
  world.run(52, 80);
  CHECK(world.alerts() ==
        Brief{"web:firing@15 late", "web:resolved@20 late", "web:firing@50", "web:resolved@65"});
  Brief sent;
  for (const SmallEntry& entry : world.outbox()) {
    const auto event = decode_alert(entry.value);
    REQUIRE(event);
    sent.push_back(std::string(name_of(event->state)) + (event->late ? " late" : ""));
  }
  CHECK(sent == Brief{"firing", "resolved"});
}

TEST_CASE("engine: an edited rule does not re-evaluate windows of its earlier version", "[rules]") {
  const auto strict = [](const std::string& bound, const std::string& keys = "") {
    return rule_file(
        keys, "\n          from audit last 5m | stats n = count() by service | where n > " + bound);
  };
  const auto bound_to = [](int bound) {
    return "groups:\n  - name: g\n    interval: 5m\n    params: {bound: " + std::to_string(bound) +
           "}\n    rules:\n      - alert: Failures\n        expr: |\n"
           "          from audit last 5m | stats n = count() by service | where n > $bound\n";
  };
  RuleWorld world;
  // Events of another service touch the windows up to minute 30.
  const auto look_again_after = [&](const std::string& before, const std::string& after,
                                    bool restart) {
    REQUIRE(world.load(before).errors.empty());
    world.events("pay", 0, 30, 60);
    world.run(0, 30);
    if (restart) world.restart();
    REQUIRE(world.load(after).errors.empty());
    world.run(31, 36);
    world.events("web", 10, 15, 5);
    world.run(37, 60);
    return world.alerts();
  };
  const bool restart = GENERATE(false, true);
  INFO((restart ? "after a restart" : "while it runs"));
  SECTION("a query") { CHECK(look_again_after(strict("100"), strict("3"), restart) == Brief{}); }
  SECTION("a parameter") {
    CHECK(look_again_after(bound_to(100), bound_to(3), restart) == Brief{});
  }
  SECTION("but changes that do not affect matches are not edits") {
    CHECK(look_again_after(strict("11"), strict("11", "        severity: LOW\n"), restart) ==
          Brief{});
    world.events("web", 20, 25, 12);
    world.run(61, 80);
    CHECK(world.alerts() == Brief{"web:firing@25 late", "web:resolved@30 late"});
  }
}

TEST_CASE("engine: a firing disproved by late events is retracted", "[rules]") {
  RuleWorld world;
  world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service | baseline 30m min 3
          | where n < 5 and baseline(n) >= 10)"));
  for (int minute = 0; minute < 60; minute += 5) {
    world.events("pay", minute, minute + 5, minute == 30 ? 2 : 20);
  }
  world.run(0, 50);
  CHECK(world.alerts() == Brief{"pay:firing@35", "pay:resolved@40"});
  world.events("pay", 30, 35, 18);
  world.run(51, 64);
  CHECK(world.alerts() == Brief{"pay:firing@35", "pay:retracted@35 late", "pay:resolved@40"});
  CHECK(world.outbox().size() == 2);
}

TEST_CASE("engine: rules are evaluated in the order of their windows' ends", "[rules]") {
  RuleWorld world;
  const std::string text = R"(groups:
  - name: slow
    interval: 20m
    rules: [{alert: Slow, expr: from audit last 20m | stats n = count() by service}]
  - name: fast
    interval: 5m
    rules: [{alert: Fast, expr: from audit last 5m | stats n = count() by service}]
)";
  world.load(text);
  world.events("pay", 0, 40, 40);
  world.advance(40);
  // Rows with the same time are in the order in which they were written.
  CHECK(world.alerts() == Brief{"pay:firing@5", "pay:firing@20"});
  CHECK(world.status("Fast").evaluations == 8);
  CHECK(world.status("Slow").evaluations == 2);
}

TEST_CASE("engine: many windows without alerts share commits", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.evaluate_from = RuleWorld::at(0) - 2 * kDay;
  RuleWorld world(options);
  world.events("pay", 0, 1, 5);
  world.load(rule_file(""));
  const uint64_t before = world.database->counters().commits;
  world.advance(1);
  CHECK(world.status("Failures").evaluations == 576);
  CHECK(world.database->counters().commits - before <= 576 / 100 + 2);
}

TEST_CASE("engine: after the clock was a year ahead, rules continue where they were", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 20);
  world.clock.jump_to(RuleWorld::at(21) + 365 * kDay);
  world.engine->evaluate_due();
  CHECK(world.status("Failures").last_window_end > RuleWorld::at(0) + 364 * kDay);
  world.clock.jump_to(RuleWorld::at(28));
  if (GENERATE(false, true)) {
    world.restart();
    world.load(rule_file(""));
  }
  world.run(28, 60);
  CHECK(world.status("Failures").last_window_end == RuleWorld::at(60));
  CHECK(world.alerts(R"(type != "SELF")") == Brief{"pay:firing@25", "pay:resolved@40"});
  CHECK(world.alerts(R"(rule == "ClockWasAhead")") ==
        Brief{"ClockWasAhead:firing@28", "ClockWasAhead:resolved@28"});
}

TEST_CASE("engine: an alert that fired while the clock was ahead ends once it is right again",
          "[rules]") {
  RuleWorld world;
  const std::string text = rule_file("        keep_firing_for: 5m\n", R"(
          from audit last 5m | stats n = count() by service | where n < 3)");
  world.load(text);
  world.events("pay", 0, 20, 80);
  world.run(0, 20);
  world.events("pay", 20 + 120, 20 + 121, 1);
  world.clock.jump_to(RuleWorld::at(145));
  world.advance(145);
  CHECK(world.alerts(R"(type != "SELF")") == Brief{"pay:firing@145"});
  world.events("pay", 21, 60, 200);
  world.clock.jump_to(RuleWorld::at(21));
  world.run(21, 40);
  // Not before the firing, so that it stays the last event.
  CHECK(world.alerts(R"(type != "SELF")") == Brief{"pay:firing@145", "pay:resolved@145"});
  CHECK(world.alert_count(R"(state == "resolved" and type != "SELF" and written_at < time)") == 1);
  world.clock.jump_to(RuleWorld::at(150));
  CHECK(firing_now(world).empty());
}

TEST_CASE("engine: an alert that goes on firing after the clock was set back is listed as firing",
          "[rules]") {
  RuleWorld world;
  world.load(rule_file("", R"(
          from audit last 5m | stats n = count() by service | where n < 3)"));
  world.events("pay", 0, 20, 80);
  world.run(0, 20);
  world.events("pay", 20 + 120, 20 + 121, 1);
  world.clock.jump_to(RuleWorld::at(145));
  world.advance(145);
  world.events("pay", 21, 61, 8);
  world.clock.jump_to(RuleWorld::at(21));
  CHECK(firing_now(world) == Brief{"pay"});
  world.run(21, 60);
  CHECK(world.alerts(R"(type != "SELF")") == Brief{"pay:firing@145"});
  CHECK(firing_now(world) == Brief{"pay"});
}

TEST_CASE("engine: an alert that fired while the clock was ahead ends with its rule", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  world.events("pay", 141, 145, 20, "FAILED");
  world.run(0, 20);
  world.clock.jump_to(RuleWorld::at(145));
  world.advance(145);
  REQUIRE(world.alerts(R"(type != "SELF")") == Brief{"pay:firing@145"});
  world.clock.jump_to(RuleWorld::at(21));
  world.load("groups: []\n");
  CHECK(world.alerts(R"(type != "SELF")") == Brief{"pay:firing@145", "pay:resolved@145"});
  world.clock.jump_to(RuleWorld::at(150));
  CHECK(firing_now(world).empty());
}

TEST_CASE("engine: the alert about a clock that was ahead counts its rules", "[rules]") {
  const bool two = GENERATE(false, true);
  RuleWorld world;
  std::string text = "groups:\n  - name: g\n    interval: 5m\n    rules:\n";
  for (const char* name : {"One", "Two"}) {
    if (!two && std::string(name) == "Two") continue;
    text += "      - {alert: " + std::string(name) +
            ", expr: from audit last 5m | stats n = count() by service}\n";
  }
  world.load(text);
  world.events("pay", 0, 5, 1);
  world.advance(200);
  world.clock.jump_to(RuleWorld::at(20));
  world.advance(20);
  const std::string expected = two ? "2 rules (One, Two)" : "1 rule (One)";
  const std::string pronoun = two ? "; they continue after" : "; it continues after";
  CHECK(world.alert_count("summary contains \"" + expected + "\" and summary contains \"" +
                          pronoun + "\"") == 2);
}

TEST_CASE("engine: a rule that never fires causes a warning, also without a database", "[rules]") {
  const auto rule = [](const std::string& expr) { return rule_file("", "\n          " + expr); };
  const auto check = [&](const std::string& expr, const std::string& warning) {
    INFO(expr);
    for (const bool stored : {false, true}) {
      RuleWorld world;
      const RuleLoadReport report =
          stored ? world.load(rule(expr)) : check_rules({{"rules.yml", rule(expr)}}, {});
      CHECK(report.errors.empty());
      REQUIRE(report.warnings.size() == 1);
      CHECK(report.warnings[0].starts_with("rules.yml:"));
      CHECK(report.warnings[0].find(warning) != std::string::npos);
      CHECK(report.schema_warnings.size() == (stored ? 1 : 0));
    }
  };
  check("from audit last 5m | stats n = count() by service | where n == 0",
        ": no row passes: `n == 0` is never true, because a group has at least one row");
  check(
      "from audit last 5m | stats n = count() by service | baseline 1d "
      "| where baseline(n, max) == 0",
      ": no row passes: `baseline(n, max) == 0` is never true");
  check(
      "from audit last 5m | let f = status == \"FAILED\" | stats n = count(f) by service "
      "| where n > 5",
      ": `count(f)` counts the rows in which `f` is true or false");
  check("from audit last 5m | where lower(message) contains \"Hello\" | stats n = count()",
        ": `lower(message)` has no letters A to Z");
  const auto clean = check_rules(
      {{"rules.yml", rule("from audit last 5m | stats n = count() by service | where n > 5")}}, {});
  CHECK(clean.warnings.empty());
  CHECK(clean.schema_warnings.empty());
}

TEST_CASE("engine: a rule with $noise_tolerance works, and a warning names its successor",
          "[rules]") {
  const std::string expr =
      "\n          from audit last 5m | stats n = count() by service | where n > $noise_tolerance";
  const RuleLoadReport report =
      check_rules({{"rules.yml", rule_file("", expr)}}, {{"noise_tolerance", Value::of(5.0)}});
  CHECK(report.errors.empty());
  REQUIRE(report.warnings.size() == 1);
  CHECK(report.warnings[0].find("`surprise >= $surprise_min` replace it") != std::string::npos);
}

TEST_CASE("engine: late events are found although the clock was set back", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 60);
  world.clock.jump_to(RuleWorld::at(56));  // not enough for the rules to be ahead
  world.events("web", 20, 25, 12, "FAILED");
  world.advance(61.5);
  world.advance(67);
  CHECK(world.alerts(R"(service == "web")") == Brief{"web:firing@25 late", "web:resolved@30 late"});
}

TEST_CASE("engine: the past of rules is not forgotten because of a clock that jumped", "[rules]") {
  RuleWorld world;
  world.load(rule_file(""));
  play_failures(world);
  world.run(0, 60);
  world.clock.jump_to(RuleWorld::at(61) + 10 * kDay);
  world.engine->evaluate_due();
  world.clock.jump_to(RuleWorld::at(61));
  world.run(61, 66);
  world.events("web", 20, 25, 12, "FAILED");
  world.run(67, 80);
  CHECK(world.alerts(R"(service == "web")") == Brief{"web:firing@25 late", "web:resolved@30 late"});
}

TEST_CASE("engine: catchup_wait is time that passes, not a time of day", "[rules]") {
  RuleEngineOptions options = RuleWorld::default_options();
  options.caught_up = [] { return false; };
  RuleWorld world(options);
  world.load(rule_file(""));
  play_failures(world);
  world.clock.jump_to(RuleWorld::at(40));
  world.advance(40);
  CHECK(world.status("Failures").evaluations == 0);
  world.clock.jump_to(RuleWorld::at(0));
  world.advance(11);
  CHECK(world.alert_count(R"(rule == "CatchupWaitOver")") == 2);
}

TEST_CASE("engine: a SELF alert that fired while the clock was ahead resolves", "[rules]") {
  RuleWorld world;
  world.clock.jump_to(RuleWorld::at(5) + 12 * kHour);
  world.load("groups: 1\n");
  world.clock.jump_to(RuleWorld::at(5));
  world.load(rule_file(""));
  world.advance(5);
  CHECK(world.alert_count(R"(rule == "RuleFileBroken" and state == "resolved")") == 1);
}
