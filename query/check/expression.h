// Resolves names and parameters in expressions and types them: from AST to plan expressions.
#pragma once

#include <optional>
#include <string>

#include "query/check/scope.h"
#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

inline bool is_literal(const Expression& expression) {
  return expression.kind == Expression::Kind::kLiteral;
}

/// Checks `expression` against the columns of `scope`; false with the context's diagnostic set.
/// Constant parts are computed. A part that is null because a column does not exist yet (in a rule)
/// becomes a literal null of type kNull.
bool check_expression(CheckContext& context, const Scope& scope, const ast::Expression& expression,
                      Expression& out);

/// The same for a condition: a boolean, or null. `what` names the place in messages, as in
/// `where needs a condition`.
bool check_condition(CheckContext& context, const Scope& scope, const ast::Expression& expression,
                     std::string_view what, Expression& out);

/// A constant, duration or count as the argument of a stage: `limit 10`, `baseline $window`.
bool check_constant(CheckContext& context, const ast::Expression& expression, Value& out);
bool check_duration(CheckContext& context, const ast::Expression& expression, std::string_view what,
                    Duration& out);
bool check_count(CheckContext& context, const ast::Expression& expression, std::string_view what,
                 uint64_t count_min, uint64_t count_max, uint64_t& out);

/// The fault for a duration that reaches back beyond the earliest time.
bool fault_too_early(CheckContext& context, TextSpan span);

/// Whether the operator compares values or searches in a text. This and the next two are in
/// operators.cpp.
bool is_comparison(Function operation);
/// Whether values of the types can be equal.
bool are_comparable(ValueType a, ValueType b);
/// Types an operator whose arguments are already checked, and converts mixed numbers to f64.
bool type_operator(CheckContext& context, const ast::Expression& node, Expression& call);
/// The same for a named function; in functions.cpp.
bool type_function(CheckContext& context, const ast::Expression& node, const FunctionEntry& entry,
                   Expression& call);

/// Checks the pattern of `=~`, `!~` or extract: a constant that RE2 can compile.
bool check_pattern_argument(CheckContext& context, const ast::Expression& node,
                            const Expression& pattern);

/// Makes `expression` an f64: wraps an integer in kToF64, converts a constant.
void convert_to_f64(Expression& expression);
/// The common type of all arguments from `first` on, after converting them: their type if they have
/// the same, f64 for mixed numbers, kNull if all are null. Nothing if there is none.
std::optional<ValueType> unify_types(Expression& call, size_t first);

/// `baseline(x, statistic)`, which refers to a column of the baseline stage.
struct BaselineCall {
  ast::Name column;
  BaselineStatistic statistic = BaselineStatistic::kMean;
  double quantile = 0;
  std::string name;  ///< of the column, as printed: `baseline(rate)`, `baseline(rate, p95)`
};
/// Nothing with a fault if the call is not well-formed.
std::optional<BaselineCall> check_baseline_call(CheckContext& context, const ast::Expression& call);

}  // namespace tocsin
