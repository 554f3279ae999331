// Facts derived from a finished plan.
#pragma once

#include <string>
#include <vector>

#include "query/plan/plan.h"

namespace tocsin {

/// What the rule engine needs to know about a rule's query.
struct PlanSummary {
  bool has_stats = false;
  /// The keys of the last stats, in its order. Together with the rule's name they identify an
  /// alert.
  std::vector<std::string> group_keys;
  /// By key: its index among the output columns. Empty if a later stage dropped or replaced a key.
  std::vector<uint32_t> group_columns;
  bool keys_survive = false;  ///< every key is an output column, unchanged since the last stats
  bool has_baseline = false;
  bool buckets_time = false;  ///< a key of the last stats is time(…)
};
PlanSummary summarize_plan(const Plan& plan);

/// By source column: whether a stage or the output uses it.
std::vector<bool> used_source_columns(const Plan& plan);

}  // namespace tocsin
