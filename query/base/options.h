// Options for preparing and running a query.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "db/limits.h"
#include "query/base/value.h"

namespace tocsin {

/// Intervals during which one alert instance was firing, for `excluding alerts`. They apply to all
/// groups of the baseline that have these values in the keys named. An exclusion that names another
/// column applies to none.
struct Exclusion {
  std::vector<std::pair<std::string, Value>> group;
  std::vector<TimeRange> intervals;
};

struct QueryOptions {
  Timestamp now = 0;  ///< 0: the system clock
  TimeZone zone;
  /// `$name` -> value. Parameters that the query does not use are ignored.
  std::map<std::string, Value> parameters;
  /// Unknown measurements and columns are warnings instead of errors: a measurement is empty, a
  /// column null.
  bool rule_mode = false;
  std::vector<Exclusion> exclusions;
  /// The result keeps the columns of values of other types apart (ResultColumn::sibling).
  bool keep_siblings = false;
  bool shortcuts = true;  ///< off: reads row by row, as a reference for tests
  bool remember = true;   ///< reuse remembered results of unchanged baseline windows
  Duration timeout = 0;   ///< 0: none
  size_t memory_bytes_max = 256 * kMiB;
  /// Disk space for what does not fit into memory, in the database's `tmp`. At most half of the
  /// free space there is used.
  uint64_t disk_bytes_max = 16 * kGiB;
  /// Return at most this many rows, and say in the result that there are more; 0: all rows.
  uint64_t rows_max = 0;
  unsigned threads = 0;                          ///< 0: one per core
  const std::atomic<bool>* cancelled = nullptr;  ///< checked between vectors; may be null
};

}  // namespace tocsin
