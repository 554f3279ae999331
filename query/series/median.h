// Robust statistics of a few numbers.
#pragma once

#include <vector>

namespace tocsin {

/// Times the median absolute deviation: the standard deviation of a normal distribution.
inline constexpr double kMadToDeviation = 1.4826;

/// Requires: not empty, no NaN.
double median_of(std::vector<double> values);

}  // namespace tocsin
