// Runs the stages before `baseline` over many windows in one pass, and makes a record of each
// window.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "query/operator/operators.h"
#include "query/operator/window_memory.h"
#include "query/plan/windows.h"
#include "query/scan/execution.h"
#include "query/vector/table.h"

namespace tocsin {

/// The stages [0, end) of a plan, whose stage `end` is its baseline. The plan must outlive it.
struct BaselinePrefix {
  const Plan* plan = nullptr;
  const BaselineStage* baseline = nullptr;
  size_t end = 0;
  size_t last_stats = 0;        ///< the last stats among the stages
  bool filters_groups = false;  ///< whether there is a `where` after the last stats
  bool calls_now = false;
  /// The columns of stage end - 1 that baseline(x) refers to, each once.
  std::vector<uint32_t> value_columns;
  std::vector<ValueType> key_types;  ///< of the last stats

  static Result<BaselinePrefix> of(const Plan& plan, size_t end);

  const StatsStage& stats() const {
    return std::get<StatsStage>(plan->stages[last_stats].operation);
  }
};

/// All windows of the baseline; kLimit if there are too many.
Result<Windows> baseline_windows(const BaselinePrefix& prefix);

/// The results of the prefix over the wanted windows.
struct PrefixTables {
  explicit PrefixTables(Execution& execution) : gauge(execution) {}

  Table groups;  ///< after the last stats, starting with its keys; the last column is the window
  Table rows;    ///< after the last stage; the last column is the window
  WindowCounts counts;
  MemoryGauge gauge;  ///< of both tables
};
Result<PrefixTables> run_prefix(Execution& execution, const BaselinePrefix& prefix,
                                const Scan& scan, const Windows& windows);
/// Runs the stages after the last stats over a windowed table of its columns.
Result<Table> run_after_stats(Execution& execution, const BaselinePrefix& prefix, Table groups,
                              const Windows& windows);

/// Returns the group in `groups`, which may grow, of each row of a windowed table.
Result<std::vector<uint32_t>> number_groups(Execution& execution, const Table& table,
                                            std::span<const uint32_t> key_columns,
                                            GroupTable& groups);

/// Makes the records of all wanted windows, by window; null for the others. Sets `row_groups` to
/// the groups of the rows of `tables.rows`. `gauge` counts the records.
Result<std::vector<std::shared_ptr<const WindowRecord>>> make_records(
    Execution& execution, const BaselinePrefix& prefix, const PrefixTables& tables,
    const Windows& windows, GroupTable& groups, std::vector<uint32_t>& row_groups,
    MemoryGauge& gauge);

}  // namespace tocsin
