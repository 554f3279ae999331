// Arithmetic, mathematics and exact comparison of single numbers.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "db/base/exact_integer.h"
#include "query/function/scalar_parts.h"

namespace tocsin {
namespace {

using scalar::Arguments;
using scalar::f64_of;
using scalar::finite;
using scalar::i64_of;
using T = ValueType;

// Whole nanoseconds, rounded half away from zero; null if int64 cannot hold them.
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
  return sign(whole<b, whole> b);
}

template <class A, class B>
int compare_numbers(A a, B b) {
  if constexpr (std::is_same_v<A, B>) {
    return sign(a<b, a> b);
  } else if constexpr (std::is_same_v<A, double>) {
    return -compare_mixed(b, a);
  } else if constexpr (std::is_same_v<B, double>) {
    return compare_mixed(a, b);
  } else {
    return sign(std::cmp_less(a, b), std::cmp_greater(a, b));
  }
}

// Calls `use` with both integers in their own types, i64 or u64.
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

// Requires: `a` is a time or a duration.
Value time_arithmetic(Function function, T type, const Value& a, const Value& b) {
  const int64_t left = i64_of(a);
  int64_t result = 0;
  const auto typed = [&](bool overflow) { return overflow ? Value::null() : Value{type, result}; };
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

// round() leaves a double unchanged beyond this many digits; 10^18 still fits into int64.
constexpr int64_t kRoundDigitsMax = 18;
constexpr auto kWholeDoublesMin = static_cast<double>(kExactIntegerMax);  // all are whole

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

Value round_double(double number, int64_t digits) {
  if (digits > kRoundDigitsMax) return Value::of(number);
  if (digits < -std::numeric_limits<double>::max_exponent10) return Value::of(0.0);
  const double unit = std::pow(10.0, static_cast<double>(std::abs(digits)));
  const double scaled = digits < 0 ? number / unit : number * unit;
  if (std::fabs(scaled) >= kWholeDoublesMin) return Value::of(number);  // coarser than the digits
  const double whole = std::round(scaled);
  return finite(digits < 0 ? whole * unit : whole / unit);
}

Value round_value(Arguments arguments) {
  int64_t digits = 0;
  if (arguments.size() > 1) {
    const auto* natural = std::get_if<uint64_t>(&arguments[1].data);
    digits = natural ? static_cast<int64_t>(std::min<uint64_t>(*natural, kRoundDigitsMax))
                     : i64_of(arguments[1]);
  }
  if (arguments[0].type != T::kF64) return round_integer(arguments[0], digits);
  return round_double(f64_of(arguments[0]), digits);
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

}  // namespace

double scalar::f64_of(const Value& value) {
  if (const auto* number = std::get_if<double>(&value.data)) return *number;
  if (const auto* natural = std::get_if<uint64_t>(&value.data)) {
    return static_cast<double>(*natural);
  }
  return static_cast<double>(i64_of(value));
}

Value scalar::finite(double number) {
  return std::isfinite(number) ? Value::of(number) : Value::null();
}

Value scalar::number_function(Function function, ValueType type, Arguments arguments) {
  switch (function) {
    case Function::kNegate: return negate(type, arguments[0]);
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
    default: return arithmetic(function, type, arguments);
  }
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
          return sign(x<y, x> y);
        } else {
          return 0;
        }
      },
      a.data, b.data);
}

}  // namespace tocsin
