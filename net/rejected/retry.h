// Stores lines of the measurement `rejected` that can be stored after a fix: of a parser, a
// setting, a column's type or a limit.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "db/database.h"

namespace tocsin {

struct RetryOptions {
  std::string source;                       ///< only lines of this source; empty: of all
  std::string reason;                       ///< only lines whose reason contains this
  const std::atomic<bool>* stop = nullptr;  ///< checked regularly; may be null
};

struct RetryReport {
  uint64_t stored = 0;          ///< lines that have a row now
  uint64_t stored_before = 0;   ///< lines that an earlier retry has stored
  uint64_t rejected_again = 0;  ///< lines that have no row this time either
  uint64_t cut = 0;             ///< lines of which only the beginning was kept
  uint64_t unknown = 0;         ///< lines of an earlier version, which did not record their format
  uint64_t counted = 0;         ///< lines that were only counted
  std::vector<std::string> reasons;  ///< why lines were rejected again, the first few
};

inline constexpr size_t kRetryReasonsMax = 5;

/// Parses each kept line as it was parsed when it came in. The time of a row without one is that at
/// which its line arrived. A row and the record that its line is stored are one commit, so a line
/// is stored once, however often this runs. Returns when everything is durable.
///
/// kBusy: another retry of this process is running. kCancelled: stopped; what was stored stays.
/// Otherwise the errors of the database.
Result<RetryReport> retry_rejected(Database& database, const RetryOptions& options);

/// The report as the answer of /api/rejected/retry, and back. kInvalid: it is not one.
std::string retry_report_json(const RetryReport& report);
Result<RetryReport> parse_retry_report(std::string json);

}  // namespace tocsin
