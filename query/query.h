// The query layer's door: text in, table out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "query/base/value.h"
#include "query/format/result.h"
#include "query/parser/diagnostic.h"
#include "query/plan/plan.h"

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

/// Runs queries over one database. Holds what is remembered between queries. All functions may
/// be called from any thread. `database` must outlive it.
class QueryEngine {
 public:
  explicit QueryEngine(const Database& database);
  ~QueryEngine();

  /// Parses and checks. On failure the error's message is a rendered diagnostic, which is also put
  /// into `diagnostic` when that is not null.
  Result<Plan> prepare(std::string_view text, const QueryOptions& options,
                       Diagnostic* diagnostic = nullptr) const;
  /// Runs a plan. Errors: kCancelled, kTimeout, kLimit (memory, disk), kDiskFull, kCorrupt (names
  /// the segment).
  Result<ResultTable> execute(const Plan& plan, const QueryOptions& options) const;
  /// prepare, then execute. A text that begins with the word `explain` gives a table that tells how
  /// the query behind it ran (query/explain.h).
  Result<ResultTable> run(std::string_view text, const QueryOptions& options,
                          Diagnostic* diagnostic = nullptr) const;

 private:
  struct Memory;  // remembered windows, bounded; its own lock
  const Database& database_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace tocsin
