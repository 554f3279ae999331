// Division that rounds down, also below zero.
#pragma once

#include <cstdint>

namespace tocsin {

/// Requires: b > 0.
constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr int64_t floor_mod(int64_t a, int64_t b) { return a % b + (a % b < 0 ? b : 0); }

}  // namespace tocsin
