// Constants of the segment format that its writer and its reader share. Values never change.
#pragma once

#include <cstdint>

#include "db/segment/segment.h"

namespace tocsin {

inline constexpr uint32_t kSegmentFormat = 1;

/// How a column's values are stored (Column.encoding in segment.fbs).
enum class Encoding : uint16_t {
  kIntegers = 1,    ///< i64, u64: an integer stream
  kDecimals = 2,    ///< f64: integers over a power of ten, with exceptions
  kDoubles = 3,     ///< f64: unencoded
  kBits = 4,        ///< bool: a bitmap of values, low bit first, in 64-bit words
  kDictionary = 5,  ///< string: an integer stream of codes into distinct entries
  kBlocks = 6,      ///< string: compressed blocks
  kTemplates = 7,   ///< string: an integer stream of template numbers, and the variables
};

// Stored as it is in memory.
static_assert(sizeof(EntryStatistics) == 24);

}  // namespace tocsin
