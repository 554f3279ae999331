// `parts`: rules whose query runs once for each of some columns.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rule_world.h"
#include "rules/late.h"
#include "rules/rule_file.h"

using namespace tocsin;

namespace {

using Brief = std::vector<std::string>;

std::string parts_rule(const std::string& parts, const std::string& stages,
                       const std::string& keys = "") {
  return "groups:\n  - name: g\n    interval: 5m\n    rules:\n      - alert: Parts\n        "
         "parts: " +
         parts +
         "\n        expr: |\n          from audit last 5m | let part = $part\n"
         "          | stats n = count() by service, part\n          | " +
         stages + "\n" + keys;
}

Rule parsed(const std::string& text) {
  const ParsedRuleFile file = parse_rule_file({"a.yml", text});
  CHECK(file.errors == Brief{});
  REQUIRE(file.rules.size() == 1);
  return file.rules[0];
}

// 20 events of each service every 5 minutes; a fifth of those of `pay` fail from 20 to 35.
void play_parts(RuleWorld& world) {
  for (int minute = 0; minute < 60; minute += 5) {
    const bool incident = minute >= 20 && minute < 35;
    world.events("web", minute, minute + 5, 20);
    world.events("pay", minute, minute + 5, incident ? 16 : 20);
    if (incident) world.events("pay", minute, minute + 5, 4, "FAILED");
  }
}

}  // namespace

TEST_CASE("parts: the query names each column where it says $part", "[rules]") {
  const Rule rule = parsed(
      "groups:\n  - name: g\n    rules:\n      - alert: A\n        parts: [service, the host, "
      "other]\n        expr: from audit last $partial | stats $part, x by $part\n");
  REQUIRE(rule.query_count() == 3);
  CHECK(rule.query_of(0) == "from audit last $partial | stats service, x by service");
  CHECK(rule.query_of(1) == "from audit last $partial | stats `the host`, x by `the host`");
  for (size_t part = 0; part < 3; ++part) {
    const std::string query = rule.query_of(part);
    for (const char* word : {"from", "$partial", "stats", ", x", " by"})
      CHECK(rule.offset_in_expr(part, query.find(word)) == rule.expr.text.find(word));
    CHECK(rule.offset_in_expr(part, query.size()) == rule.expr.text.size());
    CHECK(rule.offset_in_expr(part, query.size() - 1) == rule.expr.text.rfind("$part"));
  }
  const Rule one = parsed(parts_rule("service", "where n > 1"));
  CHECK(one.parts == Brief{"service"});
  const Rule whole = parsed(
      "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: from a last $part\n");
  CHECK(whole.query_count() == 1);
  CHECK(whole.query_of(0) == "from a last $part");
  CHECK(whole.offset_in_expr(0, 14) == 14);
}

TEST_CASE("parts: an instance fires that only one of the parts finds", "[rules]") {
  const std::string failed =
      "where part == \"FAILED\" and n > 2 | stats n = max(n), part = max(part) by service";
  const auto play = [&](const std::string& parts) {
    RuleWorld world;
    const RuleLoadReport report = world.load(parts_rule(parts, failed));
    CHECK(report.errors == Brief{});
    play_parts(world);
    world.run(0, 60);
    return world.alerts();
  };
  const Brief fires = {"pay:firing@25", "pay:resolved@40"};
  CHECK(play("[service]") == Brief{});
  CHECK(play("[service, status]") == fires);
  CHECK(play("[status, service]") == fires);
  CHECK(play("[service, nosuch, status]") == fires);  // a column that does not exist yet
  CHECK(play("[service, nosuch]") == Brief{});
}

TEST_CASE("parts: an instance has the row of the first part that finds it", "[rules]") {
  const auto values = [](const std::string& parts) {
    RuleWorld world;
    CHECK(world
              .load(parts_rule(parts, "stats n = min(n) by service",
                               "        value: n\n        severity: [HIGH when n > 10, LOW]\n"))
              .errors == Brief{});
    play_parts(world);
    world.run(0, 60);
    // The first window in which the parts differ raises the severity only if the whole comes first.
    QueryOptions query;
    query.now = world.clock.now();
    const auto table = world.queries->run(
        "from alerts | where service == \"pay\" and state == \"firing\" | keep value, severity",
        query);
    REQUIRE(table);
    Brief out;
    for (size_t row = 0; row < table->row_count; ++row) {
      out.push_back(std::to_string(static_cast<int>(table->columns[0].f64[row])) + " " +
                    table->columns[1].text[row]);
    }
    return out;
  };
  CHECK(values("[service, status]") == Brief{"20 HIGH"});
  CHECK(values("[status, service]") == Brief{"20 HIGH"});  // it falls to 4 and rises again
}

TEST_CASE("parts: an instance is unknown only if no part has its baseline", "[rules]") {
  const auto play = [](const std::string& parts, const std::string& excluding) {
    RuleWorld world;
    CHECK(world
              .load(parts_rule(parts, "baseline 20m min 2" + excluding +
                                          " | where n > 2 * baseline(n) | stats n = max(n) by "
                                          "service"))
              .errors == Brief{});
    for (int minute = 0; minute < 90; minute += 5) {
      const bool incident = minute >= 30 && minute < 70;
      world.events("pay", minute, minute + 5, incident ? 200 : 20);
      world.events("pay", minute, minute + 5, 20, "FAILED");
    }
    world.run(0, 90);
    return world.alerts();
  };
  for (const char* parts : {"[service]", "[status]", "[service, status]", "[status, service]"}) {
    INFO(parts);
    CHECK(play(parts, "") == Brief{"pay:firing@35", "pay:resolved@45"});
    // At 50 and 55 all windows are excluded, in every part.
    CHECK(play(parts, " excluding alerts") == Brief{"pay:firing@35", "pay:resolved@60"});
  }
}

TEST_CASE("parts: a rule learns only as long as every part does", "[rules]") {
  const auto health = [](const std::string& parts) {
    RuleWorld world;
    CHECK(world
              .load(parts_rule(parts,
                               "where part != \"pay\" | baseline 20m min 2 | where n > 2 * "
                               "baseline(n) | stats n = max(n) by service"))
              .errors == Brief{});
    play_parts(world);
    world.run(0, 10);
    const auto early = world.status("Parts").health;
    world.run(11, 60);
    return std::pair(early, world.status("Parts").health);
  };
  CHECK(health("[service, status]") == std::pair(RuleHealth::kLearning, RuleHealth::kOk));
}

TEST_CASE("parts: belong to the version of a rule", "[rules]") {
  const auto version = [](const std::string& parts) {
    return rule_version_of(parsed(parts_rule(parts, "where n > 1")), {}, TimeZone());
  };
  CHECK(version("[service, host]") == version("[service, host]"));
  CHECK(version("[service, host]") != version("[service]"));
  CHECK(version("[service]") != version("[host]"));
  const Rule one = parsed(parts_rule("[service]", "where n > 1"));
  CHECK(one.same_as(parsed(parts_rule("[service]", "where n > 1"))));
  CHECK_FALSE(one.same_as(parsed(parts_rule("[service, host]", "where n > 1"))));

  // Windows that other parts evaluated are not re-evaluated because of late events.
  RuleWorld world;
  const std::string failed = "where part == \"FAILED\" and n > 2 | stats n = max(n) by service";
  REQUIRE(world.load(parts_rule("[service]", failed)).errors.empty());
  play_parts(world);
  world.run(0, 40);
  CHECK(world.load(parts_rule("[service, status]", failed)).changed == Brief{"Parts"});
  world.run(41, 46);
  world.events("web", 20, 25, 5);
  world.run(47, 60);
  CHECK(world.alerts() == Brief{});
}
