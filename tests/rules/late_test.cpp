#include "rules/late.h"

#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr Duration kInterval = 10;
using Runs = std::vector<EvaluatedRun>;

SegmentInfo segment(Timestamp min_time, Timestamp max_time, uint64_t commit_number) {
  SegmentInfo info;
  info.min_time = min_time;
  info.max_time = max_time;
  info.commit_number = commit_number;
  return info;
}

}  // namespace

TEST_CASE("late: windows evaluated on the same commit form one run", "[rules]") {
  Runs runs;
  for (const Timestamp end : {10, 20, 30}) note_evaluated(runs, kInterval, end, 5);
  note_evaluated(runs, kInterval, 40, 6);
  note_evaluated(runs, kInterval, 60, 6);  // 50 was skipped
  CHECK(runs == Runs{{10, 30, 5}, {40, 40, 6}, {60, 60, 6}});
}

TEST_CASE("late: recording a window again splits its run", "[rules]") {
  Runs runs = {{10, 50, 5}};
  note_evaluated(runs, kInterval, 30, 9);
  CHECK(runs == Runs{{10, 20, 5}, {30, 30, 9}, {40, 50, 5}});
  note_evaluated(runs, kInterval, 10, 9);
  CHECK(runs == Runs{{10, 10, 9}, {20, 20, 5}, {30, 30, 9}, {40, 50, 5}});
}

TEST_CASE("late: old windows are forgotten, in the middle of a run too", "[rules]") {
  Runs runs = {{10, 20, 5}, {30, 60, 6}};
  forget_evaluated(runs, kInterval, 45);
  CHECK(runs == Runs{{50, 60, 6}});
}

TEST_CASE("late: too many runs are joined under the older commit", "[rules]") {
  Runs runs;
  for (size_t i = 0; i <= kEvaluatedRunsMax; ++i) {
    note_evaluated(runs, kInterval, static_cast<Timestamp>(i) * kInterval, i + 1);
  }
  REQUIRE(runs.size() == kEvaluatedRunsMax / 2 + 1);
  CHECK(runs[0] == EvaluatedRun{0, 10, 1});
  CHECK(runs[1] == EvaluatedRun{20, 30, 3});
}

TEST_CASE("late: a window is touched by a newer segment that overlaps it", "[rules]") {
  const Runs runs = {{100, 130, 5}, {140, 150, 8}};
  const Duration range = 20;
  const auto check = [&](const SegmentInfo& info, uint64_t settled,
                         const std::vector<Timestamp>& expected) {
    CHECK(touched_windows(runs, kInterval, range, {info}, settled) == expected);
  };
  check(segment(0, 200, 5), 99, {});
  check(segment(0, 200, 6), 99, {100, 110, 120, 130});
  check(segment(0, 200, 9), 99, {100, 110, 120, 130, 140, 150});
  check(segment(0, 200, 9), 8, {});             // not settled yet
  check(segment(100, 100, 6), 99, {110, 120});  // [90, 110) and [100, 120)
  check(segment(99, 99, 6), 99, {100, 110});
}

TEST_CASE("late: a rule's version changes only with what decides about a match", "[rules]") {
  Rule rule;
  rule.name = "R";
  rule.expr.text = "from m last 1m | stats n = count() by a | where n > $min";
  const std::map<std::string, Value> parameters = {{"min", Value::of(int64_t{1})},
                                                   {"other", Value::of(int64_t{1})}};
  const std::string version = rule_version_of(rule, parameters, {});
  const auto check = [&](const Rule& edited, bool same) {
    CHECK((rule_version_of(edited, parameters, {}) == version) == same);
  };
  check(rule, true);
  Rule edited = rule;
  edited.annotations = {{"summary", {"{{ n }}", {}}}};
  edited.labels = {{"team", "a"}};
  edited.keep_firing_for = kMinute;
  edited.expr.lines = {{7, 3}};
  check(edited, true);
  edited = rule;
  edited.expr.text += " ";
  check(edited, false);
  edited = rule;
  edited.interval = 2 * kMinute;
  check(edited, false);
  edited = rule;
  edited.hold = kMinute;
  check(edited, false);
  CHECK(rule_version_of(rule, {{"min", Value::of(int64_t{1})}}, {}) == version);
  CHECK(rule_version_of(rule, {{"min", Value::of(1.0)}}, {}) != version);
}

TEST_CASE("late: a new rule version forgets the evaluated windows", "[rules]") {
  RuleState state;
  state.rule_version = "a";
  state.evaluated = {{10, 50, 5}};
  set_rule_version(state, "a");
  CHECK(state.evaluated.size() == 1);
  set_rule_version(state, "b");
  CHECK(state.evaluated.empty());
  CHECK(state.rule_version == "b");
}
