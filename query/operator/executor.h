// Runs a plan: decides which operators run, and in which order.
#pragma once

#include "db/database.h"
#include "query/base/options.h"
#include "query/format/result.h"
#include "query/plan/plan.h"

namespace tocsin {

class WindowMemory;

/// Runs a plan. `memory` has the remembered baseline windows; if it is null, none are remembered.
Result<ResultTable> execute_plan(const Database& database, const Plan& plan,
                                 const QueryOptions& options, WindowMemory* memory);

}  // namespace tocsin
