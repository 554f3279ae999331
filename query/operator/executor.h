// Runs a plan: decides which operators run, and in which order.
#pragma once

#include "db/database.h"
#include "query/base/options.h"
#include "query/format/result.h"
#include "query/plan/plan.h"

namespace tocsin {

class DetectMemory;
class WindowMemory;

/// Runs a plan. `windows` has the remembered baseline windows and `detectors` those of `detect`; if
/// one is null, nothing is remembered.
Result<ResultTable> execute_plan(const Database& database, const Plan& plan,
                                 const QueryOptions& options, WindowMemory* windows,
                                 DetectMemory* detectors = nullptr);

}  // namespace tocsin
