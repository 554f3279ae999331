#include "rules/state.h"

#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

RuleState example_state() {
  RuleState state;
  state.cursor = {1000, 900, 300, 400};
  state.blind_windows = 3;
  state.rule_version = "00000000000000ff";
  state.evaluated = {{10, 20, 7}, {30, 30, 8}};
  Instance& firing = state.instances["00000000000000aa"];
  firing.group = {{"service", Value::of("pay")},
                  {"code", Value::of(int64_t{-5})},
                  {"size", Value::of(uint64_t{1} << 63)},
                  {"ratio", Value::of(0.1)},
                  {"ok", Value::of(true)},
                  {"at", Value::time(5)},
                  {"took", Value::duration(6)},
                  {"raw", Value::of(std::string("\xFF\x00z", 3))},
                  {"none", Value::null()}};
  firing.life.phase = AlertState::kFiring;
  firing.life.pending_since = 100;
  firing.life.firing_since = 200;
  firing.life.last_match = 300;
  firing.life.severity = Severity::kHigh;
  firing.life.notified = {Severity::kLow, Severity::kHigh};
  firing.life.new_level = true;
  firing.last_event.rule = "R\"";
  firing.last_event.samples = {R"({"a":1})"};
  firing.runs = {
      {1, 2, 0, true, false, false}, {3, 4, 3, true, true, true}, {5, 6, 5, false, false, false}};
  firing.runs[1].severity = Severity::kCritical;
  firing.forgotten_at = 7;
  state.instances["00000000000000bb"].group = {{"service", Value::of("")}};
  state.instances["00000000000000bb"].life.forgotten = true;
  return state;
}

}  // namespace

TEST_CASE("state: an encoded state decodes to itself", "[rules]") {
  const RuleState state = example_state();
  const auto decoded = decode_state(encode_state(state));
  REQUIRE(decoded);
  CHECK(decoded->cursor == state.cursor);
  CHECK(decoded->blind_windows == 3);
  CHECK(decoded->rule_version == state.rule_version);
  CHECK(decoded->evaluated == state.evaluated);
  REQUIRE(decoded->instances.size() == 2);
  const Instance& firing = decoded->instances.at("00000000000000aa");
  const Instance& original = state.instances.at("00000000000000aa");
  CHECK(firing.group == original.group);
  CHECK(firing.life == original.life);
  CHECK(firing.last_event == original.last_event);
  CHECK(firing.runs == original.runs);
  CHECK(firing.forgotten_at == original.forgotten_at);
  CHECK(decoded->instances.at("00000000000000bb").life.forgotten);
  CHECK(encode_state(*decoded) == encode_state(state));
}

TEST_CASE("state: an empty state decodes to an empty state", "[rules]") {
  const auto decoded = decode_state(encode_state({}));
  REQUIRE(decoded);
  CHECK(decoded->instances.empty());
}

TEST_CASE("state: a state written by an earlier version can be read", "[rules]") {
  const auto decoded = decode_state(
      R"({"v":1,"last_end":9,"history_end":0,"blind_windows":0,"evaluated":[[1,2,3]],)"
      R"("instances":{"00000000000000aa":{"group":[["service","string","pay"]],"phase":"firing",)"
      R"("pending_since":1,"firing_since":2,"last_match":2,"severity":"HIGH","new_level":false,)"
      R"("event":"{\"v\":1,\"rule\":\"R\"}","runs":[[1,2,2,0]]}}})");
  REQUIRE(decoded);
  CHECK(decoded->rule_version.empty());
  CHECK(decoded->evaluated == std::vector<EvaluatedRun>{{1, 2, 3}});
  const Instance& firing = decoded->instances.at("00000000000000aa");
  CHECK(firing.last_event.rule == "R");
  CHECK(firing.life.notified == std::set{Severity::kHigh});
}

TEST_CASE("state: a damaged state is an error", "[rules]") {
  const std::string text = encode_state(example_state());
  for (size_t length = 0; length < text.size(); length += 7) {
    CHECK_FALSE(decode_state(text.substr(0, length)));
  }
  CHECK(decode_state("[]").error().code == ErrorCode::kCorrupt);
  CHECK_FALSE(decode_state(R"({"last_end":"x"})"));
}

TEST_CASE("state: a fingerprint depends on rule and group, not on the order of columns",
          "[rules]") {
  const GroupValues ab = {{"a", Value::of("1")}, {"b", Value::of("2")}};
  const GroupValues ba = {{"b", Value::of("2")}, {"a", Value::of("1")}};
  CHECK(fingerprint("R", ab) == fingerprint("R", ba));
  CHECK(fingerprint("R", ab).size() == 16);
  CHECK(fingerprint("R", ab) != fingerprint("S", ab));
  CHECK(fingerprint("R", {{"a", Value::of("12")}}) != fingerprint("R", {{"a1", Value::of("2")}}));
  CHECK(fingerprint("R", {{"a", Value::of("")}}) != fingerprint("R", {{"a", Value::null()}}));
  // Stored and sent, so it never changes: XXH3-64 of 10 00 00 00 "FailureRateSpike" 07 00 00 00
  // "service" 01 03 00 00 00 "pay".
  CHECK(fingerprint("FailureRateSpike", {{"service", Value::of("pay")}}) == "3a411a616524c1ab");
}
