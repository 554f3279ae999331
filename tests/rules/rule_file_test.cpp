#include "rules/rule_file.h"

#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr const char* kFile = R"(groups:
  - name: services
    interval: 5m
    params: {min_events: 20, share: 0.5, window: 15m, team: pay}
    labels: {site: berlin, team: all}
    rules:
      - alert: FailureRateSpike
        expr: |
          from audit last 5m
          | stats total = count() by service
        value: total
        severity:
          - CRITICAL when total > 100
          - HIGH
        for: 10m
        keep_firing_for: 15m
        labels: {team: payments}
        annotations:
          summary: "{{ service }}: {{ total }}"
      - alert: Plain
        type: OTHER
        expr: from audit last 5m | stats n = count() by service
)";

}  // namespace

TEST_CASE("rule file: a rule combines its own settings with those of its group", "[rules]") {
  const ParsedRuleFile file = parse_rule_file({"a.yml", kFile});
  CHECK(file.errors.empty());
  REQUIRE(file.rules.size() == 2);
  const Rule& rule = file.rules[0];
  CHECK(rule.name == "FailureRateSpike");
  CHECK(rule.type == "FAILURE_RATE_SPIKE");
  CHECK(rule.group == "services");
  CHECK(rule.file == "a.yml");
  CHECK(rule.position == FilePosition{7, 9});
  CHECK(rule.interval == 5 * kMinute);
  CHECK(rule.expr.text == "from audit last 5m\n| stats total = count() by service\n");
  CHECK(rule.value.text == "total");
  REQUIRE(rule.severities.size() == 2);
  CHECK(rule.severities[0].severity == Severity::kCritical);
  CHECK(rule.severities[0].condition.text == "total > 100");
  CHECK(rule.severities[0].condition.at(0) == FilePosition{13, 27});
  CHECK(rule.severities[1] == SeverityCase{Severity::kHigh, {}});
  CHECK(rule.hold == 10 * kMinute);
  CHECK(rule.keep_firing_for == 15 * kMinute);
  CHECK(rule.labels ==
        std::map<std::string, std::string>{{"site", "berlin"}, {"team", "payments"}});
  REQUIRE(rule.annotations.size() == 1);
  CHECK(rule.annotations[0].first == "summary");
  CHECK(rule.parameters.at("min_events") == Value::of(int64_t{20}));
  CHECK(rule.parameters.at("share") == Value::of(0.5));
  CHECK(rule.parameters.at("window") == Value::duration(15 * kMinute));
  CHECK(rule.parameters.at("team") == Value::of("pay"));

  const Rule& plain = file.rules[1];
  CHECK(plain.type == "OTHER");
  CHECK(plain.severities == std::vector<SeverityCase>{{Severity::kMedium, {}}});
  CHECK(plain.labels.at("team") == "all");
}

TEST_CASE("rule file: a position inside a text is mapped to the file", "[rules]") {
  const Rule rule = parse_rule_file({"a.yml", kFile}).rules.at(0);
  CHECK(rule.expr.at(0) == FilePosition{9, 11});
  CHECK(rule.expr.at(rule.expr.text.find("stats")) == FilePosition{10, 13});
  const RuleText part = rule.expr.part(5, 30);
  CHECK(part.at(0) == FilePosition{9, 16});
  CHECK(part.at(part.text.find("stats")) == FilePosition{10, 13});
}

TEST_CASE("rule file: an error in one rule does not affect the others", "[rules]") {
  std::string text = kFile;
  text.replace(text.find("for: 10m"), 8, "for: ten");
  const ParsedRuleFile file = parse_rule_file({"a.yml", text});
  CHECK(file.errors.size() == 1);
  REQUIRE(file.rules.size() == 1);
  CHECK(file.rules[0].name == "Plain");
}

TEST_CASE("rule file: a rule that only moved is unchanged", "[rules]") {
  const Rule rule = parse_rule_file({"a.yml", kFile}).rules.at(0);
  const std::string moved = "# a comment\n" + std::string(kFile);
  CHECK(rule.same_as(parse_rule_file({"b.yml", moved}).rules.at(0)));
  std::string changed = kFile;
  changed.replace(changed.find("> 100"), 5, "> 200");
  CHECK_FALSE(rule.same_as(parse_rule_file({"a.yml", changed}).rules.at(0)));
}

TEST_CASE("rule file: a value may be a column of a type that is not known yet", "[rules]") {
  const std::string head = "groups:\n  - name: g\n    rules:\n";
  const std::string expr =
      "        expr: from worker last 5m | stats high = max(done), ok = min(ok) by host\n";
  const RuleLoadReport report =
      check_rules({{"a.yml", head + "      - alert: A\n" + expr + "        value: high\n" +
                                 "        severity: [HIGH when ok, LOW]\n"}},
                  {});
  CHECK(report.errors == std::vector<std::string>{});
  CHECK(report.added == std::vector<std::string>{"A"});
}

TEST_CASE("rule file: the type of a parameter follows from its text", "[rules]") {
  CHECK(parse_parameter("-3") == Value::of(int64_t{-3}));
  CHECK(parse_parameter("2.0") == Value::of(2.0));
  CHECK(parse_parameter("1h30m") == Value::duration(90 * kMinute));
  CHECK(parse_parameter("true") == Value::of(true));
  CHECK(parse_parameter("") == Value::of(""));
  CHECK(parse_parameter("nan") == Value::of("nan"));
  CHECK(parse_parameter("5 apples") == Value::of("5 apples"));
  CHECK(parse_parameter("1970-01-02") == Value::time(kDay));
  CHECK(parse_parameter("1970-01-01T00:00:01.5Z") == Value::time(1'500 * kMillisecond));
  CHECK(parse_parameter("1970-01-02", *TimeZone::load("Europe/Berlin")) == Value::time(23 * kHour));
  CHECK(parse_parameter("1970-13-01") == Value::of("1970-13-01"));
  CHECK(parse_parameter(R"("8123")") == Value::of("8123"));
  CHECK(parse_parameter(R"("2026-11-24")") == Value::of("2026-11-24"));
  CHECK(parse_parameter(R"("a \"b\"\n")") == Value::of("a \"b\"\n"));
  CHECK(parse_parameter(R"("a" b)") == Value::of(R"("a" b)"));
  CHECK(parse_parameter("\"") == Value::of("\""));
}
