// Files of rule tests: reading them, running them, comparing, and rewriting expectations.
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.h"
#include "tools/rule_tests/junit.h"
#include "tools/rule_tests/point.h"
#include "tools/rule_tests/run.h"
#include "tools/rule_tests/test_file.h"
#include "tools/rule_tests/update.h"

namespace tocsin::rule_tests {
namespace {

const std::string kRules = R"(groups:
  - name: g
    rules:
      - alert: Failures
        expr: |
          from audit last 10m
          | stats failed = count() where status == "FAILED", total = count() by service
          | where failed >= $least
        value: failed
        for: 2m
        severity: [CRITICAL when failed > 50, HIGH]
        annotations: {summary: "{{ service }}: {{ failed }} of {{ total }}"}
)";

/// A folder with `rules.yml` and a test file.
class Files {
 public:
  explicit Files(const std::string& tests) {
    folder_.write("rules.yml", kRules);
    path_ = folder_.write("test.yml", "rule_files: [rules.yml]\ntests:\n" + tests);
  }

  Result<TestFile> read() const { return read_test_file(path_, {{"least", "3"}}); }
  std::vector<TestResult> run() const {
    const auto file = read();
    if (!file) FAIL(file.error().message);
    std::vector<TestResult> out;
    for (const RuleTest& test : file->tests) {
      auto result = run_test(*file, test, nullptr);
      if (!result) FAIL(result.error().message);
      out.push_back(*std::move(result));
    }
    return out;
  }
  /// All failures of all tests, one after the other.
  std::string failures() const {
    std::string out;
    for (const TestResult& result : run()) {
      for (const Failure& failure : result.failures) out += failure.text + '\n';
    }
    return out;
  }
  std::string error() const {
    const auto file = read();
    return file ? "" : file.error().message;
  }
  const test::TemporaryFolder& folder() const { return folder_; }

 private:
  test::TemporaryFolder folder_;
  std::string path_;
};

bool contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  UNSCOPED_INFO(text);
  return false;
}

// The block of a Markdown file that begins with a line.
std::string block_of(const std::string& markdown, const std::string& first_line) {
  const size_t begin = markdown.find("```yaml\n" + first_line) + std::string("```yaml\n").size();
  return markdown.substr(begin, markdown.find("```", begin) - begin);
}

}  // namespace

TEST_CASE("rule tests: the example of rules/README.md passes with the rule there", "[rule_tests]") {
  const auto readme = read_text_file(TOCSIN_SOURCE_DIR "/rules/README.md");
  REQUIRE(readme);
  const Files files("");
  std::string rules = "groups:\n- name: g\n  rules:\n";
  std::istringstream lines(block_of(*readme, "- alert: TooManyFailures"));
  for (std::string line; std::getline(lines, line);) rules += "  " + line + '\n';
  files.folder().write("rules.yml", rules);
  files.folder().write("test.yml", block_of(*readme, "rule_files:"));
  files.folder().write(
      "more.jsonl", R"({"measurement":"audit","time":"+1m","service":"web","status":"SUCCESS"})");
  CHECK(files.run().size() == 1);
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: times count from the start", "[rule_tests]") {
  CHECK(parse_point("5m", kDay).value() == kDay + 5 * kMinute);
  CHECK(parse_point("+1h30m", kDay).value() == kDay + 90 * kMinute);
  CHECK(parse_point("-1d", kDay).value() == 0);
  CHECK(parse_point("1970-01-03T00:00:00Z", 0).value() == 2 * kDay);
  CHECK_FALSE(parse_point("soon", 0));
  CHECK_FALSE(parse_point("", 0));
  CHECK_FALSE(parse_point("--5m", 0));
}

TEST_CASE("rule tests: events of every form reach the rules", "[rule_tests]") {
  const Files files(R"(
  - name: forms
    events:
      - '{"measurement": "audit", "time": "+1m", "service": "json", "status": "FAILED"}'
      - |
        # a comment

        audit,service=line,status=FAILED n=1i +2m
        {"measurement": "audit", "time": "2026-01-01T00:03:00Z", "service": "absolute", "status": "FAILED"}
      - {file: more.jsonl}
      - generate: {measurement: audit, tags: {service: "with space", status: [FAILED, OK]}, every: 30s, count: 4, from: 4m}
      - generate: {measurement: audit, tags: {service: early, status: FAILED}, fields: {ok: true, text: "a, b", n: 3}, every: 1h, for: 3h, from: -2h}
    query_test:
      - eval_time: 10m
        query: from audit between 2025-12-31T00:00:00Z and now | stats n = count() by service, status | sort service, status
        exp_rows:
          - {service: absolute, status: FAILED, n: 1}
          - {service: early, status: FAILED, n: 3}
          - {service: file, n: 1}
          - {service: json, n: 1}
          - {service: line, n: 1}
          - {service: with space, status: FAILED, n: 2}
          - {service: with space, status: OK, n: 2.0}
      - eval_time: 10m
        query: from audit last 1d | where service == "early" | keep ok, text, n | limit 1
        exp_rows: [{ok: true, text: "a, b", n: 3}]
)");
  files.folder().write("more.jsonl",
                       "{\"measurement\":\"audit\",\"time\":\"+5m\",\"service\":\"file\"}\n");
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: pending, firing and resolved alerts at their times", "[rule_tests]") {
  const Files files(R"(
  - name: states
    events:
      - generate: {measurement: audit, tags: {service: pay, status: FAILED}, every: 1m, for: 10m}
    alert_rule_test:
      - {eval_time: 2m, alertname: Failures}
      - eval_time: 4m
        alertname: Failures
        exp_alerts: [{exp_state: pending, exp_labels: {service: pay}}]
      - eval_time: 5m
        alertname: Failures
        exp_alerts:
          - exp_labels: {service: pay, alertname: Failures, severity: HIGH}
            exp_severity: HIGH
            exp_annotations: {summary: "pay: 5 of 5"}
      - eval_time: 1h
        alertname: Failures
        exp_alerts: [{exp_state: resolved, exp_labels: {service: pay}}]
      - {eval_time: 1h, alertname: Failures, exp_alerts: []}
)");
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: a difference shows both sides", "[rule_tests]") {
  const Files files(R"(
  - name: different
    events:
      - generate: {measurement: audit, tags: {service: [pay, web], status: FAILED}, every: 1m, for: 1h}
    alert_rule_test:
      - eval_time: 30m
        alertname: Failures
        exp_alerts:
          - exp_labels: {service: web}
          - exp_labels: {service: shop}
    query_test:
      - eval_time: 30m
        query: from audit last 10m | stats n = count() by service
        exp_rows: [{services: pay, n: 5}]
)");
  const std::string text = files.failures();
  CHECK(contains(text,
                 "Failures at +30m (2026-01-01T00:30:00Z)\n  expected:\n"
                 "    firing {service=\"web\"}\n    firing {service=\"shop\"}\n  got:\n"));
  CHECK(contains(text, "firing HIGH {service=\"pay\"} annotations {summary=\"pay: 4 of 4\"}"));
  CHECK(contains(text, "  <- not expected"));
  CHECK(
      contains(text, "the result has no column services\n  expected:\n    {services: pay, n: 5}"));
}

TEST_CASE("rule tests: only exact checks compare what they do not name", "[rule_tests]") {
  const std::string events = R"(
    events:
      - generate: {measurement: audit, tags: {service: pay, status: FAILED}, every: 1m, for: 1h}
    alert_rule_test:
      - eval_time: 30m
        alertname: Failures
)";
  const std::string expected = "        exp_alerts: [{exp_labels: {service: pay}}]\n";
  CHECK(Files("  - name: a" + events + expected).failures() == "");
  CHECK_FALSE(
      Files("  - name: a" + events + "        exact: true\n" + expected).failures().empty());
}

TEST_CASE("rule tests: expected alerts are assigned so that all find one", "[rule_tests]") {
  // The first expectation fits both alerts, the second only one of them.
  const Files files(R"(
  - name: assignment
    events:
      - generate: {measurement: audit, tags: {service: [a, b], status: FAILED}, every: 30s, for: 1h}
    alert_rule_test:
      - eval_time: 30m
        alertname: Failures
        exp_alerts: [{exp_severity: HIGH}, {exp_labels: {service: a}}]
)");
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: late events arrive when they say", "[rule_tests]") {
  const Files files(R"(
  - name: late
    events:
      - generate: {measurement: audit, tags: {service: web, status: OK}, every: 1m, for: 2h}
      - arrives: 1h
        generate: {measurement: audit, tags: {service: pay, status: FAILED}, every: 1m, for: 20m}
    alert_rule_test:
      - {eval_time: 59m, alertname: Failures, exp_alerts: []}
      - eval_time: 80m
        alertname: Failures
        exp_alerts: [{exp_state: resolved, exp_labels: {service: pay}}]
    query_test:
      - eval_time: 59m
        query: from audit last 1h | where service == "pay" | stats n = count()
        exp_rows: [{n: 0}]
)");
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: days of events and windows take no time", "[rule_tests]") {
  const Files files(R"(
  - name: days
    events:
      - generate: {measurement: audit, tags: {service: web, status: OK}, every: 20s, for: 8d}
      - generate: {measurement: audit, tags: {service: web, status: FAILED}, every: 1m, count: 9, from: 7d}
    alert_rule_test:
      - {eval_time: 6d, alertname: Failures, exp_alerts: []}
      - eval_time: 169h
        alertname: Failures
        exp_alerts: [{exp_state: resolved, exp_labels: {service: web}}]
)");
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: a check sees no events after its time", "[rule_tests]") {
  const Files files(R"(
  - name: future
    events:
      - generate: {measurement: audit, tags: {service: web}, every: 1h, count: 48}
    query_test:
      - {eval_time: 90m, query: from audit | stats n = count(), exp_rows: [{n: 2}]}
      - {eval_time: 26h, query: from audit | stats n = count(), exp_rows: [{n: 27}]}
)");
  CHECK(files.failures() == "");
}

TEST_CASE("rule tests: times that no clock can show are mistakes", "[rule_tests]") {
  CHECK(contains(Files("  - {events: ['a b=1 +106000d']}\n").error(), "1677 and 2262"));
  CHECK(contains(
      Files("  - {events: [{generate: {measurement: a, every: 366d, count: 5000000}}]}\n").error(),
      "events.generate: the last event is after the year 2262"));
}

TEST_CASE("rule tests: mistakes in a file are found together", "[rule_tests]") {
  const std::string error = Files(R"(
  - nam: x
    input_series: []
    start: yesterday
    time_zone: Mars/Olympus
    events:
      - generate: {measurement: a, tag: {}}
      - foo
      - {lines: 'a b=1'}
      - {file: none.jsonl}
      - {arrives: 1m, lines: 'a b=1 +5m'}
      - {}
    alert_rule_test:
      - alertname: Y
        eval_time: -3m
        exp_alerts: [{exp_state: fire, exp_severity: huge, exp_labels: 3}]
    query_test: [{query: 3, exp_rows: [4]}]
)")
                                .error();
  CHECK(contains(error, "unknown key `nam` in tests[1]; did you mean `name`?"));
  CHECK(contains(error, "input_series: rules read events, not series; write `events`"));
  CHECK(contains(error, "tests[1].start: expected a time"));
  CHECK(contains(error, "tests[1].time_zone: "));
  CHECK(contains(error, "unknown key `tag` in events.generate; did you mean `tags`?"));
  CHECK(contains(error, "events.generate: expected `for` or `count`"));
  CHECK(contains(error, "events: line 1: missing fields"));
  CHECK(contains(error, "events: line 1: the event has no time"));
  CHECK(contains(error, "none.jsonl: No such file"));
  CHECK(contains(error, "an event arrives before its time"));
  CHECK(contains(error, "expected one of the keys lines, file and generate"));
  CHECK(contains(error, "eval_time: is before the start"));
  CHECK(contains(error, "exp_state: expected firing, pending"));
  CHECK(contains(error, "exp_severity: expected LOW"));
  CHECK(contains(error, "exp_labels"));
  CHECK(contains(error, "query_test[1].eval_time"));
  CHECK(contains(error, "exp_rows[1]: expected a map"));
}

TEST_CASE("rule tests: wrong rules and misspelt names fail the test", "[rule_tests]") {
  const std::string check = "    alert_rule_test: [{eval_time: 1m, alertname: Failurs}]\n";
  CHECK(contains(Files("  - name: a\n" + check).failures(),
                 "no rule file has an alert named `Failurs`"));
  const Files files("  - name: a\n");
  files.folder().write("rules.yml", "groups: [{name: g, rules: [{alert: A, expr: from}]}]");
  CHECK(contains(files.failures(), "rules.yml:1"));
  const Files missing("  - name: a\n");
  missing.folder().remove("rules.yml");
  CHECK(contains(missing.error(), "rule_files: "));
}

TEST_CASE("rule tests: an update rewrites only what failed", "[rule_tests]") {
  const std::string before = R"(
  - name: update
    events:
      - generate: {measurement: audit, tags: {service: "a\"b", status: FAILED}, every: 1m, for: 10m}
    alert_rule_test:
      # fires
      - eval_time: 8m
        exp_alerts:
          - exp_labels: {service: wrong}
            exp_annotations: {summary: x}

        alertname: Failures  # stays
      - eval_time: 1m
        alertname: Failures
        exp_alerts:
        - exp_labels: {service: none}
      - alertname: Failures
        eval_time: 9m
)";
  const Files files(before);
  const auto file = files.read();
  REQUIRE(file);
  const std::vector<TestResult> results = files.run();
  const auto text = updated_text(*file, {&file->tests[0]}, results);
  REQUIRE(text);
  const std::string after = R"(
  - name: update
    events:
      - generate: {measurement: audit, tags: {service: "a\"b", status: FAILED}, every: 1m, for: 10m}
    alert_rule_test:
      # fires
      - eval_time: 8m
        exp_alerts:
          - exp_labels: {service: "a\"b"}
            exp_severity: HIGH
            exp_annotations: {summary: "a\"b: 5 of 5"}

        alertname: Failures  # stays
      - eval_time: 1m
        alertname: Failures
        exp_alerts: []
      - alertname: Failures
        eval_time: 9m
        exp_alerts:
          - exp_labels: {service: "a\"b"}
            exp_severity: HIGH
)";
  CHECK(*text == "rule_files: [rules.yml]\ntests:\n" + after);
  CHECK(Files(after).failures() == "");

  // Checks that did not run say nothing about the alerts.
  files.folder().write("rules.yml", "groups: [{name: g, rules: [{alert: A, expr: from}]}]");
  CHECK(updated_text(*file, {&file->tests[0]}, files.run()).value() == file->text);

  const Files flow(
      "  - {alert_rule_test: [{eval_time: 1m, alertname: Failures, exp_alerts: [{}]}]}\n");
  const auto flow_file = flow.read();
  REQUIRE(flow_file);
  const auto refused = updated_text(*flow_file, {&flow_file->tests[0]}, flow.run());
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().message, "test.yml:3:"));
}

TEST_CASE("rule tests: the report is XML whatever the texts contain", "[rule_tests]") {
  TestResult failed;
  failed.failures = {{{3, 1}, "a < b & \"c\"\n\x01"}};
  const std::string xml =
      junit_xml({{"a.yml", "one", {}}, {"a.yml", "two", failed}, {"b.yml", "<3>", {}}});
  CHECK(contains(xml, "<testsuite name=\"a.yml\" tests=\"2\" failures=\"1\""));
  CHECK(contains(xml,
                 "<failure message=\"a &lt; b &amp; &quot;c&quot;\">a.yml:3: a &lt; b &amp; "
                 "&quot;c&quot;&#10;\\x01</failure>"));
  CHECK(contains(xml, "name=\"&lt;3&gt;\""));
}

}  // namespace tocsin::rule_tests
