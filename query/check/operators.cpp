// Types operators and checks their operands.
#include <fmt/format.h>

#include "query/check/expression.h"
#include "query/function/pattern.h"
#include "query/parser/lexer.h"

namespace tocsin {
namespace {

using T = ValueType;

bool is_integer(T type) { return type == T::kI64 || type == T::kU64; }
bool is_null_word(const ast::Expression& node) {
  return node.kind == ast::Expression::Kind::kLiteral && node.literal.type == T::kNull;
}

constexpr size_t kQuotedBytesMax = 40;

// The expression in backticks if it is short, else `this`.
std::string quoted(const ast::Expression& node) {
  const std::string text = ast::print_expression(node);
  return text.size() <= kQuotedBytesMax ? fmt::format("`{}`", text) : "this";
}

// The constant rewritten as a value of `type`, for a hint; empty if there is none.
std::string rewrite_constant(const Value& value, T type, const TimeZone& zone) {
  const auto* text = std::get_if<std::string>(&value.data);
  if (text && type == T::kTime) {
    if (parse_time(*text, zone)) return *text;
    size_t length = 0;
    std::string time = completed_time(*text, length);
    if (!time.empty() && length == text->size()) return time;
    return "2026-11-24T10:04:05Z";
  }
  if (text && type == T::kDuration) return parse_duration(*text) ? *text : "1h30m";
  if (text && type == T::kBool) return *text == "true" || *text == "false" ? *text : "true";
  if (text && is_number(type)) {
    Value number;
    size_t length = 0;
    LexError error;
    const bool found = lex_number(*text, zone, number, length, error) == LexResult::kFound;
    return found && length == text->size() && is_number(number.type) ? *text : "";
  }
  ast::Expression node;
  node.literal = value;
  if (type == T::kString) return quote_string(ast::print_expression(node));
  if (type == T::kDuration && is_number(value.type)) return ast::print_expression(node) + "s";
  return "";
}

bool fault_mismatch(CheckContext& context, const ast::Expression& node, const Expression& call) {
  for (const size_t side : {0, 1}) {
    const Expression& constant = call.arguments[1 - side];
    if (!is_literal(constant)) continue;
    const Expression& other = call.arguments[side];
    const std::string better = rewrite_constant(constant.literal, other.type, context.options.zone);
    std::string message = fmt::format(
        "{} is {}, but {} is {}", quoted(node.arguments[side]), describe(other.type),
        context.text.substr(constant.span.start, constant.span.end - constant.span.start),
        describe(constant.type));
    std::string hint = better.empty() ? "" : fmt::format("write {}", better);
    if (is_number(other.type) && constant.type == T::kDuration) {
      hint = "write a plain number, in the unit of the column";
    }
    return context.fault(constant.span, std::move(message), std::move(hint));
  }
  return context.fault(
      node.head,
      fmt::format("`{}` cannot compare {} with {}", name_of(node.operation),
                  describe(call.arguments[0].type), describe(call.arguments[1].type)),
      "convert one of them with to_number(text), to_string(x) or to_time(text)");
}

bool fault_null(CheckContext& context, const ast::Expression& node, size_t side) {
  const bool equal = node.operation == Function::kEqual;
  const ast::Expression& other = node.arguments[1 - side];
  const std::string name = ast::print_expression(other);
  return context.fault(node.span,
                       "a comparison with null is never true; test whether there is a value",
                       fmt::format("write `{}exists({})`", equal ? "not " : "", name));
}

bool type_comparison(CheckContext& context, const ast::Expression& node, Expression& call) {
  call.type = T::kBool;
  for (const size_t side : {0, 1}) {
    if (is_null_word(node.arguments[side])) return fault_null(context, node, side);
  }
  const T left = call.arguments[0].type;
  const T right = call.arguments[1].type;
  if (!are_comparable(left, right)) return fault_mismatch(context, node, call);
  const bool ordering = node.operation != Function::kEqual && node.operation != Function::kNotEqual;
  if (ordering && (left == T::kBool || right == T::kBool)) {
    return context.fault(node.head, "booleans have no order", "compare them with `==` or `!=`");
  }
  return true;
}

bool type_logic(CheckContext& context, const ast::Expression& node, Expression& call) {
  call.type = T::kBool;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const T type = call.arguments[i].type;
    if (type == T::kBool || type == T::kNull) continue;
    return context.fault(node.arguments[i].span,
                         fmt::format("`{}` needs conditions, but {} is {}", name_of(node.operation),
                                     quoted(node.arguments[i]), describe(type)),
                         "compare it with something, as in `total > 20`, or use `exists(x)`");
  }
  return true;
}

bool type_in(CheckContext& context, const ast::Expression& node, Expression& call) {
  call.type = T::kBool;
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    const Expression& item = call.arguments[i];
    if (!is_literal(item)) {
      return context.fault(item.span, "`in (…)` accepts only constants",
                           "compare with columns by `==` and `or`");
    }
    if (item.literal.is_null()) {
      return context.fault(item.span, "no value is equal to null",
                           fmt::format("test for null separately, with `not exists({})`",
                                       ast::print_expression(node.arguments[0])));
    }
    if (are_comparable(call.arguments[0].type, item.type)) continue;
    const std::string better =
        rewrite_constant(item.literal, call.arguments[0].type, context.options.zone);
    return context.fault(item.span,
                         fmt::format("{} is {}, but this is {}", quoted(node.arguments[0]),
                                     describe(call.arguments[0].type), describe(item.type)),
                         better.empty() ? "" : fmt::format("write {}", better));
  }
  return true;
}

bool type_text_operator(CheckContext& context, const ast::Expression& node, Expression& call) {
  call.type = T::kBool;
  for (size_t i = 0; i < 2; ++i) {
    const T type = call.arguments[i].type;
    if (type == T::kString || type == T::kNull) continue;
    return context.fault(node.arguments[i].span,
                         fmt::format("`{}` needs strings, but {} is {}", name_of(node.operation),
                                     quoted(node.arguments[i]), describe(type)),
                         i == 0 ? "convert it with to_string(x)" : "");
  }
  const bool is_pattern =
      node.operation == Function::kMatches || node.operation == Function::kNotMatches;
  return !is_pattern || check_pattern_argument(context, node.arguments[1], call.arguments[1]);
}

bool fault_arithmetic(CheckContext& context, const ast::Expression& node, const Expression& call) {
  const T left = call.arguments[0].type;
  const T right = call.arguments[1].type;
  std::string hint;
  if (left == T::kString || right == T::kString) {
    hint = node.operation == Function::kAdd
               ? "join strings with concat(a, b), or convert them with to_number(text)"
               : "convert strings with to_number(text)";
  } else if (left == T::kDuration || right == T::kDuration) {
    hint = "convert a duration with to_seconds(x), or a number of seconds with 1s * x";
  } else if (left == T::kTime || right == T::kTime) {
    hint = "time - time is a duration, time - 5m is a time";
  } else if (left == T::kBool || right == T::kBool) {
    hint = "if(condition, 1, 0) turns a condition into a number";
  }
  return context.fault(node.head,
                       fmt::format("`{}` cannot be applied to {} and {}", name_of(node.operation),
                                   describe(left), describe(right)),
                       std::move(hint));
}

// Types arithmetic on numbers: f64 if an operand is or the operator needs it, else integers.
void type_numbers(Expression& call) {
  const T left = call.arguments[0].type;
  const T right = call.arguments[1].type;
  const bool both_unsigned = left == T::kU64 && right == T::kU64;
  if (call.function == Function::kDivide || left == T::kF64 || right == T::kF64) {
    convert_to_f64(call.arguments[0]);
    convert_to_f64(call.arguments[1]);
    call.type = T::kF64;
  } else {
    // The difference of two unsigned numbers may be negative.
    const bool stays_unsigned = both_unsigned && call.function != Function::kSubtract;
    call.type = stays_unsigned ? T::kU64 : T::kI64;
  }
}

// The result type of an operation on a time or duration; nothing if it is invalid.
std::optional<T> time_result(Function operation, T left, T right) {
  const bool durations = left == T::kDuration && right == T::kDuration;
  switch (operation) {
    case Function::kAdd:
      if (durations) return T::kDuration;
      if (left == T::kTime && right == T::kDuration) return T::kTime;
      if (left == T::kDuration && right == T::kTime) return T::kTime;
      return std::nullopt;
    case Function::kSubtract:
      if (durations) return T::kDuration;
      if (left == T::kTime && right == T::kDuration) return T::kTime;
      if (left == T::kTime && right == T::kTime) return T::kDuration;
      return std::nullopt;
    case Function::kMultiply:
      if (left == T::kDuration && is_number(right)) return T::kDuration;
      if (is_number(left) && right == T::kDuration) return T::kDuration;
      return std::nullopt;
    case Function::kDivide:
      if (durations) return T::kF64;
      if (left == T::kDuration && is_number(right)) return T::kDuration;
      return std::nullopt;
    case Function::kIntegerDivide: return durations ? std::optional(T::kI64) : std::nullopt;
    case Function::kModulo: return durations ? std::optional(T::kDuration) : std::nullopt;
    default: return std::nullopt;
  }
}

bool type_arithmetic(CheckContext& context, const ast::Expression& node, Expression& call) {
  const T left = call.arguments[0].type;
  const T right = call.arguments[1].type;
  if (left == T::kNull || right == T::kNull) {
    call.type = T::kNull;
    return true;
  }
  if (is_number(left) && is_number(right)) {
    const bool whole =
        call.function == Function::kIntegerDivide || call.function == Function::kModulo;
    if (whole && !(is_integer(left) && is_integer(right))) {
      return context.fault(node.head, fmt::format("`{}` needs integers", name_of(node.operation)),
                           "for floats, floor(x / y) divides and rounds down");
    }
    type_numbers(call);
    return true;
  }
  const auto type = time_result(call.function, left, right);
  if (!type) return fault_arithmetic(context, node, call);
  // The executor expects the order time + duration, duration * number.
  const bool swapped =
      (call.function == Function::kAdd && left == T::kDuration && right == T::kTime) ||
      (call.function == Function::kMultiply && is_number(left));
  if (swapped) std::swap(call.arguments[0], call.arguments[1]);
  call.type = *type;
  return true;
}

bool type_negation(CheckContext& context, const ast::Expression& node, Expression& call) {
  const T type = call.arguments[0].type;
  call.type = type == T::kU64 ? T::kI64 : type;
  if (is_number(type) || type == T::kDuration || type == T::kNull) return true;
  return context.fault(node.span, fmt::format("`-` cannot be applied to {}", describe(type)),
                       type == T::kBool     ? "write `not`"
                       : type == T::kString ? "convert it with to_number(text)"
                                            : "");
}

}  // namespace

bool are_comparable(T a, T b) {
  return a == T::kNull || b == T::kNull || a == b || (is_number(a) && is_number(b));
}

bool is_comparison(Function operation) {
  return (operation >= Function::kEqual && operation <= Function::kGreaterEqual) ||
         (operation >= Function::kIn && operation <= Function::kIcontains);
}

bool type_operator(CheckContext& context, const ast::Expression& node, Expression& call) {
  switch (call.function) {
    case Function::kAnd:
    case Function::kOr:
    case Function::kNot: return type_logic(context, node, call);
    case Function::kEqual:
    case Function::kNotEqual:
    case Function::kLess:
    case Function::kLessEqual:
    case Function::kGreater:
    case Function::kGreaterEqual: return type_comparison(context, node, call);
    case Function::kIn:
    case Function::kNotIn: return type_in(context, node, call);
    case Function::kMatches:
    case Function::kNotMatches:
    case Function::kContains:
    case Function::kIcontains: return type_text_operator(context, node, call);
    case Function::kNegate: return type_negation(context, node, call);
    default: return type_arithmetic(context, node, call);
  }
}

}  // namespace tocsin
