#include "query/series/tail.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

constexpr double kTailShare = 0.02;
constexpr double kShapeOfRarityMax = 0.5;
constexpr double kProbabilityMin = 1e-12;

}  // namespace

void UpperTail::add(double value) {
  ++count_;
  if (kept_ == kKept && value <= top_[kKept - 1]) return;
  int at = kept_ < kKept ? kept_++ : kKept - 1;
  for (; at > 0 && top_[at - 1] < value; --at) top_[at] = top_[at - 1];
  top_[at] = static_cast<float>(value);
  cached_q_ = 0;
}

int UpperTail::excess_count() const {
  return std::clamp(static_cast<int>(std::ceil(kTailShare * static_cast<double>(count_))),
                    kExcessesMin, kKept - 1);
}

UpperTail::Fit UpperTail::fit(double shape_max) const {
  const int excesses = excess_count();
  Fit out;
  out.threshold = top_[excesses];
  out.share = excesses / static_cast<double>(count_);
  double mean = 0;
  for (int i = 0; i < excesses; ++i) mean += top_[i] - out.threshold;
  mean /= excesses;
  double variance = 0;
  for (int i = 0; i < excesses; ++i) {
    variance += (top_[i] - out.threshold - mean) * (top_[i] - out.threshold - mean);
  }
  variance /= excesses;
  out.scale = mean;  // of the exponential distribution
  if (variance <= 0) return out;
  const double ratio = mean * mean / variance;
  out.shape = std::clamp(0.5 * (1 - ratio), 0.0, shape_max);
  out.scale = std::min(mean, 0.5 * mean * (ratio + 1));
  return out;
}

double UpperTail::quantile(double q, double shape_max) const {
  if (cached_q_ == q && cached_shape_ == shape_max && count_ < cached_until_) return cached_;
  if (kept_ <= excess_count()) return std::numeric_limits<double>::infinity();
  const Fit fitted = fit(shape_max);
  const double ratio = fitted.share / q;
  cached_ = fitted.threshold;
  if (ratio > 1) {
    constexpr double kExponential = 1e-3;
    cached_ += fitted.shape < kExponential
                   ? fitted.scale * std::log(ratio)
                   : fitted.scale / fitted.shape * (std::pow(ratio, fitted.shape) - 1);
  }
  cached_q_ = q;
  cached_shape_ = shape_max;
  cached_until_ = count_ + count_ / 16 + 1;  // more values change it little
  return cached_;
}

double UpperTail::rarity(double value) const {
  if (kept_ <= excess_count() || value <= top_[excess_count()]) return 0;
  const Fit fitted = fit(kShapeOfRarityMax);
  if (fitted.scale <= 0) return -std::log10(kProbabilityMin);
  const double excess = (value - fitted.threshold) / fitted.scale;
  const double survival = fitted.shape <= 0
                              ? std::exp(-excess)
                              : std::pow(1 + fitted.shape * excess, -1 / fitted.shape);
  return -std::log10(std::max(fitted.share * survival, kProbabilityMin));
}

void RecentTail::add(double value, int64_t period) {
  current_.add(value);
  if (current_.count() < period) return;
  previous_ = current_;
  current_ = UpperTail();
}

double RecentTail::quantile(double q, double shape_max) const {
  if (previous_.count() == 0) return current_.quantile(q, shape_max);
  const double before = previous_.quantile(q, shape_max);
  // A short period says little about rare values.
  if (current_.count() * 4 <= previous_.count()) return before;
  return std::max(before, current_.quantile(q, shape_max));
}

}  // namespace tocsin
