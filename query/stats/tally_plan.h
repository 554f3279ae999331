// Decides whether stats can be computed from counts of rows instead of the rows. That is so if they
// depend only on dictionary columns and on comparisons of the time.
#pragma once

#include <vector>

#include "query/stats/stats.h"
#include "query/vector/program.h"

namespace tocsin {

/// The columns and times that distinguish rows for such stats. Immutable; shared by threads.
struct TallyPlan {
  /// A comparison `time OP x`, where x is the same in all rows of a window.
  struct TimeLimit {
    NodeId limit = 0;        ///< the node of x
    bool inclusive = false;  ///< the result changes after x (<=, >) instead of at x (<, >=)
  };

  bool possible = false;
  std::vector<uint32_t> columns;  ///< source columns, ascending: strings other than `measurement`
  std::vector<TimeLimit> limits;
  std::vector<Duration> buckets;  ///< of time(…) keys
  bool needs_times = false;       ///< whether the first or last time of groups is needed

  /// Inspects the program's filters and the inputs of the stats.
  static TallyPlan of(const Program& program, const StatsPlan& stats);
};

}  // namespace tocsin
