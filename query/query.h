// The public API of the query layer: text in, table out.
#pragma once

#include <memory>
#include <string_view>

#include "db/base/result.h"
#include "db/database.h"
#include "query/base/options.h"
#include "query/format/result.h"
#include "query/parser/diagnostic.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Runs queries over one database and remembers baseline windows and the detectors of
/// `detect` between them. All functions may be
/// called from any thread. `database` must outlive it.
class QueryEngine {
 public:
  explicit QueryEngine(const Database& database);
  ~QueryEngine();

  /// Parses and checks a query. If it is invalid, the error's message is a rendered diagnostic; the
  /// diagnostic itself is stored in `diagnostic`, unless that is null.
  Result<Plan> prepare(std::string_view text, const QueryOptions& options,
                       Diagnostic* diagnostic = nullptr) const;
  /// Runs a plan. Errors: kCancelled, kTimeout, kLimit (memory, disk), kDiskFull, kCorrupt (the
  /// message names the segment).
  Result<ResultTable> execute(const Plan& plan, const QueryOptions& options) const;
  /// Prepares and executes a query. If the text begins with the word `explain`, the result
  /// describes how the query after that word ran (query/explain.h).
  Result<ResultTable> run(std::string_view text, const QueryOptions& options,
                          Diagnostic* diagnostic = nullptr) const;

 private:
  struct Memory;  // remembered windows and detectors; bounded and thread-safe
  const Database& database_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace tocsin
