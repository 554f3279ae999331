#include "query/function/scalar.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <re2/re2.h>

#include "db/base/check.h"
#include "query/base/limits.h"
#include "query/base/search.h"
#include "query/function/pattern.h"
#include "query/function/scalar_parts.h"

namespace tocsin {
namespace {

using scalar::Arguments;
using scalar::bool_of;
using scalar::text_of;
using T = ValueType;

bool is_nan(const Value& value) {
  const auto* number = std::get_if<double>(&value.data);
  return number && std::isnan(*number);
}

Value comparison(Function function, Arguments arguments) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.is_null() || b.is_null() || is_nan(a) || is_nan(b)) return Value::of(false);
  const int order = compare_values(a, b);
  switch (function) {
    case Function::kEqual: return Value::of(order == 0);
    case Function::kNotEqual: return Value::of(order != 0);
    case Function::kLess: return Value::of(order < 0);
    case Function::kLessEqual: return Value::of(order <= 0);
    case Function::kGreater: return Value::of(order > 0);
    default: return Value::of(order >= 0);
  }
}

Value membership(Function function, Arguments arguments) {
  const Value& operand = arguments[0];
  if (operand.is_null() || is_nan(operand)) return Value::of(false);
  const bool found = std::any_of(arguments.begin() + 1, arguments.end(), [&](const Value& item) {
    return !item.is_null() && compare_values(operand, item) == 0;
  });
  return Value::of(found == (function == Function::kIn));
}

Value text_predicate(Function function, Arguments arguments, ScalarContext& context) {
  if (arguments[0].is_null() || arguments[1].is_null()) return Value::of(false);
  const std::string& text = text_of(arguments[0]);
  if (function == Function::kContains) {
    return Value::of(find_text(text, text_of(arguments[1])) != std::string::npos);
  }
  if (function == Function::kIcontains) {
    return Value::of(CaselessSearch(text_of(arguments[1])).found_in(text));
  }
  const re2::RE2* pattern = context.pattern(text_of(arguments[1]));
  if (!pattern) return Value::of(false);
  return Value::of(re2::RE2::PartialMatch(text, *pattern) == (function == Function::kMatches));
}

Value extreme(Function function, Arguments arguments) {
  const auto less = [](const Value& a, const Value& b) { return compare_values(a, b) < 0; };
  return function == Function::kLeast ? *std::min_element(arguments.begin(), arguments.end(), less)
                                      : *std::max_element(arguments.begin(), arguments.end(), less);
}

// Functions that return null for any null argument. Requires: no argument is null.
Value null_propagating(Function function, T type, Arguments arguments, ScalarContext& context) {
  switch (function) {
    case Function::kLeast:
    case Function::kGreatest: return extreme(function, arguments);
    case Function::kAdd:
    case Function::kSubtract:
    case Function::kMultiply:
    case Function::kDivide:
    case Function::kIntegerDivide:
    case Function::kModulo:
    case Function::kNegate:
    case Function::kToF64:
    case Function::kAbs:
    case Function::kCeil:
    case Function::kFloor:
    case Function::kRound:
    case Function::kSqrt:
    case Function::kLn:
    case Function::kLog2:
    case Function::kLog10:
    case Function::kExp:
    case Function::kPow: return scalar::number_function(function, type, arguments);
    case Function::kBucket:
    case Function::kHourOf:
    case Function::kWeekdayOf:
    case Function::kDayOf:
    case Function::kToSeconds:
    case Function::kToTime: return scalar::time_function(function, arguments, context);
    default: return scalar::text_function(function, arguments, context);
  }
}

bool has_null(Arguments arguments) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [](const Value& argument) { return argument.is_null(); });
}

Value first_value(Arguments arguments) {
  const auto found = std::find_if(arguments.begin(), arguments.end(),
                                  [](const Value& argument) { return !argument.is_null(); });
  return found == arguments.end() ? Value::null() : *found;
}

}  // namespace

struct ScalarContext::Patterns {
  std::unordered_map<std::string, std::unique_ptr<const re2::RE2>> compiled;
  int64_t memory_each = kPatternMemoryMax;
};

ScalarContext::ScalarContext(Timestamp at, TimeZone time_zone)
    : now(at), zone(std::move(time_zone)), patterns_(std::make_unique<Patterns>()) {}
ScalarContext::~ScalarContext() = default;
ScalarContext::ScalarContext(ScalarContext&&) noexcept = default;
ScalarContext& ScalarContext::operator=(ScalarContext&&) noexcept = default;

const re2::RE2* ScalarContext::pattern(const std::string& text) {
  const auto [entry, added] = patterns_->compiled.try_emplace(text);
  PatternError ignored;
  if (added) {
    entry->second = compile_pattern(text, ignored, patterns_->memory_each);
    // A long program needs more than its share.
    if (!entry->second) entry->second = compile_pattern(text, ignored, kPatternMemoryMax);
  }
  return entry->second.get();
}

void ScalarContext::expect_patterns(size_t count) {
  const auto share = kPatternsMemoryMax / static_cast<int64_t>(std::max<size_t>(count, 1));
  patterns_->memory_each = std::min(share, kPatternMemoryMax);
}

Value evaluate_function(Function function, ValueType type, std::span<const Value> arguments,
                        ScalarContext& context) {
  switch (function) {
    case Function::kAnd: return Value::of(std::all_of(arguments.begin(), arguments.end(), bool_of));
    case Function::kOr: return Value::of(std::any_of(arguments.begin(), arguments.end(), bool_of));
    case Function::kNot: return Value::of(!bool_of(arguments[0]));
    case Function::kEqual:
    case Function::kNotEqual:
    case Function::kLess:
    case Function::kLessEqual:
    case Function::kGreater:
    case Function::kGreaterEqual: return comparison(function, arguments);
    case Function::kIn:
    case Function::kNotIn: return membership(function, arguments);
    case Function::kMatches:
    case Function::kNotMatches:
    case Function::kContains:
    case Function::kIcontains: return text_predicate(function, arguments, context);
    case Function::kExists: return Value::of(!arguments[0].is_null());
    case Function::kIf: return bool_of(arguments[0]) ? arguments[1] : arguments[2];
    case Function::kCoalesce: return first_value(arguments);
    case Function::kNow: return Value::time(context.now);
    default: break;
  }
  if (has_null(arguments)) return Value::null();
  return null_propagating(function, type, arguments, context);
}

Value evaluate_expression(const Expression& expression, std::span<const Value> row,
                          ScalarContext& context) {
  if (expression.kind == Expression::Kind::kLiteral) return expression.literal;
  if (expression.kind == Expression::Kind::kColumn) {
    TOCSIN_CHECK(expression.column < row.size());
    return row[expression.column];
  }
  std::vector<Value> values;
  values.reserve(expression.arguments.size());
  for (const Expression& argument : expression.arguments) {
    values.push_back(evaluate_expression(argument, row, context));
  }
  return evaluate_function(expression.function, expression.type, values, context);
}

}  // namespace tocsin
