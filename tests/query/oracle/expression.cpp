// Evaluates expressions one value at a time.
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "query/function/scalar.h"
#include "tests/query/oracle/oracle.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;
using F = Function;
__extension__ using Wide = __int128;

bool is_integer(const Value& v) { return v.type == T::kI64 || v.type == T::kU64; }
Wide wide_of(const Value& v) {
  if (const auto* natural = std::get_if<uint64_t>(&v.data)) return Wide{*natural};
  return Wide{std::get<int64_t>(v.data)};
}
const std::string& text(const Value& v) { return std::get<std::string>(v.data); }
int64_t ns(const Value& v) { return std::get<int64_t>(v.data); }

Value number(double x) { return std::isfinite(x) ? Value::of(x) : Value::null(); }

// The integer as a value of `type`; null if it does not fit.
Value fitted(Wide x, T type) {
  if (type == T::kU64) {
    if (x < 0 || x > Wide{UINT64_MAX}) return Value::null();
    return Value::of(static_cast<uint64_t>(x));
  }
  if (x < Wide{INT64_MIN} || x > Wide{INT64_MAX}) return Value::null();
  return Value{type, static_cast<int64_t>(x)};
}

// Whole nanoseconds, rounded half away from zero.
Value rounded(double x) {
  const double whole = std::round(x);
  if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0)) return Value::null();
  return Value::duration(static_cast<int64_t>(whole));
}

// A double is exact for integers up to 2^53; long double on this platform for all 64-bit integers.
static_assert(std::numeric_limits<long double>::digits >= 64);
long double exact(const Value& v) {
  if (is_integer(v)) return static_cast<long double>(wide_of(v));
  return std::get<double>(v.data);
}

int order(const Value& a, const Value& b) {
  if (is_number(a.type)) return exact(a) < exact(b) ? -1 : exact(a) > exact(b) ? 1 : 0;
  if (a.type == T::kBool) return int{std::get<bool>(a.data)} - int{std::get<bool>(b.data)};
  if (a.type == T::kString) return text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
  return ns(a) < ns(b) ? -1 : ns(a) > ns(b) ? 1 : 0;
}

Value arithmetic(F f, T type, const Value& a, const Value& b) {
  if (a.type == T::kTime || a.type == T::kDuration) {
    if (is_number(b.type)) {
      if (f == F::kMultiply && is_integer(b)) return fitted(Wide{ns(a)} * wide_of(b), type);
      const auto left = static_cast<double>(ns(a));
      return rounded(f == F::kMultiply ? left * number_of(b) : left / number_of(b));
    }
    const Wide x = ns(a), y = ns(b);
    if (f == F::kAdd) return fitted(x + y, type);
    if (f == F::kSubtract) return fitted(x - y, type);
    if (f == F::kDivide) return number(static_cast<double>(ns(a)) / static_cast<double>(ns(b)));
    if (y == 0) return Value::null();
    return fitted(f == F::kIntegerDivide ? x / y : x % y, type);
  }
  if (type == T::kF64) {
    const double x = number_of(a), y = number_of(b);
    if (f == F::kAdd) return number(x + y);
    if (f == F::kSubtract) return number(x - y);
    return number(f == F::kMultiply ? x * y : x / y);
  }
  const Wide x = wide_of(a), y = wide_of(b);
  if (f == F::kAdd) return fitted(x + y, type);
  if (f == F::kSubtract) return fitted(x - y, type);
  if (f == F::kMultiply) return fitted(x * y, type);
  if (y == 0) return Value::null();
  return fitted(f == F::kIntegerDivide ? x / y : x % y, type);
}

// Rounds half away from zero, to digits after the decimal point, or before it if negative.
Value round_to(const Value& v, const Value* digits_value) {
  const Wide digits = digits_value ? wide_of(*digits_value) : Wide{0};
  if (is_integer(v)) {
    if (digits >= 0) return v;
    if (digits < -18) return fitted(0, v.type);
    Wide unit = 1;
    for (Wide i = digits; i < 0; ++i) unit *= 10;
    const Wide x = wide_of(v);
    const Wide away = x < 0 ? -unit : unit;
    return fitted((x + away / 2) / unit * unit, v.type);
  }
  const double x = std::get<double>(v.data);
  if (digits > 18) return v;
  if (digits < -308) return Value::of(0.0);
  const double unit = std::pow(10.0, std::abs(static_cast<double>(digits)));
  const double scaled = digits < 0 ? x / unit : x * unit;
  if (std::abs(scaled) >= std::pow(2, 53)) return v;
  return number(digits < 0 ? std::round(scaled) * unit : std::round(scaled) / unit);
}

std::vector<std::string> characters(const std::string& s) {
  std::vector<std::string> out;
  for (const char c : s) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80 && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

std::string substring(const std::string& s, Wide start, Wide length) {
  const auto all = characters(s);
  const auto count = static_cast<Wide>(all.size());
  if (start < 0) start = std::max<Wide>(0, count + start);
  std::string out;
  for (Wide i = start; i < count && i < start + length; ++i) out += all[static_cast<size_t>(i)];
  return out;
}

std::string replaced(const std::string& s, const std::string& old, const std::string& fresh) {
  if (old.empty()) return s;
  std::string out;
  for (size_t i = 0; i < s.size();) {
    if (s.compare(i, old.size(), old) == 0) {
      out += fresh;
      i += old.size();
    } else {
      out += s[i++];
    }
  }
  return out;
}

std::string trimmed(const std::string& s) {
  size_t start = 0, end = s.size();
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (start < end && blank(s[start])) ++start;
  while (end > start && blank(s[end - 1])) --end;
  return s.substr(start, end - start);
}

std::string shifted_case(std::string s, char first, char last, int by) {
  for (char& c : s) {
    if (first <= c && c <= last) c = static_cast<char>(c + by);
  }
  return s;
}

std::string to_text(const Value& v) {
  switch (v.type) {
    case T::kBool: return std::get<bool>(v.data) ? "true" : "false";
    case T::kF64: return fmt::format("{}", std::get<double>(v.data));
    case T::kString: return text(v);
    case T::kTime: return format_time_short(ns(v));
    case T::kDuration: return format_duration(ns(v));
    default:
      return is_integer(v) ? v.type == T::kU64 ? std::to_string(std::get<uint64_t>(v.data))
                                               : std::to_string(ns(v))
                           : "null";
  }
}

Value parsed_number(const std::string& s) {
  const std::string t = trimmed(s);
  if (t.empty() || t.find_first_not_of("0123456789.eE+-") != std::string::npos || t[0] == '+') {
    return Value::null();
  }
  char* end = nullptr;
  const double x = std::strtod(t.c_str(), &end);
  return *end == '\0' ? number(x) : Value::null();
}

// The day of the month for days since 1970, by counting years and months.
int64_t day_of_month(int64_t days) {
  int64_t year = 1970;
  const auto leap = [](int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  while (days < 0) days += leap(--year) ? 366 : 365;
  while (days >= (leap(year) ? 366 : 365)) days -= leap(year++) ? 366 : 365;
  const int lengths[] = {31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (const int length : lengths) {
    if (days < length) break;
    days -= length;
  }
  return days + 1;
}

Value call(const Expression& e, const std::vector<Value>& a, Timestamp now) {
  const F f = e.function;
  switch (f) {
    case F::kNegate:
      return e.type == T::kF64 ? Value::of(-std::get<double>(a[0].data))
                               : fitted(-wide_of(a[0]), e.type);
    case F::kToF64: return Value::of(number_of(a[0]));
    case F::kToString: return Value::of(to_text(a[0]));
    case F::kToNumber: return parsed_number(text(a[0]));
    case F::kAbs:
      if (e.type == T::kF64) return Value::of(std::fabs(number_of(a[0])));
      return wide_of(a[0]) < 0 ? fitted(-wide_of(a[0]), e.type) : a[0];
    case F::kCeil: return is_integer(a[0]) ? a[0] : Value::of(std::ceil(number_of(a[0])));
    case F::kFloor: return is_integer(a[0]) ? a[0] : Value::of(std::floor(number_of(a[0])));
    case F::kRound: return round_to(a[0], a.size() > 1 ? &a[1] : nullptr);
    case F::kSqrt: return number(std::sqrt(number_of(a[0])));
    case F::kLn: return number(std::log(number_of(a[0])));
    case F::kLog2: return number(std::log2(number_of(a[0])));
    case F::kLog10: return number(std::log10(number_of(a[0])));
    case F::kExp: return number(std::exp(number_of(a[0])));
    case F::kPow: return number(std::pow(number_of(a[0]), number_of(a[1])));
    case F::kLength: return Value::of(static_cast<int64_t>(characters(text(a[0])).size()));
    case F::kLower: return Value::of(shifted_case(text(a[0]), 'A', 'Z', 32));
    case F::kUpper: return Value::of(shifted_case(text(a[0]), 'a', 'z', -32));
    case F::kTrim: return Value::of(trimmed(text(a[0])));
    case F::kStartsWith: return Value::of(text(a[0]).rfind(text(a[1]), 0) == 0);
    case F::kEndsWith: {
      const std::string &s = text(a[0]), &end = text(a[1]);
      return Value::of(s.size() >= end.size() && s.substr(s.size() - end.size()) == end);
    }
    case F::kReplace: return Value::of(replaced(text(a[0]), text(a[1]), text(a[2])));
    case F::kSubstring:
      return Value::of(
          substring(text(a[0]), wide_of(a[1]),
                    a.size() > 2 ? std::max<Wide>(0, wide_of(a[2])) : Wide{INT64_MAX}));
    case F::kConcat: {
      std::string out;
      for (const Value& each : a) out += to_text(each);
      return Value::of(out);
    }
    case F::kNow: return Value::time(now);
    case F::kBucket: return Value::time(bucket_of(ns(a[0]), ns(a[1])));
    case F::kHourOf: return Value::of((ns(a[0]) - bucket_of(ns(a[0]), kDay)) / kHour);
    case F::kWeekdayOf: {
      const int64_t days = bucket_of(ns(a[0]), kDay) / kDay;  // 1970-01-01 was a Thursday
      return Value::of(((days + 3) % 7 + 7) % 7 + 1);
    }
    case F::kDayOf: return Value::of(day_of_month(bucket_of(ns(a[0]), kDay) / kDay));
    case F::kToSeconds: return Value::of(static_cast<double>(ns(a[0])) / 1e9);
    case F::kToTime: {
      const auto time = parse_time(text(a[0]));
      return time ? Value::time(*time) : Value::null();
    }
    case F::kExtract:  // there is no second implementation of RE2 and the masks
    case F::kTemplate: {
      ScalarContext context(now);
      return evaluate_function(f, e.type, a, context);
    }
    default: return arithmetic(f, e.type, a[0], a[1]);
  }
}

Value least_or_greatest(const std::vector<Value>& a, bool least) {
  Value best = a[0];
  for (const Value& each : a) {
    if (each.is_null()) return Value::null();
    if (least ? order(each, best) < 0 : order(each, best) > 0) best = each;
  }
  return best;
}

// Functions that return a boolean even for null arguments; nothing for all others.
std::optional<bool> logic(const Expression& e, const Row& row, Timestamp now) {
  const auto value = [&](size_t i) { return evaluate(e.arguments[i], row, now); };
  const auto compared = [&](auto test) {
    const Value a = value(0), b = value(1);
    return !a.is_null() && !b.is_null() && test(order(a, b));
  };
  const auto in_list = [&](bool wanted) {
    const Value a = value(0);
    if (a.is_null()) return false;
    bool found = false;
    for (size_t i = 1; i < e.arguments.size(); ++i) found = found || order(a, value(i)) == 0;
    return found == wanted;
  };
  const auto matched = [&](bool wanted) {
    const Value a = value(0), b = value(1);
    if (a.is_null() || b.is_null()) return false;
    ScalarContext context(now);
    const Value result =
        evaluate_function(F::kMatches, T::kBool, std::vector<Value>{a, b}, context);
    return std::get<bool>(result.data) == wanted;
  };
  switch (e.function) {
    case F::kAnd: return holds(e.arguments[0], row, now) && holds(e.arguments[1], row, now);
    case F::kOr: return holds(e.arguments[0], row, now) || holds(e.arguments[1], row, now);
    case F::kNot: return !holds(e.arguments[0], row, now);
    case F::kEqual: return compared([](int c) { return c == 0; });
    case F::kNotEqual: return compared([](int c) { return c != 0; });
    case F::kLess: return compared([](int c) { return c < 0; });
    case F::kLessEqual: return compared([](int c) { return c <= 0; });
    case F::kGreater: return compared([](int c) { return c > 0; });
    case F::kGreaterEqual: return compared([](int c) { return c >= 0; });
    case F::kIn: return in_list(true);
    case F::kNotIn: return in_list(false);
    case F::kMatches: return matched(true);
    case F::kNotMatches: return matched(false);
    case F::kContains: {
      const Value a = value(0), b = value(1);
      return !a.is_null() && !b.is_null() && text(a).find(text(b)) != std::string::npos;
    }
    case F::kIcontains: {
      const Value a = value(0), b = value(1);
      const auto lower = [](std::string t) {
        for (char& c : t) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        return t;
      };
      return !a.is_null() && !b.is_null() &&
             lower(text(a)).find(lower(text(b))) != std::string::npos;
    }
    case F::kExists: return !value(0).is_null();
    default: return std::nullopt;
  }
}

}  // namespace

double number_of(const Value& v) {
  if (const auto* x = std::get_if<double>(&v.data)) return *x;
  return static_cast<double>(wide_of(v));
}

int compare(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return int{a.is_null()} - int{b.is_null()};
  return order(a, b);
}

Timestamp bucket_of(Timestamp time, Duration width) {
  const Timestamp rest = time % width;
  return time - (rest < 0 ? rest + width : rest);
}

bool holds(const Expression& condition, const Row& row, Timestamp now) {
  const Value value = evaluate(condition, row, now);
  return !value.is_null() && std::get<bool>(value.data);
}

Value evaluate(const Expression& e, const Row& row, Timestamp now) {
  if (e.kind == Expression::Kind::kLiteral) return e.literal;
  if (e.kind == Expression::Kind::kColumn) return row.at(e.column);
  if (const auto truth = logic(e, row, now)) return Value::of(*truth);
  if (e.function == F::kIf) {
    return evaluate(e.arguments[holds(e.arguments[0], row, now) ? 1 : 2], row, now);
  }
  std::vector<Value> arguments;
  for (const Expression& each : e.arguments) arguments.push_back(evaluate(each, row, now));
  if (e.function == F::kCoalesce) {
    for (const Value& each : arguments) {
      if (!each.is_null()) return each;
    }
    return Value::null();
  }
  for (const Value& each : arguments) {
    if (each.is_null()) return Value::null();
  }
  if (e.function == F::kLeast) return least_or_greatest(arguments, true);
  if (e.function == F::kGreatest) return least_or_greatest(arguments, false);
  return call(e, arguments, now);
}

}  // namespace tocsin::oracle
