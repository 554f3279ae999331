// Whether an incident can be told from chance: exact tests by somebody who knows the true rates.
//
// Each function fixes the critical value at which the test rejects "nothing has changed" at
// kAlpha, and returns whether the test reaches it with a probability of at least kPower.
#pragma once

#include <cstdint>

namespace tocsin::generate {

inline constexpr double kAlpha = 1e-6;
inline constexpr double kPower = 0.95;

/// The probability that a Poisson variable is at least `count`. Requires: mean >= 0.
double poisson_at_least(uint64_t count, double mean);
/// The probability that a Poisson variable is less than `count`, without cancellation.
double poisson_below(uint64_t count, double mean);
/// The probability that a binomial variable is at least `count`.
double binomial_at_least(uint64_t count, uint64_t trials, double probability);
/// The probability that a standard normal variable is at least `z`.
double normal_at_least(double z);

/// A count of events, in either direction.
bool count_differs(double mean_before, double mean_during);
/// A share of events that rises.
bool share_rises(uint64_t trials, double before, double during);
/// A mean of `samples` values that rises by `shift` where one has the given standard deviation.
bool mean_rises(double samples, double shift, double deviation);

}  // namespace tocsin::generate
