// Conditions that no row can fulfil: worth a warning, since the query is right but its answer
// empty.
#pragma once

#include <optional>
#include <string>

#include "query/check/scope.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Why no row can fulfil the condition, as the end of a sentence; nothing when one might. Looks at
/// the comparisons of columns with constants that `and` joins, and at what the columns' types can
/// hold.
std::optional<std::string> find_contradiction(const CheckContext& context, const Scope& scope,
                                              const Expression& condition);

}  // namespace tocsin
