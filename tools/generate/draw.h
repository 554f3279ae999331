// Draws and constants that all worlds share.
#pragma once

#include "db/base/time.h"
#include "tools/generate/random.h"
#include "tools/generate/services.h"

namespace tocsin::generate {

inline constexpr double kTimeoutShare = 0.2;  // of failures
inline constexpr double kFailedSpeed = 0.7;   // failures take less time
inline constexpr double kTimeoutSlowness = 2.5;
inline constexpr double kAbandonedShare = 0.003;  // of transactions that never end, always
// Of high response times, which are over one of the thresholds.
inline constexpr double kP95ThresholdMs = 30'000, kP99ThresholdMs = 60'000;
inline constexpr double kTailShare = 0.04;    // of slow requests, where only P99 is over it
inline constexpr double kNormalP95 = 1.6449;  // quantile of the standard normal

/// Calls `at(time)` for each arrival of a Poisson process with a mean of `count` events in the
/// interval.
/// Source: Knuth, The Art of Computer Programming, volume 2, section 3.4.1: exponential gaps.
template <class Function>
void for_each_arrival(Timestamp start, Duration interval, double count, Random& random,
                      Function at) {
  if (count <= 0) return;
  const double gap_mean = static_cast<double>(interval) / count;
  for (double offset = gap_mean * random.exponential(); offset < static_cast<double>(interval);
       offset += gap_mean * random.exponential()) {
    at(start + static_cast<Duration>(offset));
  }
}

/// The index of one of the service's transactions, by their shares.
inline uint8_t pick_transaction(const ServiceProfile& profile, Random& random) {
  double left = random.uniform();
  size_t index = 0;
  while (index + 1 < profile.transactions.size() && left >= profile.transactions[index].share) {
    left -= profile.transactions[index++].share;
  }
  return static_cast<uint8_t>(index);
}

}  // namespace tocsin::generate
