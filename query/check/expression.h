// Names, parameters and types of expressions: AST in, typed plan expressions out.
#pragma once

#include <optional>
#include <string>

#include "query/check/scope.h"
#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/plan/plan.h"

namespace tocsin {

/// Checks `expression` against the columns of `scope`; false with the context's diagnostic set.
/// Constant parts are computed. What is null for want of a column (in a rule) comes out as a
/// literal null of type kNull.
bool check_expression(CheckContext& context, const Scope& scope, const ast::Expression& expression,
                      Expression& out);

/// The same where a condition belongs: a boolean, or null. `what` names the place, as in
/// `where takes a condition`.
bool check_condition(CheckContext& context, const Scope& scope, const ast::Expression& expression,
                     std::string_view what, Expression& out);

/// A constant of one of these kinds, for the words of stages: `limit 10`, `baseline $window`.
bool check_constant(CheckContext& context, const ast::Expression& expression, Value& out);
bool check_duration(CheckContext& context, const ast::Expression& expression, std::string_view what,
                    Duration& out);
bool check_count(CheckContext& context, const ast::Expression& expression, std::string_view what,
                 uint64_t count_min, uint64_t count_max, uint64_t& out);

/// What an operator gives for arguments that are checked already; wraps them where numbers meet in
/// f64. In check_operators.cpp.
bool type_operator(CheckContext& context, const ast::Expression& node, Expression& call);
/// The same for a named function; in check_functions.cpp.
bool type_function(CheckContext& context, const ast::Expression& node, const FunctionEntry& entry,
                   Expression& call);

/// The pattern of `=~`, `!~` or extract: a constant that RE2 compiles.
bool check_pattern_argument(CheckContext& context, const ast::Expression& node,
                            const Expression& pattern);

/// `expression` as f64: an integer stands inside kToF64, a constant is converted.
void convert_to_f64(Expression& expression);
/// The type in which all arguments from `first` on meet, with the arguments converted: one type, or
/// numbers in f64. Nothing when they do not; kNull when all are null.
std::optional<ValueType> meet(Expression& call, size_t first);

/// The name of the column that `baseline(x, statistic)` stands for. Nothing, with a fault, when it
/// is not well-formed.
struct BaselineCall {
  ast::Name column;
  BaselineStatistic statistic = BaselineStatistic::kMean;
  double quantile = 0;
  std::string name;  ///< as printed: `baseline(rate)`, `baseline(rate, p95)`
};
std::optional<BaselineCall> check_baseline_call(CheckContext& context, const ast::Expression& call);

}  // namespace tocsin
