// Tails of the Poisson, binomial and normal distributions, and the tests on them.
#include "tools/generate/worlds/significance.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tocsin::generate {
namespace {

/// Sums term(count), term(count + 1), ... until they no longer matter. `ratio(k)` is
/// term(k + 1) / term(k), and falls as k rises.
template <class Ratio>
double sum_up(double term, uint64_t count, Ratio ratio) {
  double sum = 0;
  for (uint64_t k = count; term > sum * 1e-17; ++k) {
    sum += term;
    term *= ratio(k);
  }
  return std::min(sum, 1.0);
}

/// The smallest count in [0, limit] for which `holds`, which holds from some count on; limit + 1 if
/// there is none.
template <class Predicate>
uint64_t first_count(uint64_t limit, Predicate holds) {
  uint64_t low = 0, high = limit + 1;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (holds(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

double as_double(uint64_t value) { return static_cast<double>(value); }

/// A count that a Poisson variable exceeds with a probability far under kAlpha.
uint64_t poisson_limit(double mean) {
  return static_cast<uint64_t>(mean + 40 * std::sqrt(mean) + 60);
}

double poisson_term(uint64_t count, double mean) {
  const double k = as_double(count);
  return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
}

}  // namespace

double poisson_below(uint64_t count, double mean) {
  if (count == 0) return 0;
  if (mean <= 0) return 1;
  if (as_double(count) > mean) return 1 - poisson_at_least(count, mean);
  double below = 0, term = poisson_term(count - 1, mean);
  for (uint64_t k = count - 1; term > below * 1e-17; --k) {
    below += term;
    if (k == 0) break;
    term *= as_double(k) / mean;
  }
  return below;
}

double poisson_at_least(uint64_t count, double mean) {
  if (count == 0) return 1;
  if (mean <= 0) return 0;
  if (as_double(count) <= mean) return 1 - poisson_below(count, mean);
  return sum_up(poisson_term(count, mean), count,
                [&](uint64_t k) { return mean / as_double(k + 1); });
}

double binomial_at_least(uint64_t count, uint64_t trials, double probability) {
  if (count == 0) return 1;
  if (count > trials || probability <= 0) return 0;
  if (probability >= 1) return 1;
  if (as_double(count) <= as_double(trials) * probability)
    return 1 - binomial_at_least(trials - count + 1, trials, 1 - probability);
  const double n = as_double(trials), k = as_double(count);
  const double log_term = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                          k * std::log(probability) + (n - k) * std::log1p(-probability);
  const double odds = probability / (1 - probability);
  return sum_up(std::exp(log_term), count,
                [&](uint64_t i) { return (n - as_double(i)) / as_double(i + 1) * odds; });
}

double normal_at_least(double z) { return 0.5 * std::erfc(z / std::numbers::sqrt2); }

bool count_differs(double mean_before, double mean_during) {
  if (mean_during >= mean_before) {
    const uint64_t critical = first_count(poisson_limit(mean_before), [&](uint64_t count) {
      return poisson_at_least(count, mean_before) < kAlpha;
    });
    return poisson_at_least(critical, mean_during) >= kPower;
  }
  // The test rejects at fewer than `critical` events; at 0, it never does.
  const uint64_t critical = first_count(poisson_limit(mean_before), [&](uint64_t count) {
    return poisson_below(count + 1, mean_before) >= kAlpha;
  });
  return poisson_below(critical, mean_during) >= kPower;
}

bool share_rises(uint64_t trials, double before, double during) {
  const uint64_t critical = first_count(
      trials, [&](uint64_t count) { return binomial_at_least(count, trials, before) < kAlpha; });
  return binomial_at_least(critical, trials, during) >= kPower;
}

bool mean_rises(double samples, double shift, double deviation) {
  constexpr double kCriticalZ = 4.7534243;  // normal_at_least() is kAlpha there
  const double z = std::sqrt(samples) * shift / deviation;
  return normal_at_least(kCriticalZ - z) >= kPower;
}

}  // namespace tocsin::generate
