#include "query/usual/chance.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tocsin {
namespace {

constexpr double kLog10 = std::numbers::ln10;
constexpr int kBlocksOfWidth = 64;  // then blocks are twice as wide

double as_surprise(double log_chance) {
  return std::clamp(-log_chance / kLog10, 0.0, kSurpriseMax);
}

/// The logarithm of term(start) + term(start ± 1) + ..., `count` terms, where `ratio(k)` is the
/// next term over term(k); stops where terms no longer matter. Blocks of terms are added as
/// geometric series, so that sums for counts of billions are exact and quick; near both ends, where
/// the ratio changes, a block is one term.
template <class Ratio>
double log_sum(double log_first, double start, double direction, double count, Ratio ratio) {
  double term = 1, sum = 0, width = 1, k = start;
  for (int blocks = 1; count > 0; ++blocks) {
    const double terms = std::min(width, std::max(std::floor(count / kBlocksOfWidth), 1.0));
    const double factor = ratio(k + direction * (terms - 1) / 2);
    const double power = std::pow(factor, terms);
    if (terms == 1) {
      sum += term;
    } else {
      sum += term * (factor == 1 ? terms : (1 - power) / (1 - factor));
    }
    term *= power;
    if (term * width < sum * 1e-12) break;
    k += direction * terms;
    count -= terms;
    if (blocks % kBlocksOfWidth == 0) width *= 2;
  }
  return log_first + std::log(sum);
}

double log_count_term(const CountModel& model, double k) {
  const double v = model.relative_variance;
  if (v <= 1e-9) return k * std::log(model.mean) - model.mean - std::lgamma(k + 1);
  const double r = 1 / v;
  return std::lgamma(k + r) - std::lgamma(r) - std::lgamma(k + 1) - r * std::log1p(model.mean * v) +
         k * std::log(model.mean * v / (1 + model.mean * v));
}

double count_ratio(const CountModel& model, double k) {  // term(k + 1) / term(k)
  const double v = model.relative_variance;
  return model.mean * (1 + k * v) / ((k + 1) * (1 + model.mean * v));
}

double log_share_term(double a, double b, double k, double n) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + std::lgamma(k + a) +
         std::lgamma(n - k + b) - std::lgamma(n + a + b) - std::lgamma(a) - std::lgamma(b) +
         std::lgamma(a + b);
}

double share_ratio(double a, double b, double k, double n) {  // term(k + 1) / term(k)
  return (n - k) / (k + 1) * (k + a) / (n - k - 1 + b);
}

}  // namespace

double surprise_of_many(const CountModel& model, double count) {
  const double k = std::ceil(count);
  if (k <= model.mean) return 0;
  if (model.mean <= 0) return kSurpriseMax;
  return as_surprise(log_sum(log_count_term(model, k), k, 1, INFINITY,
                             [&](double i) { return count_ratio(model, i); }));
}

double surprise_of_few(const CountModel& model, double count) {
  const double k = std::max(std::floor(count), 0.0);
  if (k >= model.mean) return 0;
  return as_surprise(log_sum(log_count_term(model, k), k, -1, k + 1,
                             [&](double i) { return 1 / count_ratio(model, i - 1); }));
}

double surprise_of_high_share(const ShareModel& model, double hits, double trials) {
  const double a = model.hits + 0.5, b = std::max(model.trials - model.hits, 0.0) + 0.5;
  const double n = std::round(trials), k = std::min(std::round(hits), n);
  if (n <= 0 || k <= n * a / (a + b)) return 0;
  return as_surprise(log_sum(log_share_term(a, b, k, n), k, 1, n - k + 1,
                             [&](double i) { return share_ratio(a, b, i, n); }));
}

double surprise_of_low_share(const ShareModel& model, double hits, double trials) {
  return surprise_of_high_share({model.trials - model.hits, model.trials}, trials - hits, trials);
}

double surprise_of_deviation(double t, double samples) {
  if (t <= 0) return 0;
  const double freedom = std::max(samples - 1, 1.0);
  const double z =
      (8 * freedom + 1) / (8 * freedom + 3) * std::sqrt(freedom * std::log1p(t * t / freedom));
  if (z < 30) return as_surprise(std::log(0.5 * std::erfc(z / std::numbers::sqrt2)));
  return as_surprise(-z * z / 2 - std::log(z * std::sqrt(2 * std::numbers::pi)));
}

}  // namespace tocsin
