#include "query/check/expression.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/base/text.h"
#include "db/limits.h"
#include "query/base/limits.h"
#include "query/check/contradiction.h"
#include "query/check/pitfall.h"
#include "query/check/siblings.h"
#include "query/parser/grammar.h"
#include "query/parser/lexer.h"

namespace tocsin {
namespace {

using Kind = ast::Expression::Kind;

Expression literal(Value value, TextSpan span) {
  Expression out;
  out.type = value.type;
  out.literal = std::move(value);
  out.span = span;
  return out;
}

Expression column_reference(const Scope& scope, uint32_t index, TextSpan span) {
  if (scope.at(index).unknown) return literal(Value::null(), span);
  Expression out;
  out.kind = Expression::Kind::kColumn;
  out.column = index;
  out.type = scope.at(index).type;
  out.span = span;
  return out;
}

bool check_name(CheckContext& context, const Scope& scope, const ast::Expression& node,
                Expression& out) {
  const auto column = context.resolve({node.name, node.span}, scope);
  if (!column) return false;
  out = column_reference(scope, *column, node.span);
  return true;
}

bool check_parameter(CheckContext& context, const ast::Expression& node, Expression& out) {
  const auto& parameters = context.options.parameters;
  const auto found = parameters.find(node.name);
  if (found != parameters.end()) {
    out = literal(found->second, node.span);
    return true;
  }
  std::string known;
  for (const auto& [name, value] : parameters) known += (known.empty() ? "$" : ", $") + name;
  return context.fault(node.span, fmt::format("the parameter `${}` has no value", node.name),
                       known.empty() ? "no parameters are set; set it with --param NAME=VALUE"
                                     : "the parameters are " + known);
}

bool check_baseline_reference(CheckContext& context, const Scope& scope,
                              const ast::Expression& node, Expression& out) {
  const auto call = check_baseline_call(context, node);
  if (!call) return false;
  const auto column = scope.find(call->name);
  if (column) {
    out = column_reference(scope, *column, node.span);
    return true;
  }
  if (context.has_baseline) {
    return context.fault(
        node.span, fmt::format("`{}` no longer exists: an earlier stage removed it", call->name),
        "use it before that stage, or keep it there by its name in backticks");
  }
  return context.fault(node.span, "`baseline(x)` needs a `baseline` stage before it",
                       "write `| stats … | baseline 7d | where total > 2 * baseline(total)`");
}

bool unknown_function(CheckContext& context, const ast::Expression& node) {
  if (find_aggregate(node.name) && node.name != "min" && node.name != "max") {
    return context.fault(
        node.head,
        fmt::format("`{}` is an aggregate: only a `stats` stage may contain it", node.name),
        fmt::format("write `| stats x = {}(…) | …` and use x after that", node.name));
  }
  if (node.name == "time") {
    return context.fault(node.head, "`time(5m)` may only follow `by`",
                         "elsewhere write `bucket(time, 5m)`");
  }
  const std::string near = suggest_function(node.name);
  const std::string aggregate = near.empty() ? suggest_aggregate(node.name) : "";
  std::string hint = did_you_mean(near, "query/README.md lists all functions");
  if (!aggregate.empty()) {
    hint = did_you_mean(aggregate) + " It is an aggregate: only a `stats` stage may contain it";
  }
  return context.fault(node.head, fmt::format("no function `{}`", node.name), std::move(hint));
}

bool is_foldable(const Expression& call) {
  return call.function != Function::kNow &&
         std::all_of(call.arguments.begin(), call.arguments.end(), is_literal);
}

void become_literal(Expression& expression, Value value, ValueType type) {
  expression = literal(std::move(value), expression.span);
  expression.type = type;
}

// Gives a type to null arguments without one (the literal, or a column that does not exist yet), or
// replaces the call by its value if such a null determines it.
void settle_nulls(Expression& call) {
  const auto is_untyped = [](const Expression& argument) {
    return argument.type == ValueType::kNull;
  };
  if (std::none_of(call.arguments.begin(), call.arguments.end(), is_untyped)) return;
  const auto replace = [&](size_t first, size_t end, const Value& value, ValueType type) {
    for (size_t i = first; i < end; ++i) {
      if (is_untyped(call.arguments[i])) become_literal(call.arguments[i], value, type);
    }
  };
  switch (call.function) {
    case Function::kAnd:
    case Function::kOr:
    case Function::kNot:
      return replace(0, call.arguments.size(), Value::of(false), ValueType::kBool);
    case Function::kIf: replace(0, 1, Value::of(false), ValueType::kBool); [[fallthrough]];
    case Function::kCoalesce: return replace(0, call.arguments.size(), Value::null(), call.type);
    case Function::kExists: return become_literal(call, Value::of(false), ValueType::kBool);
    case Function::kEqual:
    case Function::kNotEqual:
    case Function::kLess:
    case Function::kLessEqual:
    case Function::kGreater:
    case Function::kGreaterEqual:
    case Function::kIn:
    case Function::kNotIn:
    case Function::kMatches:
    case Function::kNotMatches:
    case Function::kContains:
    case Function::kIcontains: return become_literal(call, Value::of(false), ValueType::kBool);
    default: return become_literal(call, Value::null(), call.type);
  }
}

// Computes a call whose arguments are constants.
bool fold(CheckContext& context, Expression& call) {
  settle_nulls(call);
  if (is_literal(call) || !is_foldable(call)) return true;
  std::vector<Value> values;
  for (Expression& argument : call.arguments) values.push_back(std::move(argument.literal));
  Expression out =
      literal(evaluate_function(call.function, call.type, values, context.scalar), call.span);
  out.type = call.type;
  call = std::move(out);
  if (std::exchange(context.scalar.texts_too_long, 0) != 0) {
    return context.fault(call.span,
                         fmt::format("this text is longer than {} MiB", kStringBytesMax / kMiB),
                         "write a shorter one");
  }
  if (const auto* text = std::get_if<std::string>(&call.literal.data)) {
    context.constant_bytes += text->size();
  }
  if (context.constant_bytes <= kConstantBytesMax) return true;
  return context.fault(call.span,
                       fmt::format("the constants that this query computes have more than {} MiB "
                                   "together",
                                   kConstantBytesMax / kMiB),
                       "write shorter or fewer ones");
}

bool check_arguments(CheckContext& context, const Scope& scope, const ast::Expression& node,
                     Expression& call) {
  call.kind = Expression::Kind::kCall;
  call.span = node.span;
  for (const ast::Expression& argument : node.arguments) {
    if (!check_expression(context, scope, argument, call.arguments.emplace_back())) return false;
  }
  return true;
}

bool compares_text(Function operation) {
  return operation == Function::kEqual || operation == Function::kNotEqual ||
         operation == Function::kIn || operation == Function::kNotIn ||
         operation == Function::kMatches || operation == Function::kNotMatches ||
         operation == Function::kContains || operation == Function::kIcontains;
}

// `status == FAILED`: a word that names no column, compared with a string, is probably meant as a
// string. `call` has the arguments checked so far; the last one failed.
void suggest_quotes(CheckContext& context, const Scope& scope, const ast::Expression& node,
                    const Expression& call) {
  if (context.unknown_column || !compares_text(node.operation)) return;
  const size_t index = call.arguments.size() - 1;
  const ast::Expression& word = node.arguments[index];
  if (word.kind != Kind::kName || context.text.substr(word.span.start).starts_with('`')) return;
  if (!nearest_name(word.name, scope.names()).empty() || !context.owners_of(word.name).empty())
    return;
  const ast::Expression& other = node.arguments[index == 0 ? 1 : 0];
  const auto column = other.kind == Kind::kName ? scope.find(other.name) : std::nullopt;
  const ValueType type = index > 0 ? call.arguments[0].type
                         : column  ? scope.at(*column).type
                                   : ValueType::kNull;
  if (type != ValueType::kString) return;
  std::string& hint = context.diagnostic.hint;
  hint = fmt::format("write {} if you mean a string; {}", quote_string(word.name), hint);
}

bool check_operator(CheckContext& context, const Scope& scope, const ast::Expression& node,
                    Expression& out) {
  if (!check_arguments(context, scope, node, out)) {
    suggest_quotes(context, scope, node, out);
    return false;
  }
  out.function = node.operation;
  warn_of_letter_case(context, scope, node, out);
  if (has_siblings(scope, out) && is_comparison(out.function)) {
    return compare_siblings(context, scope, node, out) && fold(context, out);
  }
  for (const Expression& argument : out.arguments) {
    warn_of_siblings(context, scope, argument, name_of(out.function));
  }
  return type_operator(context, node, out) && fold(context, out);
}

bool check_call(CheckContext& context, const Scope& scope, const ast::Expression& node,
                Expression& out) {
  if (node.name == "baseline") return check_baseline_reference(context, scope, node, out);
  const FunctionEntry* entry = find_function(node.name);
  if (!entry) return unknown_function(context, node);
  if (!check_arguments(context, scope, node, out)) return false;
  out.function = entry->function;
  if (has_siblings(scope, out)) use_siblings(context, scope, *entry, out);
  if (!type_function(context, node, *entry, out)) return false;
  warn_of_letter_case(context, scope, node, out);
  if (out.function == Function::kIf) warn_of_if(context, scope, out);
  return fold(context, out);
}

}  // namespace

bool check_expression(CheckContext& context, const Scope& scope, const ast::Expression& expression,
                      Expression& out) {
  switch (expression.kind) {
    case Kind::kLiteral: out = literal(expression.literal, expression.span); return true;
    case Kind::kName: return check_name(context, scope, expression, out);
    case Kind::kParameter: return check_parameter(context, expression, out);
    case Kind::kCall: return check_call(context, scope, expression, out);
    case Kind::kOperator: return check_operator(context, scope, expression, out);
  }
  return false;
}

bool check_condition(CheckContext& context, const Scope& scope, const ast::Expression& expression,
                     std::string_view what, Expression& out) {
  if (!check_expression(context, scope, expression, out)) return false;
  if (out.type == ValueType::kNull) become_literal(out, Value::of(false), ValueType::kBool);
  if (out.type == ValueType::kBool) {
    for (std::string& warning : find_dropped_rows(context, scope, out)) {
      context.warn_once(std::move(warning));
    }
    if (const auto why = find_contradiction(context, scope, out)) {
      context.warn_once(fmt::format("no row passes: {}", *why));
    }
    return true;
  }
  return context.fault(
      expression.span,
      fmt::format("{} needs a condition, but this is {}", what, describe(out.type)),
      "compare it with something, as in `total > 20`, or use `exists(x)`");
}

bool check_constant(CheckContext& context, const ast::Expression& expression, Value& out) {
  Expression checked;
  const Scope nothing;
  if (!check_expression(context, nothing, expression, checked)) return false;
  if (!is_literal(checked)) {
    return context.fault(expression.span, "expected a constant",
                         "write a number, duration, time, string or $parameter");
  }
  out = std::move(checked.literal);
  return true;
}

bool fault_too_early(CheckContext& context, TextSpan span) {
  return context.fault(span, "this reaches back before 1677-09-21, the earliest supported time",
                       "write a shorter duration");
}

bool check_duration(CheckContext& context, const ast::Expression& expression, std::string_view what,
                    Duration& out) {
  Value value;
  if (!check_constant(context, expression, value)) return false;
  if (value.type != ValueType::kDuration || value.is_null()) {
    return context.fault(
        expression.span,
        fmt::format("{} needs a duration, but this is {}", what, describe(value.type)),
        "write a number and a unit (ns us ms s m h d w), like 5m or 1h30m");
  }
  out = std::get<int64_t>(value.data);
  if (out > 0) return true;
  return context.fault(expression.span, fmt::format("{} needs a duration above zero", what),
                       "write one like 5m or 1h30m");
}

bool check_count(CheckContext& context, const ast::Expression& expression, std::string_view what,
                 uint64_t count_min, uint64_t count_max, uint64_t& out) {
  Value value;
  if (!check_constant(context, expression, value)) return false;
  const bool whole = value.type == ValueType::kI64 || value.type == ValueType::kU64;
  if (!whole || value.is_null()) {
    return context.fault(
        expression.span,
        fmt::format("{} needs a whole number, but this is {}", what, describe(value.type)),
        "write a number like 10");
  }
  const int64_t* number = std::get_if<int64_t>(&value.data);
  const bool negative = number && *number < 0;
  out = number ? static_cast<uint64_t>(*number) : std::get<uint64_t>(value.data);
  if (!negative && out >= count_min && out <= count_max) return true;
  return context.fault(expression.span,
                       fmt::format("{} must be from {} to {}", what, count_min, count_max));
}

std::optional<BaselineCall> check_baseline_call(CheckContext& context,
                                                const ast::Expression& call) {
  const auto& arguments = call.arguments;
  if (arguments.empty() || arguments.size() > 2 || arguments[0].kind != Kind::kName) {
    context.fault(call.span, "`baseline` accepts the name of a column and, optionally, a statistic",
                  "write `baseline(rate)` or `baseline(rate, p95)`; for a computed value add a "
                  "`let` before the baseline stage");
    return std::nullopt;
  }
  BaselineCall out;
  out.column = {arguments[0].name, arguments[0].span};
  out.name = fmt::format("baseline({}", ast::print_name(out.column.text));
  if (arguments.size() == 2) {
    const ast::Expression& word = arguments[1];
    const std::string name = word.kind == Kind::kName ? word.name : "";
    if (const auto quantile = quantile_of_name(name)) {
      out.statistic = BaselineStatistic::kQuantile;
      out.quantile = *quantile;
    } else if (const auto statistic = find_baseline_statistic(name)) {
      out.statistic = *statistic;
    } else {
      context.fault(word.span, "this is not a baseline statistic",
                    "the statistics are mean median stddev mad min max windows and p1 to p99.9");
      return std::nullopt;
    }
    if (out.statistic != BaselineStatistic::kMean) out.name += ", " + name;
  }
  out.name += ")";
  return out;
}

}  // namespace tocsin
