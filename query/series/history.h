// The last values of a series, by bucket, and the season that they follow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tocsin {

class SeriesHistory {
 public:
  /// `slots_max`: how many buckets are kept.
  explicit SeriesHistory(int64_t slots_max) : slots_max_(slots_max) {}

  bool empty() const { return values_.empty(); }
  int64_t start() const;                         ///< the oldest bucket that is kept
  int64_t end() const { return end_; }           ///< the bucket after the newest
  int64_t age() const { return end_ - first_; }  ///< buckets since the first, also those forgotten
  /// Sets the first bucket. Requires: empty()
  void begin(int64_t slot) { first_ = end_ = slot; }
  /// Appends bucket end(). NaN: no value.
  void append(double value);
  /// NaN if the bucket has no value or is not kept.
  double at(int64_t slot) const;

  /// What bucket `slot` usually has: the trimmed mean of the buckets with the same phase of up to
  /// kSeasons seasons before it and their neighbours, or without these if the phase itself always
  /// differs from them (a job that runs at that minute). With `around`, also of those after it. NaN
  /// with fewer than two values.
  double usual(int64_t slot, int64_t season, bool around) const;

  /// The season in buckets, a day or a week, that the autocorrelation of hourly means suggests; 0
  /// if there is none. Requires: `day` buckets make a day.
  int64_t find_season(int64_t day) const;

  size_t memory_bytes() const { return values_.capacity() * sizeof(float); }

 private:
  int64_t slots_max_;
  int64_t first_ = 0;
  int64_t end_ = 0;
  std::vector<float> values_;  ///< bucket s is at (s - first_) % slots_max_
};

}  // namespace tocsin
