// How improbable a count or a mean is, as the negative decimal logarithm of a probability: 6 means
// one in a million.
#pragma once

#include <cstdint>

namespace tocsin {

/// No surprise is larger.
inline constexpr double kSurpriseMax = 300;

/// A count with this mean that varies more than a Poisson count: its rate varies around the mean
/// with a relative variance (negative binomial distribution).
struct CountModel {
  double mean = 0;               ///< at least 0
  double relative_variance = 0;  ///< of the rate; 0: Poisson
};

/// Surprise of at least, or at most, `count` events.
double surprise_of_many(const CountModel& model, double count);
double surprise_of_few(const CountModel& model, double count);

/// What is known about a share: `hits` of `trials` so far. Half a hit and half a miss are added
/// (Jeffreys' prior), so that a share that was never seen is possible.
struct ShareModel {
  double hits = 0;
  double trials = 0;
};

/// Surprise of at least, or at most, `hits` of `trials` more (beta-binomial distribution): the less
/// is known, the less surprises.
double surprise_of_high_share(const ShareModel& model, double hits, double trials);
double surprise_of_low_share(const ShareModel& model, double hits, double trials);

/// Surprise of a value of at least `z` standard deviations above the mean, if the deviation was
/// estimated from `samples` values (Student's t distribution, by the normal approximation of
/// Wallace 1959).
double surprise_of_deviation(double z, double samples);

}  // namespace tocsin
