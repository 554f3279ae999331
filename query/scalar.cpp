#include "query/scalar.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "db/base/check.h"
#include "query/pattern.h"
#include "query/template.h"

namespace tocsin {
namespace {

using Arguments = std::span<const Value>;
using T = ValueType;

const std::string& text_of(const Value& value) { return std::get<std::string>(value.data); }
bool bool_of(const Value& value) {
  const bool* flag = std::get_if<bool>(&value.data);
  return flag && *flag;
}
int64_t i64_of(const Value& value) { return std::get<int64_t>(value.data); }

double f64_of(const Value& value) {
  if (const auto* number = std::get_if<double>(&value.data)) return *number;
  if (const auto* natural = std::get_if<uint64_t>(&value.data)) {
    return static_cast<double>(*natural);
  }
  return static_cast<double>(i64_of(value));
}

Value finite(double number) { return std::isfinite(number) ? Value::of(number) : Value::null(); }

// A whole number of nanoseconds, rounded half away from zero; null when int64 cannot hold it.
Value rounded_duration(double ns) {
  const double whole = std::round(ns);
  if (!(whole >= -0x1p63 && whole < 0x1p63)) return Value::null();
  return Value::duration(static_cast<int64_t>(whole));
}

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

// Exact comparison of an integer with a float.
template <class Integer>
int compare_mixed(Integer a, double b) {
  constexpr double kEnd = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
  constexpr double kStart = std::is_signed_v<Integer> ? -0x1p63 : 0.0;
  if (b >= kEnd) return -1;
  if (b < kStart) return 1;
  const double whole = std::trunc(b);
  const auto integer = static_cast<Integer>(whole);
  if (a != integer) return a < integer ? -1 : 1;
  return sign(whole < b, whole > b);
}

template <class A, class B>
int compare_numbers(A a, B b) {
  if constexpr (std::is_same_v<A, B>) {
    return sign(a < b, a > b);
  } else if constexpr (std::is_same_v<A, double>) {
    return -compare_mixed(b, a);
  } else if constexpr (std::is_same_v<B, double>) {
    return compare_mixed(a, b);
  } else {
    return sign(std::cmp_less(a, b), std::cmp_greater(a, b));
  }
}

// Calls `use` with both integers as they are, i64 or u64 in any mix.
template <class Use>
auto with_integers(const Value& a, const Value& b, Use use) {
  const auto inner = [&](auto left) {
    if (const auto* natural = std::get_if<uint64_t>(&b.data)) return use(left, *natural);
    return use(left, i64_of(b));
  };
  if (const auto* natural = std::get_if<uint64_t>(&a.data)) return inner(*natural);
  return inner(i64_of(a));
}

template <class R>
Value integer_of(bool overflow, R result) {
  return overflow ? Value::null() : Value::of(result);
}

template <class R>
Value integer_arithmetic(Function function, const Value& a, const Value& b) {
  return with_integers(a, b, [&](auto x, auto y) -> Value {
    __extension__ using Wide = __int128;
    R result{};
    bool overflow = false;
    if (function == Function::kAdd) {
      overflow = __builtin_add_overflow(x, y, &result);
    } else if (function == Function::kSubtract) {
      overflow = __builtin_sub_overflow(x, y, &result);
    } else if (function == Function::kMultiply) {
      overflow = __builtin_mul_overflow(x, y, &result);
    } else if (y == 0) {
      overflow = true;
    } else {
      const bool divides = function == Function::kIntegerDivide;
      const Wide wide = divides ? Wide{x} / Wide{y} : Wide{x} % Wide{y};
      result = static_cast<R>(wide);
      overflow = Wide{result} != wide;
    }
    return integer_of(overflow, result);
  });
}

Value float_arithmetic(Function function, double a, double b) {
  switch (function) {
    case Function::kAdd: return finite(a + b);
    case Function::kSubtract: return finite(a - b);
    case Function::kMultiply: return finite(a * b);
    default: return finite(a / b);
  }
}

// The first argument is a time or a duration.
Value time_arithmetic(Function function, T type, const Value& a, const Value& b) {
  const int64_t left = i64_of(a);
  int64_t result = 0;
  const auto typed = [&](bool overflow) {
    return overflow ? Value::null() : Value{type, result};
  };
  if (is_number(b.type)) {
    const bool times = function == Function::kMultiply;
    if (!times) return rounded_duration(static_cast<double>(left) / f64_of(b));
    if (const auto* natural = std::get_if<uint64_t>(&b.data)) {
      return typed(__builtin_mul_overflow(left, *natural, &result));
    }
    if (const auto* whole = std::get_if<int64_t>(&b.data)) {
      return typed(__builtin_mul_overflow(left, *whole, &result));
    }
    return rounded_duration(static_cast<double>(left) * f64_of(b));
  }
  const int64_t right = i64_of(b);
  switch (function) {
    case Function::kAdd: return typed(__builtin_add_overflow(left, right, &result));
    case Function::kSubtract: return typed(__builtin_sub_overflow(left, right, &result));
    case Function::kDivide: return finite(static_cast<double>(left) / static_cast<double>(right));
    default: break;
  }
  if (right == 0) return Value::null();
  const bool divides = function == Function::kIntegerDivide;
  if (right == -1) return typed(__builtin_mul_overflow(left, divides ? -1 : 0, &result));
  result = divides ? left / right : left % right;
  return typed(false);
}

Value arithmetic(Function function, T type, Arguments arguments) {
  const Value& a = arguments[0];
  const Value& b = arguments[1];
  if (a.type == T::kTime || a.type == T::kDuration) {
    return time_arithmetic(function, type, a, b);
  }
  if (type == T::kI64) return integer_arithmetic<int64_t>(function, a, b);
  if (type == T::kU64) return integer_arithmetic<uint64_t>(function, a, b);
  return float_arithmetic(function, f64_of(a), f64_of(b));
}

Value negate(T type, const Value& value) {
  if (type == T::kF64) return Value::of(-f64_of(value));
  int64_t result = 0;
  const auto* natural = std::get_if<uint64_t>(&value.data);
  const bool overflow = natural ? __builtin_sub_overflow(0, *natural, &result)
                                : __builtin_sub_overflow(0, i64_of(value), &result);
  return overflow ? Value::null() : Value{type, result};
}

Value absolute(const Value& value) {
  if (value.type == T::kF64) return Value::of(std::fabs(f64_of(value)));
  if (value.type == T::kU64 || i64_of(value) >= 0) return value;
  return negate(value.type, value);
}

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
    return Value::of(text.find(text_of(arguments[1])) != std::string::npos);
  }
  const re2::RE2* pattern = context.pattern(text_of(arguments[1]));
  if (!pattern) return Value::of(false);
  return Value::of(re2::RE2::PartialMatch(text, *pattern) == (function == Function::kMatches));
}

Value extreme(Function function, Arguments arguments) {
  const auto less = [](const Value& a, const Value& b) { return compare_values(a, b) < 0; };
  return function == Function::kLeast
             ? *std::min_element(arguments.begin(), arguments.end(), less)
             : *std::max_element(arguments.begin(), arguments.end(), less);
}

std::string to_text(const Value& value) {
  switch (value.type) {
    case T::kBool: return bool_of(value) ? "true" : "false";
    case T::kI64: return fmt::format("{}", i64_of(value));
    case T::kU64: return fmt::format("{}", std::get<uint64_t>(value.data));
    case T::kF64: return fmt::format("{}", f64_of(value));
    case T::kTime: return format_time_short(i64_of(value));
    case T::kDuration: return format_duration(i64_of(value));
    case T::kString: return text_of(value);
    case T::kNull: return "null";
  }
  return "";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

Value to_number(std::string_view text) {
  text = trimmed(text);
  double number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size()) return Value::null();
  return finite(number);
}

// 10^digits for the digits that a double or an integer can make use of.
constexpr int64_t kRoundDigitsMax = 18;

int64_t power_of_ten(int64_t exponent) {
  int64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

Value round_integer(const Value& value, int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -kRoundDigitsMax) return Value{value.type, int64_t{0}};
  const int64_t unit = power_of_ten(-digits);
  if (const auto* natural = std::get_if<uint64_t>(&value.data)) {
    const auto step = static_cast<uint64_t>(unit);
    uint64_t result = *natural - *natural % step;
    const bool up = *natural % step >= step - step / 2;
    const bool overflow = up && __builtin_add_overflow(result, step, &result);
    return integer_of(overflow, result);
  }
  const int64_t whole = i64_of(value);
  const int64_t rest = whole % unit;
  int64_t result = whole - rest;
  bool overflow = false;
  if (rest >= unit / 2) overflow = __builtin_add_overflow(result, unit, &result);
  if (-rest >= unit / 2) overflow = __builtin_sub_overflow(result, unit, &result);
  return integer_of(overflow, result);
}

Value round_value(Arguments arguments) {
  int64_t digits = 0;
  if (arguments.size() > 1) {
    const auto* natural = std::get_if<uint64_t>(&arguments[1].data);
    digits = natural ? static_cast<int64_t>(std::min<uint64_t>(*natural, kRoundDigitsMax))
                     : i64_of(arguments[1]);
  }
  if (arguments[0].type != T::kF64) return round_integer(arguments[0], digits);
  const double number = f64_of(arguments[0]);
  if (digits > kRoundDigitsMax) return arguments[0];
  if (digits < -kRoundDigitsMax) return Value::of(0.0);
  const auto unit = static_cast<double>(power_of_ten(std::abs(digits)));
  if (digits < 0) return finite(std::round(number / unit) * unit);
  const double scaled = std::round(number * unit);
  return std::isfinite(scaled) ? finite(scaled / unit) : arguments[0];
}

Value whole_number(Function function, const Value& value) {
  if (value.type != T::kF64) return value;
  return Value::of(function == Function::kCeil ? std::ceil(f64_of(value))
                                               : std::floor(f64_of(value)));
}

Value math(Function function, Arguments arguments) {
  const double x = f64_of(arguments[0]);
  switch (function) {
    case Function::kSqrt: return finite(std::sqrt(x));
    case Function::kLn: return finite(std::log(x));
    case Function::kLog2: return finite(std::log2(x));
    case Function::kLog10: return finite(std::log10(x));
    case Function::kExp: return finite(std::exp(x));
    default: return finite(std::pow(x, f64_of(arguments[1])));
  }
}

// Characters are code points; a byte that continues none counts to the one before it.
bool begins_character(char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }

int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(), begins_character);
}

// Byte offset of the character with that index; the text's size behind the last one.
size_t character_offset(std::string_view text, int64_t index) {
  size_t n = 0;
  while (n < text.size()) {
    if (begins_character(text[n]) && index-- == 0) break;
    ++n;
  }
  return n;
}

int64_t clamped_i64(const Value& value) {
  const auto* natural = std::get_if<uint64_t>(&value.data);
  if (!natural) return i64_of(value);
  return static_cast<int64_t>(std::min<uint64_t>(*natural, INT64_MAX));
}

Value substring(Arguments arguments) {
  std::string_view text = text_of(arguments[0]);
  int64_t start = clamped_i64(arguments[1]);
  if (start < 0) start = std::max<int64_t>(0, character_count(text) + std::max(start, -INT64_MAX));
  text.remove_prefix(character_offset(text, start));
  if (arguments.size() > 2) {
    text = text.substr(0, character_offset(text, std::max<int64_t>(0, clamped_i64(arguments[2]))));
  }
  return Value::of(std::string(text));
}

Value replace_all(const std::string& text, const std::string& old, const std::string& fresh) {
  if (old.empty()) return Value::of(text);
  std::string out;
  size_t from = 0;
  for (size_t at = 0; (at = text.find(old, from)) != std::string::npos; from = at + old.size()) {
    out.append(text, from, at - from).append(fresh);
  }
  return Value::of(out.append(text, from));
}

Value change_case(std::string text, char first, char last, int shift) {
  for (char& c : text) {
    if (c >= first && c <= last) c = static_cast<char>(c + shift);
  }
  return Value::of(std::move(text));
}

Value extract(Arguments arguments, ScalarContext& context) {
  const re2::RE2* pattern = context.pattern(text_of(arguments[1]));
  if (!pattern) return Value::null();
  const std::string& text = text_of(arguments[0]);
  const int wanted = pattern->NumberOfCapturingGroups() > 0 ? 1 : 0;
  re2::StringPiece groups[2];
  if (!pattern->Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups, wanted + 1)) {
    return Value::null();
  }
  const re2::StringPiece& found = groups[wanted];
  if (!found.data()) return Value::null();  // the group took no part in the match
  return Value::of(std::string(found.data(), found.size()));
}

Value text_function(Function function, Arguments arguments, ScalarContext& context) {
  const std::string& text = text_of(arguments[0]);
  switch (function) {
    case Function::kLength: return Value::of(character_count(text));
    case Function::kLower: return change_case(text, 'A', 'Z', 32);
    case Function::kUpper: return change_case(text, 'a', 'z', -32);
    case Function::kTrim: return Value::of(std::string(trimmed(text)));
    case Function::kStartsWith: return Value::of(text.starts_with(text_of(arguments[1])));
    case Function::kEndsWith: return Value::of(text.ends_with(text_of(arguments[1])));
    case Function::kReplace:
      return replace_all(text, text_of(arguments[1]), text_of(arguments[2]));
    case Function::kSubstring: return substring(arguments);
    case Function::kExtract: return extract(arguments, context);
    case Function::kTemplate: return Value::of(message_template(text));
    default: return to_number(text);
  }
}

Value concat(Arguments arguments) {
  std::string out;
  for (const Value& argument : arguments) out += to_text(argument);
  return Value::of(std::move(out));
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Day of the month (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
int64_t day_of_month(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t day_of_era = shifted - floor_div(shifted, 146097) * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  return day_of_year - (153 * ((5 * day_of_year + 2) / 153) + 2) / 5 + 1;
}

Value calendar(Function function, Timestamp time, const TimeZone& zone) {
  int64_t local = 0;
  if (__builtin_add_overflow(time, zone.offset_at(time), &local)) return Value::null();
  const int64_t days = floor_div(local, kDay);
  switch (function) {
    case Function::kHourOf: return Value::of((local - days * kDay) / kHour);
    // 1970-01-01 was a Thursday, day 4.
    case Function::kWeekdayOf: return Value::of(days - floor_div(days + 3, 7) * 7 + 4);
    default: return Value::of(day_of_month(days));
  }
}

Value time_function(Function function, Arguments arguments, ScalarContext& context) {
  if (function == Function::kToTime) {
    const auto time = parse_time(text_of(arguments[0]), context.zone);
    return time ? Value::time(*time) : Value::null();
  }
  const int64_t ns = i64_of(arguments[0]);
  if (function == Function::kToSeconds) return Value::of(static_cast<double>(ns) / 1e9);
  if (function != Function::kBucket) return calendar(function, ns, context.zone);
  const Duration width = i64_of(arguments[1]);
  return width > 0 ? Value::time(bucket_start(ns, width, context.zone)) : Value::null();
}

// Functions for which null is contagious. Requires: no argument is null.
Value contagious(Function function, T type, Arguments arguments, ScalarContext& context) {
  switch (function) {
    case Function::kAdd:
    case Function::kSubtract:
    case Function::kMultiply:
    case Function::kDivide:
    case Function::kIntegerDivide:
    case Function::kModulo: return arithmetic(function, type, arguments);
    case Function::kNegate: return negate(type, arguments[0]);
    case Function::kLeast:
    case Function::kGreatest: return extreme(function, arguments);
    case Function::kToString: return Value::of(to_text(arguments[0]));
    case Function::kToF64: return Value::of(f64_of(arguments[0]));
    case Function::kAbs: return absolute(arguments[0]);
    case Function::kCeil:
    case Function::kFloor: return whole_number(function, arguments[0]);
    case Function::kRound: return round_value(arguments);
    case Function::kSqrt:
    case Function::kLn:
    case Function::kLog2:
    case Function::kLog10:
    case Function::kExp:
    case Function::kPow: return math(function, arguments);
    case Function::kConcat: return concat(arguments);
    case Function::kBucket:
    case Function::kHourOf:
    case Function::kWeekdayOf:
    case Function::kDayOf:
    case Function::kToSeconds:
    case Function::kToTime: return time_function(function, arguments, context);
    default: return text_function(function, arguments, context);
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
};

ScalarContext::ScalarContext(Timestamp at, TimeZone time_zone)
    : now(at), zone(std::move(time_zone)), patterns_(std::make_unique<Patterns>()) {}
ScalarContext::~ScalarContext() = default;
ScalarContext::ScalarContext(ScalarContext&&) noexcept = default;
ScalarContext& ScalarContext::operator=(ScalarContext&&) noexcept = default;

const re2::RE2* ScalarContext::pattern(const std::string& text) {
  const auto [entry, added] = patterns_->compiled.try_emplace(text);
  PatternError ignored;
  if (added) entry->second = compile_pattern(text, ignored);
  return entry->second.get();
}

Value evaluate_function(Function function, ValueType type, std::span<const Value> arguments,
                        ScalarContext& context) {
  switch (function) {
    case Function::kAnd:
      return Value::of(std::all_of(arguments.begin(), arguments.end(), bool_of));
    case Function::kOr:
      return Value::of(std::any_of(arguments.begin(), arguments.end(), bool_of));
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
    case Function::kContains: return text_predicate(function, arguments, context);
    case Function::kExists: return Value::of(!arguments[0].is_null());
    case Function::kIf: return bool_of(arguments[0]) ? arguments[1] : arguments[2];
    case Function::kCoalesce: return first_value(arguments);
    case Function::kNow: return Value::time(context.now);
    default: break;
  }
  if (has_null(arguments)) return Value::null();
  return contagious(function, type, arguments, context);
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

int compare_values(const Value& a, const Value& b) {
  return std::visit(
      [](const auto& x, const auto& y) -> int {
        using X = std::decay_t<decltype(x)>;
        using Y = std::decay_t<decltype(y)>;
        constexpr bool kNumbers = std::is_arithmetic_v<X> && std::is_arithmetic_v<Y> &&
                                  std::is_same_v<X, bool> == std::is_same_v<Y, bool>;
        if constexpr (kNumbers) {
          return compare_numbers(x, y);
        } else if constexpr (std::is_same_v<X, std::string> && std::is_same_v<Y, std::string>) {
          return sign(x < y, x > y);
        } else {
          return 0;
        }
      },
      a.data, b.data);
}

}  // namespace tocsin
