// Text to plan, without a database.
#pragma once

#include <string_view>

#include "db/base/result.h"
#include "db/schema/schema.h"
#include "query/base/options.h"
#include "query/parser/diagnostic.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Parses `text` and checks it against `catalog`. kInvalid: the message is a rendered diagnostic,
/// which is also stored in `diagnostic` unless that is null.
Result<Plan> build_plan(std::string_view text, const Catalog& catalog, const QueryOptions& options,
                        Diagnostic* diagnostic = nullptr);

}  // namespace tocsin
