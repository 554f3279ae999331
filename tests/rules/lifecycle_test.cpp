#include "rules/lifecycle.h"

#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

using Events = std::vector<LifecycleEvent>;

LifecycleState pending(Timestamp since) {
  LifecycleState state;
  state.phase = AlertState::kPending;
  state.pending_since = state.last_match = since;
  return state;
}

LifecycleState firing(Timestamp since, Timestamp last_match,
                      Severity severity = Severity::kMedium) {
  LifecycleState state;
  state.phase = AlertState::kFiring;
  state.pending_since = state.firing_since = since;
  state.last_match = last_match;
  state.severity = severity;
  state.notified = {severity};
  return state;
}

Observation no(Timestamp at) { return {at, Match::kNo, Severity::kMedium}; }
Observation yes(Timestamp at, Severity s = Severity::kMedium) { return {at, Match::kYes, s}; }
Observation unknown(Timestamp at) { return {at, Match::kUnknown, Severity::kMedium}; }

void check(const LifecycleState& state, const Observation& seen, const RuleTiming& timing,
           const LifecycleState& expected, const Events& events) {
  const Transition out = advance(state, seen, timing);
  CHECK(out.state == expected);
  CHECK(out.events == events);
}

}  // namespace

TEST_CASE("lifecycle: every phase with every observation", "[rules]") {
  const RuleTiming at_once;             // for: 0, keep_firing_for: 0
  const RuleTiming holding{100, 0, 0};  // for: 100
  const RuleTiming keeping{0, 100, 0};  // keep_firing_for: 100
  const LifecycleState inactive;

  // inactive
  check(inactive, no(10), at_once, inactive, {});
  check(inactive, unknown(10), at_once, inactive, {});
  check(inactive, yes(10), at_once, firing(10, 10), {LifecycleEvent::kFiring});
  check(inactive, yes(10), holding, pending(10), {LifecycleEvent::kPending});

  // pending
  LifecycleState still = pending(10);
  still.last_match = 60;
  check(pending(10), yes(60), holding, still, {});
  check(pending(10), unknown(60), holding, pending(10), {});
  check(pending(10), no(60), holding, inactive, {LifecycleEvent::kInactive});
  LifecycleState fired = firing(110, 110);
  fired.pending_since = 10;
  check(still, yes(110), holding, fired, {LifecycleEvent::kFiring});
  check(pending(10), no(60), keeping, inactive, {LifecycleEvent::kInactive});

  // firing
  check(firing(10, 10), yes(60), at_once, firing(10, 60), {});
  check(firing(10, 10), unknown(60), at_once, firing(10, 10), {});
  check(firing(10, 10), no(60), at_once, inactive, {LifecycleEvent::kResolved});
  check(firing(10, 60), no(110), keeping, firing(10, 60), {});
  check(firing(10, 60), no(160), keeping, firing(10, 60), {});
  check(firing(10, 60), no(161), keeping, inactive, {LifecycleEvent::kResolved});
  check(firing(10, 60), yes(150), keeping, firing(10, 150), {});
}

TEST_CASE("lifecycle: a row that does not start an alert keeps its phase", "[rules]") {
  const RuleTiming at_once, holding{100, 0, 0};
  Observation keeps = yes(200);
  keeps.starts = false;
  check({}, keeps, at_once, {}, {});
  LifecycleState still = pending(10);
  still.last_match = 200;
  check(pending(10), keeps, holding, still, {});
  check(firing(10, 10), keeps, at_once, firing(10, 200), {});
}

TEST_CASE("lifecycle: what was forgotten starts again only after it did not match", "[rules]") {
  const RuleTiming at_once;
  Observation forget = yes(60);
  forget.forget = true;
  LifecycleState forgotten;
  forgotten.forgotten = true;
  check(firing(10, 10), forget, at_once, forgotten, {LifecycleEvent::kForgotten});
  check(forgotten, yes(70), at_once, forgotten, {});
  check(forgotten, forget, at_once, forgotten, {});
  check(forgotten, unknown(70), at_once, forgotten, {});
  check(forgotten, no(70), at_once, {}, {});
  // An alert fires for one window at least.
  check({}, forget, at_once, firing(60, 60), {LifecycleEvent::kFiring});
}

TEST_CASE("lifecycle: while firing, the severity rises but never falls", "[rules]") {
  const RuleTiming timing;
  LifecycleState escalated = firing(10, 20, Severity::kCritical);
  escalated.notified = {Severity::kMedium, Severity::kCritical};
  check(firing(10, 10), yes(20, Severity::kCritical), timing, escalated,
        {LifecycleEvent::kEscalated});
  check(firing(10, 10, Severity::kHigh), yes(20, Severity::kLow), timing,
        firing(10, 20, Severity::kHigh), {});
  check(LifecycleState{}, yes(20, Severity::kHigh), timing, firing(20, 20, Severity::kHigh),
        {LifecycleEvent::kFiring});
}

TEST_CASE("lifecycle: the notified severities of a firing end with it", "[rules]") {
  const RuleTiming holding{100, 0, 0};
  LifecycleState state = advance({}, yes(10, Severity::kCritical), holding).state;
  CHECK(state.notified.empty());  // pending
  state = advance(state, yes(110, Severity::kLow), holding).state;
  CHECK(state.notified == std::set{Severity::kLow});
  state = advance(state, no(120), holding).state;
  CHECK(state.notified.empty());
}

TEST_CASE("lifecycle: a long firing is reported as a new level once", "[rules]") {
  const RuleTiming timing{0, 0, 100};
  LifecycleState noted = firing(10, 110);
  noted.new_level = true;
  check(firing(10, 60), yes(109), timing, firing(10, 109), {});
  check(firing(10, 60), yes(110), timing, noted, {LifecycleEvent::kNewLevel});
  LifecycleState later = noted;
  later.last_match = 160;
  check(noted, yes(160), timing, later, {});
  check(noted, no(160), timing, {}, {LifecycleEvent::kResolved});
}
