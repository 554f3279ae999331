// `starts_when` and `forget_when`: rows that keep an alert going, and rows that end one.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rule_world.h"
#include "rules/apply.h"

using namespace tocsin;

namespace {

using Brief = std::vector<std::string>;

std::string failures_rule(const std::string& keys) {
  return "groups:\n  - name: g\n    interval: 5m\n    rules:\n      - alert: Failures\n"
         "        expr: |\n          from audit last 5m | stats n = count() where status == "
         "\"FAILED\", all = count() by service\n          | where n > 2\n" +
         keys;
}

void failures(RuleWorld& world, double from, const std::vector<int>& counts) {
  for (const int count : counts) {
    world.events("pay", from, from + 5, count, "FAILED");
    world.events("pay", from, from + 5, 1);
    from += 5;
  }
}

}  // namespace

TEST_CASE("starts_when: other rows keep an alert firing but start none", "[rules]") {
  const auto play = [](const std::string& keys) {
    RuleWorld world;
    CHECK(world.load(failures_rule(keys)).errors == Brief{});
    failures(world, 20, {5, 5, 10, 5, 5, 0, 5, 5, 10, 0});
    world.run(0, 80);
    return world.alerts();
  };
  CHECK(play("") == Brief{"pay:firing@25", "pay:resolved@50", "pay:firing@55", "pay:resolved@70"});
  CHECK(play("        starts_when: n > 8\n") ==
        Brief{"pay:firing@35", "pay:resolved@50", "pay:firing@65", "pay:resolved@70"});
  // Pending goes on as well, but only a row that starts an alert makes it fire.
  CHECK(play("        starts_when: n > 8\n        for: 5m\n") ==
        Brief{"pay:pending@35", "pay:inactive@50", "pay:pending@65", "pay:inactive@70"});
}

TEST_CASE("starts_when: holds for late events as well", "[rules]") {
  RuleWorld world;
  world.load(failures_rule("        starts_when: n > 8\n"));
  failures(world, 10, {0, 0, 0, 0, 0, 0});
  world.run(0, 60);
  failures(world, 20, {5, 10, 5, 0, 5, 5});
  world.run(61, 80);
  CHECK(world.alerts() == Brief{"pay:firing@30 late", "pay:resolved@40 late"});
}

TEST_CASE("starts_when: a firing that late events leave without a start is retracted", "[rules]") {
  RuleWorld world;
  world.load(failures_rule("        starts_when: all < 8\n"));
  failures(world, 20, {5});
  world.run(0, 40);
  world.events("pay", 20, 25, 10);
  world.run(41, 60);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:retracted@25 late", "pay:resolved@30"});
}

TEST_CASE("forget_when: a firing ends once, and starts again after a window without a match",
          "[rules]") {
  const auto play = [](double restart_at) {
    RuleWorld world;
    const std::string rule = failures_rule("        forget_when: n > 8\n");
    CHECK(world.load(rule).errors == Brief{});
    failures(world, 20, {5, 5, 10, 5, 10, 5, 0, 5, 0});
    world.run(0, restart_at);
    world.restart();
    world.load(rule);
    world.run(restart_at, 80);
    CHECK(world.status("Failures").active.empty());
    return world.alerts();
  };
  for (const double minute : {5.0, 36.0, 41.0, 56.0}) {
    INFO("restart at " << minute);
    CHECK(play(minute) ==
          Brief{"pay:firing@25", "pay:resolved@35", "pay:firing@60", "pay:resolved@65"});
  }
}

TEST_CASE("forget_when: the receiver gets one resolution that says so, and the rule lists it",
          "[rules]") {
  RuleWorld world;
  world.load(failures_rule("        forget_when: n > 8\n"));
  failures(world, 20, {5, 10, 5});
  world.run(0, 45);
  const auto outbox = world.outbox();
  REQUIRE(outbox.size() == 2);
  const auto event = decode_alert(outbox[1].value);
  REQUIRE(event);
  CHECK(event->state == AlertState::kResolved);
  CHECK(event->annotations.at("ended") == "forgotten, still silent");
  CHECK(event->started_at == RuleWorld::at(25));
  REQUIRE(world.status("Failures").forgotten.size() == 1);
  const ForgottenAlert forgotten = world.status("Failures").forgotten[0];
  CHECK(forgotten.at == RuleWorld::at(30));
  CHECK(forgotten.labels.at("service") == "pay");
  CHECK(forgotten.fingerprint == event->fingerprint);
}

TEST_CASE("forget_when: late events do not bring back what was forgotten", "[rules]") {
  RuleWorld world;
  world.load(failures_rule("        forget_when: n > 8\n"));
  failures(world, 20, {5, 10, 5, 5, 5, 0});
  world.run(0, 55);
  world.events("web", 20, 50, 30);  // every window is evaluated again
  world.run(56, 80);
  CHECK(world.alerts() == Brief{"pay:firing@25", "pay:resolved@30"});
}

TEST_CASE("forget_when: the list ends after 30 days, what still matches stays forgotten",
          "[rules]") {
  RuleState state;
  Instance& instance = state.instances["a"];
  instance.life.forgotten = true;
  instance.forgotten_at = 5 * kDay;
  unlist_forgotten(5 * kDay, state);
  forget_before(kTimeMax, state);
  CHECK(instance.forgotten_at == 5 * kDay);
  unlist_forgotten(5 * kDay + 1, state);
  forget_before(kTimeMax, state);
  CHECK(state.instances.at("a").forgotten_at == 0);
  state.instances.at("a").life.forgotten = false;
  forget_before(kTimeMax, state);
  CHECK(state.instances.empty());
}
