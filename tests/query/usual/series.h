// Series of windows for the tests of judgements: random counts with a seed; and their judgements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "query/usual/past.h"
#include "query/usual/unusual.h"

namespace tocsin {

/// Windows up to `end`, all collected and none excluded, each `step` long.
class SampleSeries {
 public:
  SampleSeries(Timestamp end, Duration depth, Duration step, const TimeZone& zone = TimeZone())
      : zone_(zone), step_(step) {
    for (Timestamp start = end - depth / step * step; start < end; start += step)
      starts.push_back(start);
    values.assign(starts.size(), 0);
    of.assign(starts.size(), 0);
    collected.assign(starts.size(), 1);
    excluded.assign(starts.size(), 0);
  }

  /// Random counts, where `rate(start)` is the mean of that window.
  template <class Rate>
  SampleSeries& counts(unsigned seed, Rate rate) {
    std::mt19937 random(seed);
    for (size_t i = 0; i < starts.size(); ++i) values[i] = poisson(random, rate(starts[i]));
    return *this;
  }
  /// Random counts of trials, and of hits among them.
  template <class Rate, class Share>
  SampleSeries& shares(unsigned seed, Rate rate, Share share) {
    std::mt19937 random(seed);
    for (size_t i = 0; i < starts.size(); ++i) {
      of[i] = poisson(random, rate(starts[i]));
      values[i] =
          std::binomial_distribution<int>(static_cast<int>(of[i]), share(starts[i]))(random);
    }
    return *this;
  }
  /// Sums of normal values around `mean(start)`, and their random number.
  template <class Rate, class Mean>
  SampleSeries& means(unsigned seed, Rate rate, Mean mean, double deviation) {
    std::mt19937 random(seed);
    for (size_t i = 0; i < starts.size(); ++i) {
      of[i] = poisson(random, rate(starts[i]));
      values[i] = of[i] * mean(starts[i]) +
                  std::normal_distribution<double>(0, 1)(random) * deviation * std::sqrt(of[i]);
    }
    return *this;
  }

  /// The windows that end within `depth` before `end`.
  SampleSeries until(Timestamp end, Duration depth) const {
    SampleSeries part(end, depth, step_, zone_);
    const auto first = static_cast<ptrdiff_t>((part.starts.front() - starts.front()) / step_);
    const auto cut = [&](auto& out, const auto& in) {
      out.assign(in.begin() + first, in.begin() + first + static_cast<ptrdiff_t>(out.size()));
    };
    cut(part.values, values);
    cut(part.of, of);
    cut(part.collected, collected);
    cut(part.excluded, excluded);
    return part;
  }

  size_t window_at(Timestamp time) const {
    return static_cast<size_t>((time - starts.front()) / step_);
  }

  /// What `judge` returns for the last window.
  template <class Judge>
  auto judged(Judge judge) const {
    const WindowSlots slots(starts, step_, zone_);
    return judge(Past(slots, values, of, collected, excluded));
  }

  std::vector<Timestamp> starts;
  std::vector<double> values, of;
  std::vector<uint8_t> collected, excluded;

 private:
  static double poisson(std::mt19937& random, double mean) {
    return mean <= 0 ? 0 : std::poisson_distribution<int>(mean)(random);
  }

  TimeZone zone_;
  Duration step_;
};

/// A Monday, 2026-11-02T00:00:00Z.
inline constexpr Timestamp kSampleMonday = 1'793'577'600 * kSecond;
inline bool is_sample_weekend(Timestamp time) {  // in UTC
  return (time / kDay + 3) % 7 >= 5;             // 1970 began on a Thursday
}

inline constexpr Duration kSampleStep = 15 * kMinute;
inline constexpr double kAlarm = 6;
inline constexpr Timestamp kSampleEnd = kSampleMonday + 16 * kDay + 14 * kHour;  // Wednesday, 14:00

/// Night and day, at most `peak` events in a window.
inline auto daily(double peak) {
  return [peak](Timestamp at) {
    const double hours = static_cast<double>(at % kDay) / static_cast<double>(kHour);
    return peak * (0.55 - 0.45 * std::cos((hours - 2) / 24 * 2 * M_PI));
  };
}

/// The moments at which a series is judged: within the four weeks before `kSampleEnd`.
inline std::vector<Timestamp> random_moments(unsigned seed, int count) {
  std::mt19937 random(seed);
  std::vector<Timestamp> moments;
  for (int i = 0; i < count; ++i)
    moments.push_back(kSampleEnd -
                      static_cast<Duration>(random() % (28 * kDay / kSampleStep)) * kSampleStep);
  return moments;
}

template <class Judge>
double worst(const SampleSeries& series, Judge judge, const std::vector<Timestamp>& moments) {
  double worst = 0;
  for (const Timestamp moment : moments) {
    const Judgement found = series.until(moment, 28 * kDay).judged(judge);
    INFO("at hour " << (moment - kSampleMonday) / kHour);
    CHECK(found.basis == Basis::kWeeks);
    worst = std::max(worst, found.surprise);
  }
  return worst;
}

template <class Judge>
Judgement at(const SampleSeries& series, Timestamp end, Judge judge) {
  return series.until(end, 28 * kDay).judged(judge);
}

}  // namespace tocsin
