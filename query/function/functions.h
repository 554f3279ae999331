// The registry of stages, functions and aggregates: names, signatures, help and examples. The
// parser's messages, the checker, completion and the reference in query/README.md all use it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/value.h"
#include "query/plan/plan.h"

namespace tocsin {

/// The types that an argument may have. A literal null, or a column that a rule does not have yet,
/// is always accepted.
enum class ArgumentType : uint8_t {
  kAny,
  kBool,
  kNumber,   ///< i64, u64 or f64
  kInteger,  ///< i64 or u64
  kString,
  kTime,
  kDuration,  ///< a constant above zero
  kNumberOrDuration,
  kTimeOrDuration,
  kOrdered,      ///< any type except bool
  kPattern,      ///< a constant string that RE2 compiles
  kSame,         ///< the type of the other kSame arguments; mixed numbers become f64
  kSameOrdered,  ///< the same, except bool
};
const char* name_of(ArgumentType type);  ///< as in `round needs a number`

enum class ResultType : uint8_t { kBool, kI64, kF64, kString, kTime, kSame, kFirst };

inline constexpr uint8_t kAnyCount = 255;

/// The user-visible text of an entry.
struct Documentation {
  const char* name;       ///< the aggregate `pNN` is `p1` to `p99.9`
  const char* signature;  ///< `round(x[, digits])`
  const char* help;       ///< one line; of a function or aggregate: what it returns
  const char* example;    ///< an expression; an item of stats; for stages a whole query
};

/// A sentence for hints: "`abs(x)` returns the absolute value of x". Not for stages.
std::string usage_of(const Documentation& documentation);

struct StageEntry {
  Documentation documentation;
};

struct FunctionEntry {
  Function function;
  Documentation documentation;
  std::array<ArgumentType, 3> arguments;  ///< the last one given repeats
  uint8_t argument_count_min;
  uint8_t argument_count_max;  ///< or kAnyCount
  ResultType result;
};

struct AggregateEntry {
  AggregateKind kind;
  Documentation documentation;
  ArgumentType argument;
  uint8_t argument_count_min;  ///< quantile and sample accept a constant after the argument
  uint8_t argument_count_max;
  /// kFirst: the argument's type. kF64: a duration if the argument is one.
  ResultType result;
  bool empty_is_zero;  ///< the result over no rows is 0, not null
};

std::span<const StageEntry> all_stages();
std::span<const FunctionEntry> all_functions();
std::span<const AggregateEntry> all_aggregates();

/// Null if there is no function of that name.
const FunctionEntry* find_function(std::string_view name);
const FunctionEntry& entry_of(Function function);  ///< Requires: a named function, not an operator
/// Null if there is no aggregate of that name; `p95` and the like return the entry `pNN`.
const AggregateEntry* find_aggregate(std::string_view name);
bool is_stage_name(std::string_view word);

/// 0.95 for `p95`, 0.999 for `p99.9`; nothing for other names or outside (0, 100).
std::optional<double> quantile_of_name(std::string_view name);

/// The operator or function as written in queries: `==`, `not in`, `round`.
const char* name_of(Function function);
const char* name_of(AggregateKind kind);
const char* name_of(BaselineStatistic statistic);
std::optional<BaselineStatistic> find_baseline_statistic(std::string_view name);  ///< not `pNN`

/// The equivalent of a word from another query language (`avg` -> `mean`), or the entry with the
/// most similar name; empty if there is none.
std::string suggest_stage(std::string_view word);
std::string suggest_function(std::string_view word);
std::string suggest_aggregate(std::string_view word);

}  // namespace tocsin
