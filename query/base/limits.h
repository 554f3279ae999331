// Every limit of the query language, with its unit and its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "db/base/time.h"

namespace tocsin {

inline constexpr size_t kQueryBytesMax = 64 * 1024;
/// Nested parentheses: the parser recurses on them.
inline constexpr size_t kNestingMax = 100;
/// Depth of an expression tree, including chains like `a + b + c`: all later steps recurse on it.
inline constexpr uint32_t kExpressionDepthMax = 500;
inline constexpr size_t kStageCountMax = 100;
/// Definitions in one let, aggregates in one stats, names in one list, arguments in one call.
inline constexpr size_t kListCountMax = 1'000;
inline constexpr size_t kInListCountMax = 10'000;         ///< values in one `in (…)`
inline constexpr size_t kSourceColumnCountMax = 100'000;  ///< columns of all measurements in `from`
inline constexpr size_t kPatternBytesMax = 4 * 1024;
inline constexpr size_t kPatternCountMax = 100;  ///< in one query; every thread compiles them
/// Memory in bytes that RE2 may use for the program and the states of one pattern.
inline constexpr int64_t kPatternMemoryMax = 4 * 1024 * 1024;
/// The same of all patterns of one query, for each thread, unless a program alone needs more.
inline constexpr int64_t kPatternsMemoryMax = 16 * 1024 * 1024;
/// Instructions of a pattern times bytes of a text. RE2 cannot be interrupted, and may need a
/// nanosecond for each.
inline constexpr uint64_t kPatternWorkMax = uint64_t{1} << 30;
/// Bytes of all constants that the checker computes for one query, like `concat("a", "b")`.
inline constexpr size_t kConstantBytesMax = 4 * 1024 * 1024;
inline constexpr uint64_t kBaselineWindowCountMax = 50'000;  ///< each costs a pass over one window
inline constexpr uint64_t kSampleCountMax = 100;
inline constexpr int64_t kForecastBucketsMax = 10'000;  ///< of one group
inline constexpr uint64_t kTopCountMax = 1'000'000;
/// Different values of one column that `diff` counts; a column with more of them is left out.
inline constexpr size_t kComparedValuesMax = 100'000;

}  // namespace tocsin
