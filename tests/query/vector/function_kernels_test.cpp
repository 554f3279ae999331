// Compares the vectorised functions to those of scalar.h for single values, with random and extreme
// values.
#include "query/vector/function_kernels.h"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/operator/executor.h"
#include "query/vector/kernels.h"
#include "tests/support/memory_database.h"
#include "tests/support/plan_builder.h"

using namespace tocsin;

namespace {

using B = PlanBuilder;

std::vector<Value> some(ValueType type) {
  std::vector<Value> values;
  switch (type) {
    case ValueType::kI64:
      for (const int64_t v :
           {INT64_MIN, INT64_MIN + 1, int64_t{-9007199254740993}, int64_t{-7}, int64_t{-1},
            int64_t{0}, int64_t{1}, int64_t{3}, int64_t{9007199254740993}, INT64_MAX}) {
        values.push_back(Value::of(v));
      }
      break;
    case ValueType::kU64:
      for (const uint64_t v : {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{1} << 53,
                               uint64_t{1} << 63, UINT64_MAX}) {
        values.push_back(Value::of(v));
      }
      break;
    case ValueType::kF64:
      for (const double v : {-1e300, -0x1p63, -7.5, -0.0, 0.0, 0.1, 1.0, 3.0, 9007199254740992.0,
                             0x1p63, 0x1p64, 1e300}) {
        values.push_back(Value::of(v));
      }
      break;
    case ValueType::kBool: values = {Value::of(false), Value::of(true)}; break;
    case ValueType::kString:
      for (const char* v : {"", "a", "ab", "abc", "pay-1", "PAY", "gr\xC3\xBC\xC3\x9F"}) {
        values.push_back(Value::of(v));
      }
      break;
    case ValueType::kTime:
      for (const int64_t v : {int64_t{0}, int64_t{5'000'000'000}, INT64_MAX}) {
        values.push_back(Value::time(v));
      }
      break;
    case ValueType::kDuration:
      for (const int64_t v : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, kHour}) {
        values.push_back(Value::duration(v));
      }
      break;
    case ValueType::kNull: break;
  }
  values.push_back(Value::null());
  return values;
}

// A table with columns `a` and `b` of two types. It has random combinations of some values of each
// and is longer than one vector.
struct Pairs {
  Pairs(ValueType type_a, ValueType type_b, bool dictionary) {
    const auto values_a = some(type_a);
    const auto values_b = some(type_b);
    std::mt19937 random(7);
    for (size_t i = 0; i < 2500; ++i) {
      a.push_back(values_a[i < values_a.size() ? i : random() % values_a.size()]);
      b.push_back(values_b[random() % values_b.size()]);
      times.push_back(static_cast<Timestamp>(i));
    }
    database.add_segment("t", times, {{"a", a}, {"b", b}}, {.dictionary = dictionary});
  }
  MemoryDatabase database;
  std::vector<Timestamp> times;
  std::vector<Value> a, b;
};

// Stored durations are plain integers, so the type has to be set in the plan.
void set_type(Plan& plan, const char* name, ValueType type) {
  for (PlanColumn& column : plan.source_columns) {
    if (column.name == name) column.type = type;
  }
}

void check_call(Function function, ValueType result, ValueType type_a, ValueType type_b,
                std::vector<Expression> more = {}) {
  for (const bool dictionary : {true, false}) {
    const Pairs pairs(type_a, type_b, dictionary);
    B b(pairs.database, {"t"});
    set_type(b.plan, "a", type_a);
    set_type(b.plan, "b", type_b);
    std::vector<Expression> arguments = {b.column("a")};
    if (more.empty()) arguments.push_back(b.column("b"));
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Expression call = B::call(function, result, arguments);
    b.let("r", call);
    const auto table = execute_plan(pairs.database, b.plan, {}, nullptr);
    INFO("function " << static_cast<int>(function) << " of " << name_of(type_a) << ", "
                     << name_of(type_b) << (dictionary ? ", dictionary" : ""));
    REQUIRE(table);
    ScalarContext scalar;
    size_t wrong = 0;
    for (size_t row = 0; row < pairs.a.size(); ++row) {
      std::vector<Value> values(b.plan.source_columns.size());
      for (size_t c = 0; c < values.size(); ++c) {
        const std::string& name = b.plan.source_columns[c].name;
        if (name == "a") values[c] = pairs.a[row];
        if (name == "b") values[c] = pairs.b[row];
      }
      const Value expected = evaluate_expression(call, values, scalar);
      const Value found = table->columns[table->find("r")].at(row);
      if (found != expected && wrong++ == 0) {
        INFO("row " << row);
        CHECK(found == expected);
      }
    }
    CHECK(wrong == 0);
  }
}

const std::vector<ValueType> kNumbers = {ValueType::kI64, ValueType::kU64, ValueType::kF64};

}  // namespace

TEST_CASE("functions: comparisons of any numbers are exact", "[query]") {
  CHECK(kernels::compare_exact(int64_t{9007199254740993}, 9007199254740992.0) == 1);
  CHECK(kernels::compare_exact(INT64_MAX, 0x1p63) == -1);
  CHECK(kernels::compare_exact(UINT64_MAX, 0x1p64) == -1);
  CHECK(kernels::compare_exact(int64_t{-1}, UINT64_MAX) == -1);
  CHECK(kernels::compare_exact(-0.5, int64_t{0}) == -1);
  CHECK(kernels::compare_exact(int64_t{0}, -0.0) == 0);
  for (const auto function : {Function::kEqual, Function::kNotEqual, Function::kLess,
                              Function::kLessEqual, Function::kGreater, Function::kGreaterEqual}) {
    for (const ValueType a : kNumbers) {
      for (const ValueType b : kNumbers) check_call(function, ValueType::kBool, a, b);
    }
    for (const ValueType type : {ValueType::kString, ValueType::kBool, ValueType::kTime}) {
      check_call(function, ValueType::kBool, type, type);
    }
  }
}

TEST_CASE("functions: comparisons with literals agree, on either side", "[query]") {
  for (const ValueType column : kNumbers) {
    for (const ValueType literal : kNumbers) {
      for (const Value& value : some(literal)) {
        if (value.is_null()) continue;
        check_call(Function::kLess, ValueType::kBool, column, ValueType::kI64, {B::literal(value)});
        check_call(Function::kEqual, ValueType::kBool, column, ValueType::kI64,
                   {B::literal(value)});
      }
    }
  }
}

TEST_CASE("functions: arithmetic is exact, and null where the type cannot hold it", "[query]") {
  for (const auto function : {Function::kAdd, Function::kSubtract, Function::kMultiply,
                              Function::kIntegerDivide, Function::kModulo}) {
    check_call(function, ValueType::kI64, ValueType::kI64, ValueType::kI64);
    check_call(function, ValueType::kI64, ValueType::kI64, ValueType::kU64);
    check_call(function, ValueType::kI64, ValueType::kU64, ValueType::kI64);
    check_call(function, ValueType::kU64, ValueType::kU64, ValueType::kU64);
  }
  for (const auto function :
       {Function::kAdd, Function::kSubtract, Function::kMultiply, Function::kDivide}) {
    check_call(function, ValueType::kF64, ValueType::kF64, ValueType::kF64);
  }
}

TEST_CASE("functions: times and durations", "[query]") {
  using T = ValueType;
  check_call(Function::kAdd, T::kTime, T::kTime, T::kDuration);
  check_call(Function::kSubtract, T::kTime, T::kTime, T::kDuration);
  check_call(Function::kSubtract, T::kDuration, T::kTime, T::kTime);
  check_call(Function::kAdd, T::kDuration, T::kDuration, T::kDuration);
  for (const T number : kNumbers) {
    check_call(Function::kMultiply, T::kDuration, T::kDuration, number);
    check_call(Function::kDivide, T::kDuration, T::kDuration, number);
  }
  check_call(Function::kDivide, T::kF64, T::kDuration, T::kDuration);
  check_call(Function::kIntegerDivide, T::kI64, T::kDuration, T::kDuration);
  check_call(Function::kModulo, T::kDuration, T::kDuration, T::kDuration);
}

TEST_CASE("functions: logic, choice and conversion", "[query]") {
  using T = ValueType;
  check_call(Function::kAnd, T::kBool, T::kBool, T::kBool);
  check_call(Function::kOr, T::kBool, T::kBool, T::kBool);
  const auto null = B::literal(Value::null());
  for (const T type : {T::kBool, T::kI64, T::kU64, T::kF64, T::kString, T::kTime}) {
    check_call(Function::kCoalesce, type, type, type);
    const Expression value = B::literal(some(type).front());
    check_call(Function::kIf, type, T::kBool, type, {value, null});
    check_call(Function::kIf, type, T::kBool, type, {null, value});
    check_call(Function::kExists, T::kBool, type, type);
  }
  for (const T type : {T::kI64, T::kU64}) check_call(Function::kToF64, T::kF64, type, type);
}

TEST_CASE("functions: text", "[query]") {
  using T = ValueType;
  const auto literal = [](const char* text) { return B::literal(Value::of(text)); };
  check_call(Function::kContains, T::kBool, T::kString, T::kString);
  check_call(Function::kIcontains, T::kBool, T::kString, T::kString);
  check_call(Function::kStartsWith, T::kBool, T::kString, T::kString);
  check_call(Function::kMatches, T::kBool, T::kString, T::kString, {literal("^p|b")});
  check_call(Function::kNotMatches, T::kBool, T::kString, T::kString, {literal("^p|b")});
  check_call(Function::kIn, T::kBool, T::kString, T::kString, {literal("a"), literal("PAY")});
  check_call(Function::kNotIn, T::kBool, T::kString, T::kString, {literal("a"), literal("PAY")});
  check_call(Function::kExtract, T::kString, T::kString, T::kString, {literal("([a-z]+)")});
  check_call(Function::kIn, T::kBool, T::kI64, T::kI64,
             {B::literal(Value::of(3.0)), B::literal(Value::of(UINT64_MAX))});
}

TEST_CASE("functions: a long list of `in` is a set, with exact equality", "[query]") {
  std::vector<Expression> numbers, texts;
  for (const ValueType type : kNumbers) {
    for (const Value& value : some(type)) {
      if (!value.is_null() && numbers.size() % 3 != 1) numbers.push_back(B::literal(value));
      if (numbers.size() % 3 == 1) numbers.push_back(B::literal(Value::of(0.5)));
    }
  }
  for (int i = 0; i < 20; ++i) texts.push_back(B::literal(Value::of("text " + std::to_string(i))));
  texts.push_back(B::literal(Value::of("abc")));
  texts.push_back(B::literal(Value::of("")));
  for (const auto function : {Function::kIn, Function::kNotIn}) {
    for (const ValueType type : kNumbers) {
      check_call(function, ValueType::kBool, type, ValueType::kI64, numbers);
    }
    check_call(function, ValueType::kBool, ValueType::kString, ValueType::kI64, texts);
  }
}
