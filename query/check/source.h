// The source of a query: its measurements as one table, and its time range.
#pragma once

#include <string>
#include <vector>

#include "db/schema/schema.h"
#include "query/check/scope.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Sets the plan's source, source columns and range, and the scope of the first stage. `unknown`
/// are columns named in a rule that no measurement has: they become null columns at the end.
bool check_source(CheckContext& context, const ast::Source& source, const Catalog& catalog,
                  const std::vector<std::string>& unknown, Plan& plan, Scope& scope);

}  // namespace tocsin
