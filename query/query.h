// The query layer's door: text in, table out.
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
