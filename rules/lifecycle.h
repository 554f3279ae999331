// The life cycle of one alert instance: a pure function of its state and the observation of one
// window.
//
//             matches                    matched for `for`
//   inactive ─────────> pending ─────────────────────────────> firing
//      ^  ^                │ does not match                    │   ^
//      │  └────────────────┘                                   └───┘ matches, or matched less than
//      │        does not match, and `keep_firing_for` is over    │    `keep_firing_for` ago
//      └──────────────────────── resolved <──────────────────────┘
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "db/base/time.h"
#include "rules/alert.h"

namespace tocsin {

/// Whether an instance matched in one window.
enum class Match : uint8_t {
  kNo,
  kYes,
  kUnknown,  ///< the baseline is missing: the state does not change
};

struct Observation {
  Timestamp window_end = 0;
  Match match = Match::kNo;
  Severity severity = Severity::kMedium;  ///< if it matched
  bool starts = true;   ///< if it matched: whether an alert may start (`starts_when`)
  bool forget = false;  ///< if it matched: whether a firing ends nevertheless (`forget_when`)
};

struct RuleTiming {
  Duration hold = 0;  ///< `for`
  Duration keep_firing_for = 0;
  Duration new_level_after = 0;  ///< a firing this long is reported as a new level; 0: never
};

/// Invariants: pending_since <= firing_since <= last_match where set; all are ends of windows.
struct LifecycleState {
  AlertState phase = AlertState::kInactive;  ///< inactive, pending or firing
  Timestamp pending_since = 0;               ///< pending, firing: first match
  Timestamp firing_since = 0;                ///< firing
  Timestamp last_match = 0;                  ///< pending, firing
  Severity severity = Severity::kMedium;     ///< firing: the highest so far
  std::set<Severity> notified;               ///< firing: severities of its events so far
  bool new_level = false;                    ///< firing: reported as a new level
  bool forgotten = false;  ///< inactive: a firing was forgotten, and it has matched ever since
  bool operator==(const LifecycleState&) const = default;
};

/// Events of a transition; each becomes a row of `alerts`.
enum class LifecycleEvent : uint8_t {
  kPending,
  kFiring,
  kEscalated,  ///< still firing, with a higher severity; a row in the state firing
  kNewLevel,  ///< fired for new_level_after, so the baseline includes it; a row in the state firing
  kResolved,
  kInactive,   ///< no longer pending, without having fired
  kForgotten,  ///< no longer firing, although it matches
};

struct Transition {
  LifecycleState state;
  std::vector<LifecycleEvent> events;
};

/// Requires: observations come in ascending order of window_end.
Transition advance(const LifecycleState& state, const Observation& observation,
                   const RuleTiming& timing);

}  // namespace tocsin
