// From a plan to a table: which operators run, and in which order.
#pragma once

#include "db/database.h"
#include "query/base/options.h"
#include "query/format/result.h"
#include "query/plan/plan.h"

namespace tocsin {

class WindowMemory;

/// Runs a plan. `memory` holds what is remembered of baseline windows; null remembers nothing.
Result<ResultTable> execute_plan(const Database& database, const Plan& plan,
                                 const QueryOptions& options, WindowMemory* memory);

}  // namespace tocsin
