// Finds conditions that no row can meet. They deserve a warning: the query is valid, but its result
// is empty.
#pragma once

#include <optional>
#include <string>

#include "query/check/scope.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Why no row can meet the condition, to follow `no row passes: `; nothing if a row might.
/// Considers comparisons of columns with constants, joined by `and` and `or`, and the value ranges
/// of types.
std::optional<std::string> find_contradiction(const CheckContext& context, const Scope& scope,
                                              const Expression& condition);

/// Whether the condition may hold for a group without rows, whose counts and sums are 0.
bool may_hold_for_silence(const CheckContext& context, const Scope& scope,
                          const Expression& condition);

}  // namespace tocsin
