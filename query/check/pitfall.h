// Finds expressions that are valid but probably do not mean what was intended, and records with a
// column of a `let` what is known about its expression, so that the `let` does not hide it.
#pragma once

#include <string>
#include <vector>

#include "query/check/scope.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Records in the column of a `let` the facts about its expression that later stages need.
/// `written` is the expression before names that are not stored yet became nulls.
void note_facts(const CheckContext& context, const Scope& scope, const ast::Expression& written,
                const Expression& expression, ScopeColumn& column);

/// Warnings of negative comparisons in the condition that drop all rows of a measurement, because
/// it does not have the column: a comparison with null is false, even `user != "u1"`. Comparisons
/// under a `not` keep such rows.
std::vector<std::string> find_dropped_rows(const CheckContext& context, const Scope& scope,
                                           const Expression& condition);

/// Warns if the call compares lower(x) with a constant that has capital letters, or upper(x) with
/// one that has small letters: they never match.
void warn_of_letter_case(CheckContext& context, const Scope& scope, const ast::Expression& written,
                         const Expression& call);

/// Warns if the condition of the `if` is never true, or drops all rows of a measurement.
void warn_of_if(CheckContext& context, const Scope& scope, const Expression& call);

/// Whether a constant, an `if`, a `coalesce`, or a column computed by them, has a value in every
/// row.
bool is_never_null(const Scope& scope, const ast::Expression& written);

}  // namespace tocsin
