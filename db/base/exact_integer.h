// Where doubles stop being exact integers.
#pragma once

#include <cstdint>

namespace tocsin {

/// 2^53: every integer of at most this magnitude is exactly a double, and every double of at least
/// this magnitude is an integer.
inline constexpr int64_t kExactIntegerMax = int64_t{1} << 53;

}  // namespace tocsin
