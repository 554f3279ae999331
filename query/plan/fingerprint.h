// Identifies queries that compute the same per window: same source, filters, lets and aggregates.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "query/plan/plan.h"

namespace tocsin {

struct Fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const Fingerprint&) const = default;
};

/// Covers the plan's source, its first `stage_count` stages (where, let and stats) and the columns
/// whose values are kept, but neither the range nor now, which belong to the window. XXH3, 128
/// bits.
Fingerprint fingerprint_of(const Plan& plan, size_t stage_count,
                           std::span<const uint32_t> value_columns);

/// Whether one of the first `stage_count` stages calls now().
bool calls_now(const Plan& plan, size_t stage_count);

}  // namespace tocsin
