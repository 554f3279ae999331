// How long a group has been silent, and how long it usually is at such a time.
#pragma once

#include "query/usual/past.h"

namespace tocsin {

struct Silence {
  int64_t windows = 0;  ///< without an event, up to now
  double missed = 0;    ///< events that are usual in that time
  /// A longer silence is not usual; -1: too little is known.
  int64_t usual = -1;
  Basis basis = Basis::kNone;
};

/// The usual silence is the longest wait for the next event that began within an hour of the time
/// of the last event on earlier days, plus a margin of many times the spread of these days' longest
/// waits; and long enough for 16 usual events to be missing.
Silence judge_silence(const Past& past);

}  // namespace tocsin
