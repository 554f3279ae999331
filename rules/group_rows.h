// The events of one group of a rule in a window: the rule's query up to its first stats, with
// filters for the group in place of the stats.
#pragma once

#include <optional>

#include "query/query.h"
#include "rules/evaluate.h"

namespace tocsin {

struct GroupRows {
  Plan plan;
  StatsStage stats;                       ///< the rule's first stats, over the plan's columns
  std::optional<BaselineStage> baseline;  ///< of the rule
};

/// The options for queries about the window; without a time limit.
QueryOptions window_options(const CompiledRule& compiled, TimeRange window, const TimeZone& zone);

/// Prepares the rule's query for the window; kInvalid if it has no stats.
Result<GroupRows> rows_of_group(const CompiledRule& compiled, const QueryEngine& queries,
                                const QueryOptions& options, const GroupValues& group);

/// Appends a `where`.
void add_filter(Plan& plan, Expression condition);

}  // namespace tocsin
