// The transition function; lifecycle.h has the diagram.
#include "rules/lifecycle.h"

namespace tocsin {
namespace {

Transition matched(LifecycleState state, const Observation& seen, const RuleTiming& timing) {
  Transition out;
  if (state.forgotten || (state.phase == AlertState::kInactive && !seen.starts)) return {state, {}};
  if (state.phase == AlertState::kFiring && seen.forget) {
    out.state.forgotten = true;
    out.events.push_back(LifecycleEvent::kForgotten);
    return out;
  }
  if (state.phase == AlertState::kInactive) {
    state = {};
    state.phase = AlertState::kPending;
    state.pending_since = seen.window_end;
  }
  state.last_match = seen.window_end;
  if (state.phase == AlertState::kPending) {
    if (seen.starts && seen.window_end - state.pending_since >= timing.hold) {
      state.phase = AlertState::kFiring;
      state.firing_since = seen.window_end;
      state.notified = {seen.severity};
      out.events.push_back(LifecycleEvent::kFiring);
    } else if (state.pending_since == seen.window_end) {
      out.events.push_back(LifecycleEvent::kPending);
    }
    state.severity = seen.severity;
  } else if (seen.severity > state.severity) {
    state.severity = seen.severity;
    state.notified.insert(seen.severity);
    out.events.push_back(LifecycleEvent::kEscalated);
  }
  out.state = state;
  return out;
}

Transition unmatched(const LifecycleState& state, const Observation& seen,
                     const RuleTiming& timing) {
  if (state.phase == AlertState::kInactive) return {};  // if it was forgotten, that is over
  if (state.phase == AlertState::kPending) return {{}, {LifecycleEvent::kInactive}};
  if (state.phase == AlertState::kFiring &&
      seen.window_end - state.last_match > timing.keep_firing_for) {
    return {{}, {LifecycleEvent::kResolved}};
  }
  return {state, {}};
}

}  // namespace

Transition advance(const LifecycleState& state, const Observation& observation,
                   const RuleTiming& timing) {
  Transition out{state, {}};
  if (observation.match == Match::kYes) out = matched(state, observation, timing);
  if (observation.match == Match::kNo) out = unmatched(state, observation, timing);
  if (out.state.phase == AlertState::kFiring && !out.state.new_level &&
      timing.new_level_after > 0 &&
      observation.window_end - out.state.firing_since >= timing.new_level_after) {
    out.state.new_level = true;
    out.events.push_back(LifecycleEvent::kNewLevel);
  }
  return out;
}

}  // namespace tocsin
