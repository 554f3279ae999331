// Types named functions by the signatures in the registry.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <re2/re2.h>

#include "query/base/limits.h"
#include "query/check/expression.h"
#include "query/function/pattern.h"

namespace tocsin {
namespace {

using T = ValueType;
using A = ArgumentType;

bool accepts(A wanted, const Expression& argument) {
  const T type = argument.type;
  if (type == T::kNull) return wanted != A::kPattern && wanted != A::kDuration;
  switch (wanted) {
    case A::kAny:
    case A::kSame: return true;
    case A::kBool: return type == T::kBool;
    case A::kNumber: return is_number(type);
    case A::kInteger: return type == T::kI64 || type == T::kU64;
    case A::kString: return type == T::kString;
    case A::kTime: return type == T::kTime;
    case A::kDuration:
      return type == T::kDuration && is_literal(argument) && !argument.literal.is_null() &&
             std::get<int64_t>(argument.literal.data) > 0;
    case A::kNumberOrDuration: return is_number(type) || type == T::kDuration;
    case A::kTimeOrDuration: return type == T::kTime || type == T::kDuration;
    case A::kOrdered:
    case A::kSameOrdered: return type != T::kBool;
    case A::kPattern: return type == T::kString && is_literal(argument);
  }
  return false;
}

bool check_argument_count(CheckContext& context, const ast::Expression& node,
                          const FunctionEntry& entry) {
  const size_t count = node.arguments.size();
  const bool fits = count >= entry.argument_count_min &&
                    (entry.argument_count_max == kAnyCount || count <= entry.argument_count_max);
  if (fits) return true;
  return context.fault(
      node.span,
      fmt::format("`{}` does not accept {} argument{}", node.name, count, count == 1 ? "" : "s"),
      usage_of(entry.documentation));
}

bool check_argument_types(CheckContext& context, const ast::Expression& node,
                          const FunctionEntry& entry, Expression& call) {
  const size_t last_kind = std::min<size_t>(entry.argument_count_max, entry.arguments.size());
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    // The registry has only the first argument's type for variadic functions.
    const A wanted = entry.argument_count_max == kAnyCount
                         ? entry.arguments[0]
                         : entry.arguments[std::min(i, last_kind - 1)];
    if (!accepts(wanted, call.arguments[i])) {
      return context.fault(node.arguments[i].span,
                           fmt::format("`{}` needs {} here, but this is {}", node.name,
                                       name_of(wanted), describe(call.arguments[i].type)),
                           usage_of(entry.documentation));
    }
    if (wanted == A::kPattern &&
        !check_pattern_argument(context, node.arguments[i], call.arguments[i])) {
      return false;
    }
  }
  return true;
}

// Converts a constant to the common type of the arguments; false if that has no such value.
bool convert_constant(Expression& argument, T type) {
  if (!is_literal(argument)) return false;
  const auto* whole = std::get_if<int64_t>(&argument.literal.data);
  if (type == T::kU64 && argument.type == T::kI64 && whole && *whole >= 0) {
    argument.literal = Value::of(static_cast<uint64_t>(*whole));
    argument.type = type;
    return true;
  }
  return false;
}

bool type_common(CheckContext& context, const ast::Expression& node, size_t first,
                 Expression& call) {
  const auto common = unify_types(call, first);
  if (common) {
    call.type = *common;
    return true;
  }
  std::string types;
  for (size_t i = first; i < call.arguments.size(); ++i) {
    types += (types.empty() ? "" : ", ") + describe(call.arguments[i].type);
  }
  return context.fault(
      node.span,
      fmt::format("the arguments of `{}` must have the same type, but are {}", node.name, types),
      "convert them with to_string(x) or to_number(text)");
}

}  // namespace

void convert_to_f64(Expression& expression) {
  if (expression.type == T::kF64 || expression.type == T::kNull) return;
  if (is_literal(expression)) {
    if (const auto* whole = std::get_if<int64_t>(&expression.literal.data)) {
      expression.literal = Value::of(static_cast<double>(*whole));
    } else if (const auto* natural = std::get_if<uint64_t>(&expression.literal.data)) {
      expression.literal = Value::of(static_cast<double>(*natural));
    }
    expression.type = T::kF64;
    return;
  }
  Expression wrapped;
  wrapped.kind = Expression::Kind::kCall;
  wrapped.function = Function::kToF64;
  wrapped.type = T::kF64;
  wrapped.span = expression.span;
  wrapped.arguments.push_back(std::move(expression));
  expression = std::move(wrapped);
}

std::optional<ValueType> unify_types(Expression& call, size_t first) {
  const auto begin = call.arguments.begin() + static_cast<std::ptrdiff_t>(first);
  T common = T::kNull;
  bool numbers = true;
  bool mixed = false;
  // Columns first, so that a constant can take the type of an unsigned column.
  for (const bool constants : {false, true}) {
    for (auto argument = begin; argument != call.arguments.end(); ++argument) {
      if (argument->type == T::kNull || is_literal(*argument) != constants) continue;
      numbers = numbers && is_number(argument->type);
      if (common == T::kNull) common = argument->type;
      if (argument->type != common && !convert_constant(*argument, common)) mixed = true;
    }
  }
  if (!mixed) return common;
  if (!numbers) return std::nullopt;
  std::for_each(begin, call.arguments.end(), convert_to_f64);
  return T::kF64;
}

bool check_pattern_argument(CheckContext& context, const ast::Expression& node,
                            const Expression& pattern) {
  if (pattern.type == T::kNull && is_literal(pattern)) return true;
  if (!is_literal(pattern)) {
    return context.fault(node.span, "a pattern must be a constant",
                         "write it as a raw string, like r\"^pay\\d+\"");
  }
  if (pattern.literal.is_null()) return true;
  if (++context.pattern_count > kPatternCountMax) {
    return context.fault(node.span,
                         fmt::format("a query may have at most {} patterns", kPatternCountMax),
                         "join several by `|` in one pattern, or use `in (…)` for whole values");
  }
  PatternError error;
  if (compile_pattern(std::get<std::string>(pattern.literal.data), error)) return true;
  TextSpan span = node.span;
  const std::string_view written = context.text.substr(span.start, span.end - span.start);
  const size_t place =
      error.fragment.empty() ? std::string_view::npos : written.find(error.fragment);
  if (place != std::string_view::npos) {
    span.start += static_cast<uint32_t>(place);
    span.end = span.start + static_cast<uint32_t>(error.fragment.size());
  }
  return context.fault(span, fmt::format("this pattern is not valid: {}", error.message),
                       "patterns use RE2 syntax: github.com/google/re2/wiki/Syntax");
}

bool type_function(CheckContext& context, const ast::Expression& node, const FunctionEntry& entry,
                   Expression& call) {
  if (!check_argument_count(context, node, entry)) return false;
  if (!check_argument_types(context, node, entry, call)) return false;
  switch (entry.result) {
    case ResultType::kBool: call.type = T::kBool; return true;
    case ResultType::kI64: call.type = T::kI64; return true;
    case ResultType::kString: call.type = T::kString; return true;
    case ResultType::kTime: call.type = T::kTime; return true;
    case ResultType::kFirst: call.type = call.arguments[0].type; return true;
    case ResultType::kSame:
      return type_common(context, node, entry.function == Function::kIf, call);
    case ResultType::kF64: break;
  }
  call.type = T::kF64;
  if (entry.function == Function::kToNumber || entry.function == Function::kToSeconds) return true;
  std::for_each(call.arguments.begin(), call.arguments.end(), convert_to_f64);
  return true;
}

}  // namespace tocsin
