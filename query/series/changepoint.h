// Where a series changed for good: its level, its trend or its spread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

enum class ChangeType : uint8_t {
  kUnknown,  ///< fewer than kChangePointsMin values
  kNone,
  kSpike,         ///< one value far above its neighbours
  kDip,           ///< one value far below its neighbours
  kStep,          ///< the mean
  kTrend,         ///< the slope
  kDistribution,  ///< the standard deviation
};

inline constexpr size_t kChangePointsMin = 22;

struct Change {
  ChangeType type = ChangeType::kUnknown;
  size_t index = 0;  ///< of the first value after the change, or of the spike or dip
  /// By type: the means, the changes per step of `times`, the standard deviations on both sides; or
  /// the usual value and the extreme one.
  double before = 0;
  double after = 0;
  double p = 1;  ///< the probability of such a change by chance, times the number of places tried
};

/// Requires: times ascend and have as many entries as values; no value is NaN.
Change find_change(std::span<const double> times, std::span<const double> values);

}  // namespace tocsin
