// What a finished plan tells about itself.
#pragma once

#include <string>
#include <vector>

#include "query/plan/plan.h"

namespace tocsin {

/// What the rule engine asks of a rule's query.
struct PlanSummary {
  bool has_stats = false;
  /// The keys of the last stats, in its order: with the rule's name an alert's identity.
  std::vector<std::string> group_keys;
  /// By key: its index among the output columns. Empty when a later stage dropped or replaced a
  /// key.
  std::vector<uint32_t> group_columns;
  bool keys_survive = false;  ///< every key is among the output columns, as stats made it
  bool has_baseline = false;
  bool buckets_time = false;  ///< one of the keys is time(…)
};
PlanSummary summarize_plan(const Plan& plan);

/// By source column: whether any stage or the output needs it.
std::vector<bool> used_source_columns(const Plan& plan);

}  // namespace tocsin
