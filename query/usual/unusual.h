// Judges the newest windows of a group by what is usual for it at that time.
//
// A judgement looks at spans that end now: a window, 15 minutes, an hour, up to a day. It answers
// for the shortest one that has enough events to be sure, so that busy groups are judged by their
// last minutes and quiet ones by their last hours.
#pragma once

#include <cmath>

#include "db/base/time.h"
#include "query/usual/past.h"

namespace tocsin {

struct Judgement {
  Basis basis = Basis::kNone;  ///< kNone: too little is known; the numbers are NaN then
  Duration span = 0;           ///< that the numbers are about
  double observed = NAN;       ///< NaN: nothing to judge
  double usual = NAN;
  double surprise = NAN;  ///< negative decimal logarithm of the chance to be as far from the usual
};

/// Of counts: `observed` and `usual` are events in the span. Growth, a new level that has lasted
/// for hours, and the steepest change that is usual at this time are allowed for.
Judgement judge_count(const Past& past);
/// Of hits among trials: shares.
Judgement judge_share(const Past& past);
/// Of sums of measured values: means. The values of one event vary by much less than their sum, so
/// logarithms are better summed than the values of a long-tailed distribution.
Judgement judge_mean(const Past& past);

}  // namespace tocsin
