// The upper tail of a stream of values: how large a value is exceeded with a given probability.
//
// Peaks over threshold with a generalized Pareto distribution (Siffer et al., "Anomaly Detection in
// Streams with Extreme Value Theory", KDD 2017), fitted by the moments of the excesses.
#pragma once

#include <array>
#include <cstdint>

namespace tocsin {

class UpperTail {
 public:
  void add(double value);
  int64_t count() const { return count_; }
  /// The value that is exceeded with probability `q`; infinite while too few values are known.
  /// `shape_max` limits how heavy the tail may be: 0 is exponential.
  double quantile(double q, double shape_max) const;
  /// -log10 of the probability of a value of at least `value`; 0 if it is not in the tail.
  double rarity(double value) const;

 private:
  static constexpr int kKept = 64;
  static constexpr int kExcessesMin = 10;

  struct Fit {
    double threshold = 0;
    double share = 0;  ///< of all values, above the threshold
    double shape = 0;
    double scale = 0;  ///< 0: all values above the threshold are equal
  };
  /// Requires: more than excess_count() values are kept.
  Fit fit(double shape_max) const;
  int excess_count() const;

  std::array<float, kKept> top_{};  ///< the largest values, descending
  int kept_ = 0;
  int64_t count_ = 0;
  // quantile() of `cached_q_` and `cached_shape_` until `cached_until_` values are known.
  mutable double cached_ = 0;
  mutable double cached_q_ = 0;
  mutable double cached_shape_ = 0;
  mutable int64_t cached_until_ = 0;
};

/// A tail that forgets: the values of the current period and of the one before.
class RecentTail {
 public:
  /// Begins a new period after `period` values.
  void add(double value, int64_t period);
  double quantile(double q, double shape_max) const;

 private:
  UpperTail current_;
  UpperTail previous_;
};

}  // namespace tocsin
