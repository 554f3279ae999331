#include "rules/apply.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr Duration kStep = 5 * kMinute;
constexpr Timestamp at(int step) { return 1000 * kDay + step * kStep; }

Rule example_rule() {
  Rule rule;
  rule.name = "R";
  rule.type = "T";
  rule.interval = kStep;
  rule.labels = {{"team", "pay"}};
  return rule;
}

GroupValues service(const std::string& name) { return {{"service", Value::of(name)}}; }
std::string id(const std::string& name) { return fingerprint("R", service(name)); }

Evaluation seen(int step, const std::vector<std::string>& services, double value = 1) {
  Evaluation out;
  out.window = {at(step) - kStep, at(step)};
  for (const std::string& name : services) {
    out.rows[id(name)] = {
        service(name), Severity::kHigh, value, 0.5, {{"summary", name + " is ill"}}};
  }
  return out;
}

ApplyOptions apply_options() {
  ApplyOptions out;
  out.written_at = 77;
  out.samples = [](const GroupValues&, TimeRange) { return std::vector<std::string>{"{}"}; };
  return out;
}

// `service:state@step`, in the order of the events.
std::vector<std::string> brief(const std::vector<AlertEvent>& events) {
  std::vector<std::string> out;
  for (const AlertEvent& event : events) {
    out.push_back(event.service + ":" + name_of(event.state) + "@" +
                  std::to_string((event.time - at(0)) / kStep) + (event.late ? " late" : ""));
  }
  return out;
}

using Brief = std::vector<std::string>;

}  // namespace

TEST_CASE("apply: an event carries the row, the window and the rule's labels", "[rules]") {
  RuleState state;
  const auto events = apply_evaluation(example_rule(), apply_options(), seen(3, {"a"}), state);
  REQUIRE(events.size() == 1);
  const AlertEvent& event = events[0];
  CHECK(event.time == at(3));
  CHECK(event.written_at == 77);
  CHECK(event.window_from == at(2));
  CHECK(event.window_to == at(3));
  CHECK(event.started_at == at(3));
  CHECK(event.severity == Severity::kHigh);
  CHECK(event.value == 1);
  CHECK(event.baseline == 0.5);
  CHECK(event.summary == "a is ill");
  CHECK(event.fingerprint == id("a"));
  CHECK(event.labels == std::map<std::string, std::string>{{"service", "a"}, {"team", "pay"}});
  CHECK(event.samples == std::vector<std::string>{"{}"});
}

TEST_CASE("apply: labels of different instances differ", "[rules]") {
  Evaluation evaluation = seen(1, {});
  for (const double code : {12'345'678.0, 12'345'679.0}) {
    const GroupValues group = {{"code", Value::of(code)}};
    evaluation.rows[fingerprint("R", group)] = {group, Severity::kHigh, 1, 1, {}};
  }
  RuleState state;
  const auto events = apply_evaluation(example_rule(), apply_options(), evaluation, state);
  REQUIRE(events.size() == 2);
  CHECK(events[0].labels != events[1].labels);
}

TEST_CASE("apply: instances fire and resolve independently", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  CHECK(brief(apply_evaluation(rule, apply_options(), seen(1, {"a"}), state)) ==
        Brief{"a:firing@1"});
  CHECK(brief(apply_evaluation(rule, apply_options(), seen(2, {"a", "b"}), state)) ==
        Brief{"b:firing@2"});
  const auto events = apply_evaluation(rule, apply_options(), seen(3, {"b"}), state);
  CHECK(brief(events) == Brief{"a:resolved@3"});
  CHECK(events[0].started_at == at(1));
  CHECK(events[0].summary == "a is ill");
  CHECK(events[0].severity == Severity::kHigh);
  CHECK(state.instances.at(id("a")).runs ==
        std::vector<MatchRun>{{at(1), at(2), at(1), true, false, false, Severity::kHigh}});
  CHECK(state.instances.at(id("b")).runs ==
        std::vector<MatchRun>{{at(2), at(3), at(2), false, false, false, Severity::kHigh}});
}

TEST_CASE("apply: an instance without a baseline keeps its state", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  apply_evaluation(rule, apply_options(), seen(1, {"a"}), state);
  Evaluation nothing = seen(2, {});
  nothing.unknown = {id("a")};
  CHECK(apply_evaluation(rule, apply_options(), nothing, state).empty());
  CHECK(state.instances.at(id("a")).life.phase == AlertState::kFiring);
  CHECK(brief(apply_evaluation(rule, apply_options(), seen(3, {}), state)) ==
        Brief{"a:resolved@3"});
}

TEST_CASE("apply: a long firing is reported as a new level", "[rules]") {
  RuleState state;
  ApplyOptions with = apply_options();
  with.new_level_after = 2 * kStep;
  apply_evaluation(example_rule(), with, seen(1, {"a"}), state);
  apply_evaluation(example_rule(), with, seen(2, {"a"}), state);
  const auto events = apply_evaluation(example_rule(), with, seen(3, {"a"}), state);
  REQUIRE(brief(events) == Brief{"a:firing@3"});
  CHECK(events[0].annotations.at("note").starts_with("new level: firing for 10m"));
}

TEST_CASE("apply: exclusions are the windows of firings, up to exclude_max", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  for (int step = 1; step <= 4; ++step) {
    apply_evaluation(rule, apply_options(), seen(step, {"a"}), state);
  }
  apply_evaluation(rule, apply_options(), seen(5, {}), state);
  const auto check = [&](Duration exclude_max, Timestamp end) {
    const auto exclusions = exclusions_of(state, {"service"}, kStep, exclude_max);
    REQUIRE(exclusions.size() == 1);
    CHECK(exclusions[0].group == service("a"));
    CHECK(exclusions[0].intervals == std::vector<TimeRange>{{at(0), end}});
  };
  check(kDay, at(4));
  check(kStep, at(2));
  CHECK(exclusions_of(state, {"host"}, kStep, kDay).empty());
}

TEST_CASE("apply: a match that never fired is not excluded", "[rules]") {
  RuleState state;
  Rule rule = example_rule();
  rule.hold = 2 * kStep;
  apply_evaluation(rule, apply_options(), seen(1, {"a"}), state);
  apply_evaluation(rule, apply_options(), seen(2, {}), state);
  CHECK(exclusions_of(state, {"service"}, kStep, kDay).empty());
}

TEST_CASE("apply: runs and instances that are no longer needed are forgotten", "[rules]") {
  RuleState state;
  apply_evaluation(example_rule(), apply_options(), seen(1, {"a", "b"}), state);
  apply_evaluation(example_rule(), apply_options(), seen(2, {"b"}), state);
  forget_before(at(1), state);
  CHECK(state.instances.size() == 2);
  forget_before(at(2), state);
  CHECK(state.instances.size() == 1);
  CHECK(state.instances.contains(id("b")));
}

TEST_CASE("apply: the end of an alert that became the usual level is not called a recovery",
          "[rules]") {
  RuleState state;
  ApplyOptions options = apply_options();
  options.new_level_after = 2 * kStep;
  for (int step = 1; step <= 3; ++step) {
    apply_evaluation(example_rule(), options, seen(step, {"a"}), state);
  }
  apply_evaluation(example_rule(), options, seen(3, {"a", "b"}), state);
  const auto ends = apply_evaluation(example_rule(), options, seen(4, {}), state);
  REQUIRE(brief(ends).size() == 2);
  for (const AlertEvent& end : ends) {
    CHECK(end.state == AlertState::kResolved);
    CHECK(end.annotations.contains("note") == (end.service == "a"));
    if (end.service != "a") continue;
    CHECK(end.annotations.at("note") ==
          "no longer unusual, which need not be a recovery: it fired for 10m, and since then its "
          "windows count in the baseline");
  }
}

TEST_CASE("apply: an inactive instance keeps only its runs", "[rules]") {
  RuleState state;
  apply_evaluation(example_rule(), apply_options(), seen(1, {"a"}), state);
  CHECK(state.instances.at(id("a")).last_event.samples.size() == 1);
  apply_evaluation(example_rule(), apply_options(), seen(2, {}), state);
  CHECK(state.instances.at(id("a")).last_event == AlertEvent{});
}

namespace {

std::vector<std::string> names(const std::string& prefix, size_t count) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) out.push_back(prefix + std::to_string(i));
  return out;
}

size_t active_count(const RuleState& state) {
  size_t count = 0;
  for (const auto& [fingerprint, instance] : state.instances) {
    count += instance.life.phase == AlertState::kInactive ? 0 : 1;
  }
  return count;
}

}  // namespace

TEST_CASE("apply: past instances beyond the limit are forgotten, oldest first", "[rules]") {
  RuleState state;
  const auto play = [&](int step, const std::string& prefix) {
    apply_evaluation(example_rule(), apply_options(),
                     seen(step, names(prefix, kInstanceCountMax / 2)), state);
  };
  play(1, "a");
  play(2, "b");
  CHECK(forget_before(at(0), state) == 0);
  CHECK(state.instances.size() == kInstanceCountMax);
  play(3, "c");
  CHECK(forget_before(at(0), state) == at(1));
  CHECK(state.instances.size() == kInstanceCountMax);
  CHECK_FALSE(state.instances.contains(id("a0")));
  CHECK(state.instances.contains(id("b0")));
  CHECK(active_count(state) == kInstanceCountMax / 2);
}

TEST_CASE("apply: at the limit, active instances stay and the most severe new ones start",
          "[rules]") {
  RuleState state;
  Rule rule = example_rule();
  rule.keep_firing_for = kStep;
  apply_evaluation(rule, apply_options(), seen(1, names("a", kInstanceCountMax - 1)), state);
  Evaluation more = seen(2, {"b", "c", "d"});
  more.rows[id("c")].severity = Severity::kCritical;
  CHECK(brief(apply_evaluation(rule, apply_options(), more, state)) == Brief{"c:firing@2"});
  CHECK(forget_before(at(0), state) == 0);
  CHECK(active_count(state) == kInstanceCountMax);
  const auto events = apply_evaluation(rule, apply_options(), seen(3, {"b", "c"}), state);
  CHECK(events.size() == kInstanceCountMax);  // the first instances resolve and make room
  CHECK(active_count(state) == 2);
}

TEST_CASE("late: an instance found late fires and resolves once", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  const std::vector<Evaluation> again = {seen(1, {}), seen(2, {"a"}), seen(3, {"a"}),
                                         seen(5, {"a"})};
  const auto events = apply_late(rule, apply_options(), again, state);
  CHECK(brief(events) ==
        Brief{"a:firing@2 late", "a:resolved@4 late", "a:firing@5 late", "a:resolved@6 late"});
  CHECK(events[1].started_at == at(2));
  CHECK(apply_late(rule, apply_options(), again, state).empty());
  // The current life cycle is unaffected.
  CHECK(state.instances.at(id("a")).life == LifecycleState{});
  CHECK(brief(apply_evaluation(rule, apply_options(), seen(9, {"a"}), state)) ==
        Brief{"a:firing@9"});
}

TEST_CASE("late: a finding must have lasted for `for`", "[rules]") {
  RuleState state;
  Rule rule = example_rule();
  rule.hold = kStep;
  CHECK(apply_late(rule, apply_options(), {seen(2, {"a"})}, state).empty());
  RuleState other;
  CHECK(brief(apply_late(rule, apply_options(), {seen(2, {"a"}), seen(3, {"a"})}, other)) ==
        Brief{"a:firing@3 late", "a:resolved@4 late"});
}

TEST_CASE("late: a finding next to a known firing extends it", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  apply_evaluation(rule, apply_options(), seen(3, {"a"}), state);
  apply_evaluation(rule, apply_options(), seen(4, {}), state);
  CHECK(apply_late(rule, apply_options(), {seen(2, {"a"}), seen(4, {"a"})}, state).empty());
  CHECK(state.instances.at(id("a")).runs ==
        std::vector<MatchRun>{{at(2), at(4), at(3), true, false, false, Severity::kHigh}});
}

TEST_CASE("late: a firing disproved by late events is retracted once", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  apply_evaluation(rule, apply_options(), seen(1, {"a"}), state);
  apply_evaluation(rule, apply_options(), seen(2, {"a"}), state);
  apply_evaluation(rule, apply_options(), seen(3, {}), state);
  SECTION("when none of its windows matches now") {
    const std::vector<Evaluation> again = {seen(1, {}), seen(2, {})};
    const auto events = apply_late(rule, apply_options(), again, state);
    REQUIRE(brief(events) == Brief{"a:retracted@1 late"});
    CHECK(events[0].started_at == at(1));
    CHECK(apply_late(rule, apply_options(), again, state).empty());
    CHECK(exclusions_of(state, {"service"}, kStep, kDay).empty());
  }
  SECTION("but not when one still matches, or was not re-evaluated") {
    CHECK(apply_late(rule, apply_options(), {seen(1, {}), seen(2, {"a"})}, state).empty());
    CHECK(apply_late(rule, apply_options(), {seen(1, {})}, state).empty());
  }
  SECTION("nor when its baseline is missing") {
    Evaluation unknown = seen(2, {});
    unknown.unknown = {id("a")};
    CHECK(apply_late(rule, apply_options(), {seen(1, {}), unknown}, state).empty());
  }
}

TEST_CASE("late: findings about an instance that fires now are only stored", "[rules]") {
  RuleState state;
  Rule rule = example_rule();
  const auto only_stored = [](const std::vector<AlertEvent>& events) {
    std::vector<bool> out;
    for (const AlertEvent& event : events) out.push_back(event.only_stored);
    return out;
  };
  const auto check = [&](const std::vector<Evaluation>& again, bool expected) {
    const auto events = apply_late(rule, apply_options(), again, state);
    CHECK(only_stored(events) == std::vector<bool>{expected, expected});
  };
  apply_evaluation(rule, apply_options(), seen(9, {"a"}), state);
  check({seen(2, {"a"})}, true);
  check({seen(3, {"b"})}, false);
  apply_evaluation(rule, apply_options(), seen(10, {}), state);
  check({seen(5, {"a"})}, false);
  rule.hold = kStep;
  apply_evaluation(rule, apply_options(), seen(12, {"c"}),
                   state);  // pending: nothing has been sent
  check({seen(6, {"c"}), seen(7, {"c"})}, false);
}

TEST_CASE("late: a current firing is not retracted", "[rules]") {
  RuleState state;
  const Rule rule = example_rule();
  apply_evaluation(rule, apply_options(), seen(1, {"a"}), state);
  CHECK(apply_late(rule, apply_options(), {seen(1, {})}, state).empty());
  CHECK(state.instances.at(id("a")).life.phase == AlertState::kFiring);
}
