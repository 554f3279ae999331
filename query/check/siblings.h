// How expressions read a column that has siblings: the column itself has the values of its first
// type, each sibling those of another type.
#pragma once

#include <string_view>
#include <vector>

#include "query/check/scope.h"
#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Whether an argument of the call is a column with siblings.
bool has_siblings(const Scope& scope, const Expression& call);
/// The siblings of the column that `expression` is; empty if it is anything else.
std::vector<Expression> siblings_of(const Scope& scope, const Expression& expression);

/// Types a comparison, `in` or text search, of whose checked arguments one has siblings: it is true
/// if it is true for the column or a sibling. Each is compared with what has its type only. For
/// `!=`, `not in` and `!~`, a value of any other type is different.
bool compare_siblings(CheckContext& context, const Scope& scope, const ast::Expression& node,
                      Expression& call);

/// Prepares the arguments of a named function: those of exists, to_string and concat have the
/// values of all types. Other functions leave out siblings, with a warning.
void use_siblings(CheckContext& context, const Scope& scope, const FunctionEntry& entry,
                  Expression& call);

/// Replaces a column with siblings by the text of whichever value a row has.
void use_text_of_all(const Scope& scope, Expression& expression);
/// The same, but values of different types have different texts.
void use_distinct_text_of_all(const Scope& scope, Expression& expression);

/// Adds a warning if `expression` is a column with siblings, which `user` leaves out.
void warn_of_siblings(CheckContext& context, const Scope& scope, const Expression& expression,
                      std::string_view user);

}  // namespace tocsin
