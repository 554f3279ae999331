#include "query/usual/chance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

double surprise(long double chance) {
  return std::min(static_cast<double>(-std::log10(chance)), kSurpriseMax);
}

// The chances of 0 to `last` events, each from the one before: P(k) / P(k - 1) =
// m (1 + (k - 1) v) / (k (1 + m v)).
std::vector<long double> count_chances(const CountModel& model, int last) {
  const long double m = model.mean, v = model.relative_variance;
  std::vector<long double> chances{v == 0 ? std::exp(-m) : std::pow(1 + m * v, -1 / v)};
  for (int k = 1; k <= last; ++k)
    chances.push_back(chances.back() * m * (1 + (k - 1) * v) / (k * (1 + m * v)));
  return chances;
}

// The chances of 0 to `n` hits, by integration over the share (the plain definition).
std::vector<long double> share_chances(const ShareModel& model, int n) {
  constexpr int kSteps = 20'000;
  const long double a = model.hits + 0.5, b = model.trials - model.hits + 0.5;
  std::vector<long double> chances(static_cast<size_t>(n) + 1);
  long double total = 0;
  for (int i = 0; i < kSteps; ++i) {
    // share = sin²(x), so that the density has no poles.
    const long double x = (i + 0.5L) / kSteps * std::acos(-1.0L) / 2;
    const long double s = std::sin(x), c = std::cos(x);
    const long double weight = std::pow(s, 2 * a - 1) * std::pow(c, 2 * b - 1);
    total += weight;
    long double term = weight * std::pow(c * c, n);
    for (int k = 0; k <= n; ++k) {
      chances[static_cast<size_t>(k)] += term;
      term *= s * s / (c * c) * (n - k) / (k + 1);
    }
  }
  for (long double& chance : chances) chance /= total;
  return chances;
}

long double sum_of(const std::vector<long double>& values, int first, int last) {
  long double sum = 0;
  for (int i = last; i >= first; --i) sum += values[static_cast<size_t>(i)];
  return sum;
}

/// Of a deviation that is known exactly.
double normal_surprise(double z) { return surprise_of_deviation(z, 1e12); }

}  // namespace

TEST_CASE("chance: counts equal exact sums", "[query]") {
  for (const double mean : {0.01, 0.5, 3.0, 17.5, 200.0}) {
    for (const double variance : {0.0, 0.0036, 0.1, 1.0, 4.0}) {
      const CountModel model{mean, variance};
      const int last = static_cast<int>(40 * (mean + 20) * (1 + variance));
      const auto chances = count_chances(model, last);
      for (const double factor : {0.0, 0.1, 0.5, 0.8, 1.2, 2.0, 5.0}) {
        const int count = static_cast<int>(factor * mean) + (factor > 1 ? 1 : 0);
        INFO("mean " << mean << ", variance " << variance << ", count " << count);
        if (count > mean) {
          CHECK(surprise_of_many(model, count) ==
                Approx(surprise(sum_of(chances, count, last))).margin(1e-4).epsilon(1e-4));
          CHECK(surprise_of_few(model, count) == 0);
        } else if (count < mean) {
          CHECK(surprise_of_few(model, count) ==
                Approx(surprise(sum_of(chances, 0, count))).margin(1e-4).epsilon(1e-4));
          CHECK(surprise_of_many(model, count) == 0);
        }
      }
    }
  }
}

TEST_CASE("chance: counts of a billion are as exact", "[query]") {
  // With this many events, only the rate varies: a gamma distribution of shape 1/v around the mean.
  const double shape = 1 / 0.0036;
  const auto density = [&](long double x) {
    return std::exp(shape * std::log(static_cast<long double>(shape)) - std::lgamma(shape) +
                    (shape - 1) * std::log(x) - shape * x);
  };
  const auto integral = [&](long double from, long double to) {
    constexpr int kSteps = 100'000;
    long double sum = 0;
    for (int i = 0; i < kSteps; ++i) sum += density(from + (to - from) * (i + 0.5L) / kSteps);
    return sum * (to - from) / kSteps;
  };
  for (const double mean : {1e7, 1e9}) {
    const CountModel model{mean, 0.0036};
    for (const double x : {1.05, 1.2, 1.3, 1.5}) {
      INFO("mean " << mean << ", " << x << " times");
      CHECK(surprise_of_many(model, x * mean) == Approx(surprise(integral(x, 5))).margin(0.01));
    }
    for (const double x : {0.95, 0.8, 0.7, 0.5}) {
      INFO("mean " << mean << ", " << x << " times");
      CHECK(surprise_of_few(model, x * mean) == Approx(surprise(integral(0.01, x))).margin(0.01));
    }
  }
  // A Poisson count of a billion has a standard deviation of 31,623.
  const CountModel poisson{1e9, 0};
  for (const double z : {1.0, 4.0, 6.0}) {
    CHECK(surprise_of_many(poisson, 1e9 + z * 31'622.8) == Approx(normal_surprise(z)).margin(0.01));
    CHECK(surprise_of_few(poisson, 1e9 - z * 31'622.8) == Approx(normal_surprise(z)).margin(0.01));
  }
}

TEST_CASE("chance: shares equal exact sums", "[query]") {
  for (const ShareModel model : {ShareModel{0, 0}, ShareModel{0, 100}, ShareModel{3, 1'000},
                                 ShareModel{40, 80}, ShareModel{99, 100}}) {
    for (const int n : {1, 7, 60}) {
      const auto chances = share_chances(model, n);
      const double usual = n * (model.hits + 0.5) / (model.trials + 1);
      for (int k = 0; k <= n; k += 1 + n / 7) {
        INFO(model.hits << " of " << model.trials << ", then " << k << " of " << n);
        if (k > usual) {
          CHECK(surprise_of_high_share(model, k, n) ==
                Approx(surprise(sum_of(chances, k, n))).margin(1e-3).epsilon(1e-3));
          CHECK(surprise_of_low_share(model, k, n) == 0);
        } else if (k < usual) {
          CHECK(surprise_of_low_share(model, k, n) ==
                Approx(surprise(sum_of(chances, 0, k))).margin(1e-3).epsilon(1e-3));
          CHECK(surprise_of_high_share(model, k, n) == 0);
        }
      }
    }
  }
}

TEST_CASE("chance: deviations have the known quantiles of the normal distribution", "[query]") {
  CHECK(normal_surprise(0) == 0);
  CHECK(normal_surprise(-3) == 0);
  CHECK(normal_surprise(1.959964) == Approx(-std::log10(0.025)).epsilon(1e-5));
  CHECK(normal_surprise(3.090232) == Approx(3).epsilon(1e-5));
  CHECK(normal_surprise(4.753424) == Approx(6).epsilon(1e-5));
  CHECK(normal_surprise(29.999) == Approx(normal_surprise(30.001)).epsilon(1e-3));
  CHECK(normal_surprise(37) == Approx(299.24218).epsilon(1e-4));  // Q(37) = 5.7256e-300
  CHECK(surprise_of_deviation(1e9, 1e15) == kSurpriseMax);
}

TEST_CASE("chance: a deviation that few values show is less certain", "[query]") {
  // Quantiles of Student's t distribution.
  CHECK(surprise_of_deviation(2.262157, 10) == Approx(-std::log10(0.025)).margin(0.01));
  CHECK(surprise_of_deviation(4.296806, 10) == Approx(3).margin(0.02));
  CHECK(surprise_of_deviation(3.551808, 21) == Approx(3).margin(0.02));
  double more = 0;
  for (const double samples : {2.0, 5.0, 20.0, 100.0, 1e4}) {
    CHECK(surprise_of_deviation(5, samples) > more);
    more = surprise_of_deviation(5, samples);
  }
  for (const double samples : {0.0, 1.0, 2.0}) {
    CHECK(surprise_of_deviation(1e9, samples) > 0);
    CHECK(surprise_of_deviation(1e9, samples) <= kSurpriseMax);
  }
}

TEST_CASE("chance: the surprise grows with the distance and shrinks with what is uncertain",
          "[query]") {
  for (const double mean : {0.2, 5.0, 300.0, 1e6, 1e9}) {
    for (const double variance : {0.0, 0.0036, 1.0}) {
      INFO("mean " << mean << ", variance " << variance);
      const CountModel model{mean, variance};
      double many = 0, few = 0;
      for (double factor = 1; factor < 8; factor *= 1.1) {
        const double high = std::ceil(mean * factor), low = std::floor(mean / factor);
        CHECK(surprise_of_many(model, high) >= many - 1e-6);
        CHECK(surprise_of_few(model, low) >= few - 1e-6);
        many = surprise_of_many(model, high);
        few = surprise_of_few(model, low);
        if (factor == 1) continue;
        CHECK(surprise_of_many({mean, variance + 0.5}, high) <= many + 0.5);
        CHECK(surprise_of_few({mean, variance + 0.5}, low) <= few + 0.5);
      }
    }
  }
  double high = 0, low = 0;
  for (int k = 0; k <= 200; ++k) {
    CHECK(surprise_of_high_share({30, 100}, k, 200) >= high - 1e-9);
    CHECK(surprise_of_low_share({30, 100}, 200 - k, 200) >= low - 1e-9);
    high = surprise_of_high_share({30, 100}, k, 200);
    low = surprise_of_low_share({30, 100}, 200 - k, 200);
    CHECK(surprise_of_high_share({3, 10}, k, 200) <= high + 1e-9);
  }
}

TEST_CASE("chance: extremes are between 0 and the largest surprise", "[query]") {
  CHECK(surprise_of_many({0, 0}, 0) == 0);
  CHECK(surprise_of_few({0, 0}, 0) == 0);
  CHECK(surprise_of_many({0, 0}, 1) == kSurpriseMax);
  CHECK(surprise_of_few({1e9, 0}, 0) == kSurpriseMax);
  CHECK(surprise_of_few({5, 0}, -1) == Approx(5 / std::log(10.0)));  // as of 0
  CHECK(surprise_of_high_share({5, 10}, 0, 0) == 0);
  CHECK(surprise_of_low_share({5, 10}, 0, 0) == 0);
  CHECK(surprise_of_low_share({0, 1e9}, 0, 1e9) < 0.2);
  CHECK(surprise_of_high_share({0, 1e9}, 1e9, 1e9) == kSurpriseMax);
  CHECK(surprise_of_high_share({1e9, 1e9}, 1e9, 1e9) < 0.2);
  CHECK(surprise_of_low_share({1e9, 1e9}, 0, 1e9) == kSurpriseMax);
  const std::vector<double> values = {0, 0.3, 1, 2.5, 16, 1e3, 1e6, 1e9};
  const auto is_valid = [](double s) { return s >= 0 && s <= kSurpriseMax; };
  for (const double a : values) {
    for (const double b : values) {
      for (const double c : values) {
        INFO(a << " " << b << " " << c);
        CHECK(is_valid(surprise_of_many({a, b}, c)));
        CHECK(is_valid(surprise_of_few({a, b}, c)));
        for (const double d : values) {
          if (a > b || c > d) continue;
          INFO(d);
          const double high = surprise_of_high_share({a, b}, c, d);
          const double low = surprise_of_low_share({a, b}, c, d);
          if (!is_valid(high) || !is_valid(low)) FAIL(high << " " << low);
        }
      }
    }
  }
}
