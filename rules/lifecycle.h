// The life cycle of one alert instance as a pure function of its state and one window's
// observation.
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

/// What one evaluation saw of an instance.
enum class Match : uint8_t {
  kNo,
  kYes,
  kUnknown,  ///< the expression is null (its baseline is missing): the state stays as it is
};

struct Observation {
  Timestamp window_end = 0;
  Match match = Match::kNo;
  Severity severity = Severity::kMedium;  ///< of kYes
};

struct RuleTiming {
  Duration hold = 0;  ///< `for`
  Duration keep_firing_for = 0;
  Duration new_level_after = 0;  ///< a firing this long is a new level, once; 0: never
};

/// Invariants: pending_since <= firing_since <= last_match where set; all are ends of windows.
struct LifecycleState {
  AlertState phase = AlertState::kInactive;  ///< inactive, pending or firing
  Timestamp pending_since = 0;               ///< of pending and firing: when it matched first
  Timestamp firing_since = 0;                ///< of firing
  Timestamp last_match = 0;                  ///< of pending and firing
  Severity severity = Severity::kMedium;     ///< of firing: the highest since it began
  std::set<Severity> notified;               ///< of firing: with which it was told
  bool new_level = false;                    ///< of firing: has been told
  bool operator==(const LifecycleState&) const = default;
};

/// What a transition is told as: a row of `alerts` each.
enum class LifecycleEvent : uint8_t {
  kPending,
  kFiring,
  kEscalated,  ///< fires on with a higher severity; a row in the state firing
  kNewLevel,   ///< has fired for so long that the baseline takes it in; a row in the state firing
  kResolved,
  kInactive,  ///< pending no more, without having fired
};

struct Transition {
  LifecycleState state;
  std::vector<LifecycleEvent> events;
};

/// Requires: observations come in ascending order of window_end.
Transition advance(const LifecycleState& state, const Observation& observation,
                   const RuleTiming& timing);

}  // namespace tocsin
