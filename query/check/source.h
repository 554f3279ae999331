// The source of a query: measurements as one table, and the range of time.
#pragma once

#include <string>
#include <vector>

#include "db/schema/schema.h"
#include "query/check/scope.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// The type that a stored column has in queries.
ValueType type_of(const Column& column);

/// Fills the plan's source, source columns and range, and the scope that the first stage reads.
/// `unknown` are columns that a rule names and no measurement has: they become null columns at the
/// end.
bool check_source(CheckContext& context, const ast::Source& source, const Catalog& catalog,
                  const std::vector<std::string>& unknown, Plan& plan, Scope& scope);

/// Warns of the columns in `used` that are null in a measurement for being of another type there.
void warn_of_type_conflicts(CheckContext& context, const Catalog& catalog, const Plan& plan,
                            const std::vector<bool>& used);

}  // namespace tocsin
