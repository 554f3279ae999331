// The stages before `baseline`, run over many windows in one pass, and what is kept of each.
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

/// The stages [0, end) of a plan, where stage `end` is its baseline. The plan must outlive it.
struct BaselinePrefix {
  const Plan* plan = nullptr;
  const BaselineStage* baseline = nullptr;
  size_t end = 0;
  size_t last_stats = 0;        ///< the last stats among the stages
  bool filters_groups = false;  ///< a `where` stands behind the last stats
  bool calls_now = false;
  std::vector<uint32_t> value_columns;  ///< of stage end - 1: the columns of baseline(x), each once
  std::vector<ValueType> key_types;     ///< of the last stats

  static Result<BaselinePrefix> of(const Plan& plan, size_t end);

  const StatsStage& stats() const {
    return std::get<StatsStage>(plan->stages[last_stats].operation);
  }
};

/// Every window that the baseline looks at; kLimit when there are too many.
Result<Windows> baseline_windows(const BaselinePrefix& prefix);

/// What the prefix gives over the wanted windows.
struct PrefixTables {
  Table groups;  ///< after the last stats: its keys first, the window last
  Table rows;    ///< after the last stage, the window last
  WindowCounts counts;
};
Result<PrefixTables> run_prefix(Execution& execution, const BaselinePrefix& prefix,
                                const Scan& scan, const Windows& windows);
/// The stages behind the last stats, over a windowed table of its columns.
Result<Table> run_after_stats(Execution& execution, const BaselinePrefix& prefix, Table groups,
                              const Windows& windows);

/// The group of each row of a windowed table by its key columns, in `groups`, which may grow.
Result<std::vector<uint32_t>> number_groups(const Table& table,
                                            std::span<const uint32_t> key_columns,
                                            GroupTable& groups);

/// What is remembered of every wanted window, by window; null for the others. `row_groups` receives
/// the group of each row of `tables.rows`.
Result<std::vector<std::shared_ptr<const WindowRecord>>> make_records(
    const BaselinePrefix& prefix, const PrefixTables& tables, const Windows& windows,
    GroupTable& groups, std::vector<uint32_t>& row_groups);

}  // namespace tocsin
