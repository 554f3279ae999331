// Continues a series: the median of its seasons, the drift, and how wrong that was in the past.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

struct ForecastPoint {
  double expected;
  double lower;  ///< 19 of 20 earlier forecasts as far ahead were within the bounds
  double upper;
};

/// The `count` values after `values`, which has one for each bucket; NaN: no value. `season` in
/// buckets; 0: none. Empty if there are fewer than kForecastValuesMin values.
std::vector<ForecastPoint> forecast_series(std::span<const double> values, int64_t season,
                                           size_t count);

inline constexpr size_t kForecastValuesMin = 4;

}  // namespace tocsin
