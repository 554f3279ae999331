// Which stats can be computed from counts of rows instead of the rows: those that look at nothing
// but dictionary columns and comparisons of the time.
#pragma once

#include <vector>

#include "query/stats/stats.h"
#include "query/vector/program.h"

namespace tocsin {

/// What tells the rows of such stats apart. Immutable; shared by threads.
struct TallyPlan {
  /// `time OP x`, where x is the same in every row of a window.
  struct TimeLimit {
    NodeId limit = 0;        ///< the node of x
    bool inclusive = false;  ///< the side changes behind x (<=, >), else at x (<, >=)
  };

  bool possible = false;
  std::vector<uint32_t>
      columns;  ///< string columns of the source, ascending, without `measurement`
  std::vector<TimeLimit> limits;
  std::vector<Duration> buckets;  ///< of time(…) keys
  bool needs_times = false;       ///< the first or last time of groups is asked for

  /// Looks at the program's filters and at what the stats read.
  static TallyPlan of(const Program& program, const StatsPlan& stats);
};

}  // namespace tocsin
