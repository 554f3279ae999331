// The registry of stages, functions and aggregates: names, signatures, help and examples. One place
// that feeds the parser's messages, the checker, completion and the reference.
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

/// What an argument may be. A literal null, or a column that a rule does not have, may stand
/// anywhere.
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
  kOrdered,      ///< all but booleans
  kPattern,      ///< a constant string that RE2 compiles
  kSame,         ///< of one type with the other kSame arguments; numbers meet in f64
  kSameOrdered,  ///< the same, without booleans
};
const char* name_of(ArgumentType type);  ///< as in `round takes a number`

enum class ResultType : uint8_t { kBool, kI64, kF64, kString, kTime, kSame, kFirst };

inline constexpr uint8_t kAnyCount = 255;

/// What people see of an entry.
struct Documentation {
  const char* name;       ///< of an aggregate `pNN` stands for `p1` to `p99.9`
  const char* signature;  ///< `round(x[, digits])`
  const char* help;       ///< one line
  const char* example;    ///< an expression; an item of stats; for stages a whole query
};

struct StageEntry {
  Documentation documentation;
};

struct FunctionEntry {
  Function function;
  Documentation documentation;
  std::array<ArgumentType, 3> arguments;  ///< the last of the given ones repeats
  uint8_t argument_count_min;
  uint8_t argument_count_max;  ///< or kAnyCount
  ResultType result;
};

struct AggregateEntry {
  AggregateKind kind;
  Documentation documentation;
  ArgumentType argument;
  uint8_t argument_count_min;  ///< quantile and sample take a constant after the argument
  uint8_t argument_count_max;
  /// kFirst: of the argument. A duration stays a duration where others give f64.
  ResultType result;
  bool empty_is_zero;  ///< its value over no rows is 0, not null
};

std::span<const StageEntry> all_stages();
std::span<const FunctionEntry> all_functions();
std::span<const AggregateEntry> all_aggregates();

/// Null when there is none of that name.
const FunctionEntry* find_function(std::string_view name);
const FunctionEntry& entry_of(Function function);  ///< Requires: one with a name, no operator
/// `p95` and the like find the entry `pNN`.
const AggregateEntry* find_aggregate(std::string_view name);
bool is_stage_name(std::string_view word);

/// 0.95 for `p95`, 0.999 for `p99.9`; nothing for other names and outside of 0 to 100 (exclusive).
std::optional<double> quantile_of_name(std::string_view name);

/// The operator or function as it is written: `==`, `not in`, `round`.
const char* name_of(Function function);
const char* name_of(AggregateKind kind);
const char* name_of(BaselineStatistic statistic);
std::optional<BaselineStatistic> find_baseline_statistic(std::string_view name);  ///< not `pNN`

/// The nearest entry of ours, or what stands here for a word of another language (`avg` -> `mean`);
/// empty when nothing is near.
std::string suggest_stage(std::string_view word);
std::string suggest_function(std::string_view word);
std::string suggest_aggregate(std::string_view word);

}  // namespace tocsin
