// How a query is prepared and run.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "db/limits.h"
#include "query/base/value.h"

namespace tocsin {

/// Intervals in which one alert instance was firing, for `excluding alerts`: the group keys' values
/// in the order of the last `stats`' keys.
struct Exclusion {
  std::vector<Value> group;
  std::vector<TimeRange> intervals;
};

struct QueryOptions {
  Timestamp now = 0;  ///< 0: the system's clock
  TimeZone zone;
  /// `$name` -> value. Parameters that the query does not use are ignored.
  std::map<std::string, Value> parameters;
  /// In a rule an unknown measurement or column is a warning, not an error: it is empty, or null.
  bool rule_mode = false;
  std::vector<Exclusion> exclusions;
  bool shortcuts = true;  ///< off: every row is read one by one, for comparison
  bool remember = true;   ///< answer baseline windows from memory where nothing changed
  Duration timeout = 0;   ///< 0: none
  size_t memory_bytes_max = 256 * kMiB;
  /// Of what does not fit into memory, in the database's `tmp`; never more than half of what is
  /// free there.
  uint64_t disk_bytes_max = 16 * kGiB;
  unsigned threads = 0;                          ///< 0: one per core
  const std::atomic<bool>* cancelled = nullptr;  ///< looked at between vectors; may be null
};

}  // namespace tocsin
