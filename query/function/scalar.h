// Every function of the language for single values: the reference for the vectorised executor.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "db/base/time.h"
#include "query/base/value.h"
#include "query/plan/plan.h"

namespace re2 {
class RE2;
}

namespace tocsin {

/// The inputs of functions besides their arguments, and the patterns compiled so far. Not
/// thread-safe.
class ScalarContext {
 public:
  explicit ScalarContext(Timestamp now = 0, TimeZone zone = TimeZone());
  ~ScalarContext();
  ScalarContext(ScalarContext&&) noexcept;
  ScalarContext& operator=(ScalarContext&&) noexcept;

  Timestamp now;
  TimeZone zone;

  /// The compiled pattern, or null if it is invalid. Lives as long as the context.
  const re2::RE2* pattern(const std::string& text);
  /// Says how many patterns there will be; they share kPatternsMemoryMax.
  void expect_patterns(size_t count);

  /// Results that became null because they were texts longer than kStringBytesMax.
  uint64_t texts_too_long = 0;

 private:
  struct Patterns;
  std::unique_ptr<Patterns> patterns_;
};

/// The function's value. `type` is the call's type in the plan; it decides the result type of
/// integer arithmetic. Requires: arguments of the types that the checker accepts (see Function).
Value evaluate_function(Function function, ValueType type, std::span<const Value> arguments,
                        ScalarContext& context);

/// The expression's value for one row. `row` holds the values of the stage's input, by column.
Value evaluate_expression(const Expression& expression, std::span<const Value> row,
                          ScalarContext& context);

/// -1, 0 or 1, mathematically exact between i64, u64 and f64. Requires: neither is null or NaN, and
/// both are numbers or have the same type.
int compare_values(const Value& a, const Value& b);

}  // namespace tocsin
