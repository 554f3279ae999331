// Every limit of the query language, with its unit and its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "db/base/time.h"

namespace tocsin {

inline constexpr size_t kQueryBytesMax = 64 * 1024;
/// Parentheses inside each other: the parser recurses on them.
inline constexpr size_t kNestingMax = 100;
/// Depth of an expression's tree, chains like `a + b + c` included: everything else recurses on it.
inline constexpr uint32_t kExpressionDepthMax = 500;
inline constexpr size_t kStageCountMax = 100;
/// Definitions of one let, aggregates of one stats, names of one list, arguments of one call.
inline constexpr size_t kListCountMax = 1'000;
inline constexpr size_t kInListCountMax = 10'000;         ///< values of one `in (…)`
inline constexpr size_t kSourceColumnCountMax = 100'000;  ///< of `from *` over many measurements
inline constexpr size_t kPatternBytesMax = 4 * 1024;
/// Memory of one compiled pattern, bytes: what RE2 may use for its program and its states.
inline constexpr int64_t kPatternMemoryMax = 4 * 1024 * 1024;
inline constexpr uint64_t kBaselineWindowCountMax = 50'000;  ///< each costs a pass over one window
inline constexpr uint64_t kSampleCountMax = 100;
inline constexpr uint64_t kTopCountMax = 1'000'000;

}  // namespace tocsin
