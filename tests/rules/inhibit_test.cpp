#include "rules/inhibit.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rule_world.h"

using namespace tocsin;

namespace {

using Brief = std::vector<std::string>;

// One alert per service and status; `services` are services of the failures that count.
std::string failing(const std::string& name, const std::string& services,
                    const std::string& more = "") {
  return "      - alert: " + name +
         "\n        expr: |\n          from audit last 5m | stats n = count() where status == \"" +
         services + "\" by service | where n > 2\n" + more;
}

// `Cause` fires for failures, `Effect` for rows with the status LATE.
std::string two_rules(const std::string& inhibit_rules, const std::string& cause_keys = "",
                      const std::string& effect_keys = "") {
  return "groups:\n  - name: g\n    interval: 5m\n    rules:\n" +
         failing("Effect", "LATE", effect_keys) + failing("Cause", "FAILED", cause_keys) +
         inhibit_rules;
}

const std::string kInhibit = R"(
inhibit_rules:
  - source_matchers: ['alertname="Cause"']
    target_matchers: ['alertname="Effect"']
    equal: [service]
)";

// `Effect:firing@25 by Cause`, of one service.
Brief history(RuleWorld& world, const std::string& where = "service == \"pay\"") {
  QueryOptions query;
  query.now = world.clock.now();
  const auto table =
      world.queries->run("from alerts | where " + where +
                             " | sort time, -rule, state | keep rule, state, time, inhibited_by",
                         query);
  if (!table) FAIL(table.error().message);
  Brief out;
  for (size_t row = 0; row < table->row_count; ++row) {
    const auto minute = (table->columns[2].i64[row] - RuleWorld::start()) / kMinute;
    out.push_back(table->columns[0].text[row] + ":" + table->columns[1].text[row] + "@" +
                  std::to_string(minute));
    const Value by = table->columns[3].at(row);
    if (!by.is_null()) out.back() += " by " + std::get<std::string>(by.data);
  }
  return out;
}

// What the receiver gets, in its order.
Brief sent(RuleWorld& world) {
  Brief out;
  for (const SmallEntry& entry : world.outbox()) {
    const auto event = decode_alert(entry.value);
    REQUIRE(event);
    CHECK(event->inhibited_by.empty());
    out.push_back(event->rule + ":" + name_of(event->state) + "@" +
                  std::to_string((event->time - RuleWorld::start()) / kMinute));
  }
  return out;
}

void failures(RuleWorld& world, double from, double to, const std::string& status,
              const std::string& service = "pay") {
  for (double minute = from; minute < to; minute += 5) {
    world.events(service, minute, minute + 5, 5, status);
  }
}

}  // namespace

TEST_CASE("inhibit: matchers", "[rules]") {
  const auto check = [](const std::string& text, const std::string& value, bool expected) {
    INFO(text << " with " << value);
    const auto matcher = parse_label_matcher(text);
    REQUIRE(matcher);
    CHECK(matcher->name == "a");
    CHECK(matcher->matches(value) == expected);
  };
  check("a=\"x\"", "x", true);
  check(" a = \"x\" ", "xx", false);
  check("a=x", "x", true);
  check("a!=\"x\"", "x", false);
  check("a!=x", "", true);
  check("a=~\"x|y+\"", "yy", true);
  check("a=~\"x|y+\"", "xy", false);
  check("a=~\"x\"", "xx", false);
  check(R"(a=~"\d\.\d")", "1.5", true);
  check("a!~\"x.*\"", "xy", false);
  check("a!~\"x.*\"", "", true);
  check(R"(a="say \"hi\"\n")", "say \"hi\"\n", true);
  check("a=\"\"", "", true);
  for (const std::string text :
       {"", "a", "=x", "a!x", "a=\"x", "a=\"x\"y", "{a=\"x\"}", "a=\"x\",b=\"y\"", "a=~\"(\""}) {
    INFO(text);
    CHECK_FALSE(parse_label_matcher(text));
  }
}

TEST_CASE("inhibit: an inhibited alert is stored, and sent once it matches after its cause",
          "[rules]") {
  RuleWorld world;
  CHECK(world.load(two_rules(kInhibit)).errors == Brief{});
  failures(world, 20, 40, "FAILED");
  failures(world, 20, 60, "LATE");
  failures(world, 20, 40, "LATE", "web");  // without a cause
  world.run(0, 70);
  // 45 is the first window without a cause: it may still show the end of it.
  CHECK(history(world) == Brief{"Effect:firing@25 by Cause", "Cause:firing@25", "Cause:resolved@45",
                                "Effect:firing@50", "Effect:resolved@65"});
  CHECK(sent(world) == Brief{"Cause:firing@25", "Effect:firing@25", "Cause:resolved@45",
                             "Effect:resolved@45", "Effect:firing@50", "Effect:resolved@65"});
}

TEST_CASE("inhibit: what ends with its cause is never sent", "[rules]") {
  const auto play = [](const std::string& effect_keys, double effect_to) {
    RuleWorld world;
    world.load(two_rules(kInhibit, "", effect_keys));
    failures(world, 20, 40, "FAILED");
    failures(world, 25, effect_to, "LATE");
    world.run(0, 90);
    CHECK(sent(world) == Brief{"Cause:firing@25", "Cause:resolved@45"});
    return history(world, "rule == \"Effect\"");
  };
  CHECK(play("", 40) == Brief{"Effect:firing@30 by Cause", "Effect:resolved@45 by Cause"});
  // It goes on matching in the window in which the cause resolves.
  CHECK(play("", 45) == Brief{"Effect:firing@30 by Cause", "Effect:resolved@50 by Cause"});
  // It only continues, without a match.
  CHECK(play("        keep_firing_for: 20m\n", 45) ==
        Brief{"Effect:firing@30 by Cause", "Effect:resolved@70 by Cause"});
}

TEST_CASE("inhibit: what starts in the window in which its cause resolves is not sent", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit));
  failures(world, 20, 40, "FAILED");
  failures(world, 40, 45, "LATE");
  world.run(0, 60);
  CHECK(sent(world) == Brief{"Cause:firing@25", "Cause:resolved@45"});
  CHECK(history(world, "rule == \"Effect\"") ==
        Brief{"Effect:firing@45 by Cause", "Effect:resolved@50 by Cause"});
}

TEST_CASE("inhibit: a cause inhibits as long as it fires, also without a match", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit, "        keep_firing_for: 20m\n"));
  failures(world, 20, 30, "FAILED");
  failures(world, 35, 70, "LATE");
  world.run(0, 60);
  CHECK(history(world) == Brief{"Cause:firing@25", "Effect:firing@40 by Cause", "Effect:firing@55",
                                "Cause:resolved@55"});
}

TEST_CASE("inhibit: an alert sent before its cause fires is resolved as usual", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit));
  failures(world, 20, 40, "LATE");
  failures(world, 30, 50, "FAILED");
  world.run(0, 36);
  REQUIRE(world.status("Effect").active.size() == 1);
  CHECK(world.status("Effect").active[0].inhibited_by == Brief{"Cause"});
  world.run(37, 70);
  CHECK(sent(world) ==
        Brief{"Effect:firing@25", "Cause:firing@35", "Effect:resolved@45", "Cause:resolved@55"});
}

TEST_CASE("inhibit: a rise in severity is sent once the alert is no longer inhibited", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit, "", "        severity: [CRITICAL when n > 8, LOW]\n"));
  failures(world, 20, 70, "LATE");
  failures(world, 30, 40, "FAILED");
  failures(world, 30, 35, "LATE");
  world.run(0, 90);
  CHECK(history(world, "rule == \"Effect\"") == Brief{"Effect:firing@25",
                                                      "Effect:firing@35 by Cause",
                                                      "Effect:firing@50", "Effect:resolved@75"});
  CHECK(sent(world) == Brief{"Effect:firing@25", "Cause:firing@35", "Cause:resolved@45",
                             "Effect:firing@50", "Effect:resolved@75"});
}

TEST_CASE("inhibit: a restart or a reload in the middle changes nothing", "[rules]") {
  const auto play = [](double restart_at, bool reload) {
    RuleWorld world;
    world.load(two_rules(kInhibit));
    failures(world, 20, 40, "FAILED");
    failures(world, 20, 60, "LATE");
    world.run(0, restart_at);
    if (!reload) world.restart();
    CHECK(world.load(two_rules(kInhibit)).errors == Brief{});
    world.run(restart_at, 70);
    return history(world);
  };
  const Brief expected = {"Effect:firing@25 by Cause", "Cause:firing@25", "Cause:resolved@45",
                          "Effect:firing@50", "Effect:resolved@65"};
  for (const double minute : {22.0, 26.0, 41.0, 46.0, 51.0, 61.0}) {
    INFO("at " << minute);
    CHECK(play(minute, false) == expected);
    CHECK(play(minute, true) == expected);
  }
}

TEST_CASE("inhibit: without its inhibit rule an alert is sent at its next match", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit));
  failures(world, 20, 60, "FAILED");
  failures(world, 20, 60, "LATE");
  world.run(0, 31);
  CHECK(sent(world) == Brief{"Cause:firing@25"});
  const RuleLoadReport report = world.load(two_rules(""));
  CHECK(report.errors == Brief{});
  world.run(32, 40);
  CHECK(sent(world) == Brief{"Cause:firing@25", "Effect:firing@35"});
}

TEST_CASE("inhibit: an inhibited alert ends unsent with its rule, another is resolved", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit));
  failures(world, 20, 60, "FAILED");
  failures(world, 20, 60, "LATE");
  world.run(0, 31);
  world.load("groups: []\n");
  CHECK(sent(world) == Brief{"Cause:firing@25", "Cause:resolved@31"});
  CHECK(history(world, "rule == \"Effect\"") ==
        Brief{"Effect:firing@25 by Cause", "Effect:resolved@31 by Cause"});
}

TEST_CASE("inhibit: alerts found late are inhibited as well", "[rules]") {
  RuleWorld world;
  world.load(two_rules(kInhibit));
  failures(world, 20, 40, "FAILED");
  world.run(0, 70);
  failures(world, 20, 60, "LATE");
  failures(world, 30, 40, "LATE", "web");
  world.run(71, 90);
  CHECK(history(world, "rule == \"Effect\" and service == \"pay\"") ==
        Brief{"Effect:firing@25 by Cause", "Effect:firing@50", "Effect:resolved@65"});
  const Brief out = sent(world);
  CHECK(Brief(out.begin() + 2, out.end()) ==
        Brief{"Effect:firing@50", "Effect:resolved@65", "Effect:firing@35", "Effect:resolved@45"});
}

TEST_CASE("inhibit: the severe alerts of a rule inhibit its others", "[rules]") {
  RuleWorld world;
  world.load(two_rules(R"(
inhibit_rules:
  - source_matchers: ['severity=~"CRITICAL|LOW"']
    target_matchers: ['severity=~"LOW|MEDIUM"']
    equal: [alertname]
)",
                       "        severity: [CRITICAL when n > 8, LOW]\n"));
  failures(world, 20, 30, "FAILED");
  failures(world, 20, 30, "FAILED", "web");
  failures(world, 25, 30, "FAILED", "web");
  world.run(0, 26);
  // Two alerts that match both sides do not inhibit each other.
  CHECK(sent(world) == Brief{"Cause:firing@25", "Cause:firing@25"});
  world.run(27, 31);
  CHECK(world.status("Cause").active.size() == 2);
  for (const AlertEvent& event : world.status("Cause").active) {
    CHECK(event.inhibited_by == (event.service == "pay" ? Brief{"Cause"} : Brief{}));
  }
}

TEST_CASE("inhibit: rules that inhibit others are evaluated first", "[rules]") {
  RuleWorld world;
  const RuleLoadReport report =
      world.load("groups:\n  - name: g\n    interval: 5m\n    rules:\n" + failing("A", "FAILED") +
                 failing("B", "FAILED") + failing("C", "FAILED") + R"(
inhibit_rules:
  - source_matchers: [alertname=C]
    target_matchers: [alertname=B]
  - source_matchers: [alertname=B]
    target_matchers: [alertname=A]
)");
  CHECK(report.errors == Brief{});
  CHECK(report.inhibit_rule_count == 2);
  failures(world, 20, 25, "FAILED");
  world.run(0, 26);
  // An inhibited alert inhibits others nevertheless.
  CHECK(sent(world) == Brief{"C:firing@25"});
  CHECK(world.status("A").active.at(0).inhibited_by == Brief{"B"});
}

TEST_CASE("inhibit: a cycle is an error, and the earlier inhibit rules stay", "[rules]") {
  const auto inhibits = [](const std::string& source, const std::string& target,
                           const std::string& more = "") {
    return "  - source_matchers: ['" + source + "']\n    target_matchers: ['" + target + "']\n" +
           more;
  };
  RuleWorld world;
  const std::string first = "\ninhibit_rules:\n" + inhibits("alertname=Cause", "alertname=Effect");
  CHECK(world.load(two_rules(first)).errors == Brief{});
  const RuleLoadReport report =
      world.load(two_rules(first + inhibits("alertname=Effect", "severity=MEDIUM")));
  CHECK(report.errors ==
        Brief{"rules.yml:15:5: inhibit_rules[2]: with this, alerts would inhibit each other in a "
              "circle: Effect -> Cause -> Effect; name the rules of one side by `alertname`, or "
              "add `alertname` to `equal`"});
  CHECK(report.inhibit_rule_count == 1);
  CHECK(world.alert_count("rule == \"RuleFileBroken\" and state == \"firing\"") == 1);
  // No cycle: labels that differ, or severities that a rule does not have.
  const auto check = [&](const std::string& text) {
    CHECK(world.load(two_rules(first + text)).errors == Brief{});
  };
  check(inhibits("alertname=Effect", "severity=MEDIUM", "    equal: [alertname]\n"));
  check(inhibits("alertname=Effect", "severity=HIGH"));
  check(inhibits("alertname=Effect", "team=x"));
  // A file whose inhibit rules cannot be read keeps the ones that it had.
  const RuleLoadReport broken = world.load(two_rules(first + "  - source_matchers: [alertname]\n"));
  CHECK(broken.errors.size() == 2);
  CHECK(broken.inhibit_rule_count == 2);
}

TEST_CASE("inhibit: a file may have inhibit rules only, and is warned of what does nothing",
          "[rules]") {
  RuleWorld world;
  const RuleLoadReport report =
      world.engine->load({{"rules.yml", two_rules("")},
                          {"inhibit.yml",
                           "inhibit_rules:\n  - source_matchers: [alertname=Cause]\n"
                           "    target_matchers: [alertname=Efect]\n"}});
  CHECK(report.errors == Brief{});
  CHECK(report.warnings == Brief{"inhibit.yml:2: inhibit_rules[1]: no rule has alerts that match "
                                 "`target_matchers`, so it does nothing"});
}
