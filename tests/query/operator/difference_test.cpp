#include "query/operator/difference.h"

#include <array>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

// The statistic by its definition: a sum over the cells of observed * ln(observed / expected).
double naive_statistic(const ValueCounts& counts) {
  const std::array<std::array<double, 2>, 2> table = {
      {{static_cast<double>(counts.target),
        static_cast<double>(counts.target_total - counts.target)},
       {static_cast<double>(counts.reference),
        static_cast<double>(counts.reference_total - counts.reference)}}};
  double all = 0;
  for (const auto& row : table) all += row[0] + row[1];
  double sum = 0;
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 2; ++j) {
      const double expected = (table[i][0] + table[i][1]) * (table[0][j] + table[1][j]) / all;
      if (table[i][j] > 0) sum += 2 * table[i][j] * std::log(table[i][j] / expected);
    }
  }
  return sum;
}

// The probability that the square of a standard normal variable exceeds `x`, by integration.
double naive_chance(double x) {
  constexpr int kSteps = 200'000;
  const double from = std::sqrt(x), width = 12.0 / kSteps;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double z = from + (i + 0.5) * width;
    sum += std::exp(-z * z / 2) * width;
  }
  return 2 * sum / std::sqrt(2 * M_PI);
}

}  // namespace

TEST_CASE("difference: the statistic is that of the definition", "[query]") {
  std::mt19937_64 random(7);
  const auto below = [&](uint64_t limit) { return random() % limit; };
  for (int i = 0; i < 1'000; ++i) {
    ValueCounts counts;
    counts.target_total = 1 + below(1'000);
    counts.reference_total = 1 + below(100'000);
    counts.target = below(counts.target_total + 1);
    counts.reference = below(counts.reference_total + 1);
    INFO(counts.target << " of " << counts.target_total << ", " << counts.reference << " of "
                       << counts.reference_total);
    CHECK(likelihood_ratio(counts) == Approx(naive_statistic(counts)).margin(1e-6));
  }
}

TEST_CASE("difference: the probability is that of the normal distribution, times the values",
          "[query]") {
  for (const uint64_t reference : {10u, 20u, 30u}) {
    const ValueCounts counts{20, 40, reference, 200};
    const auto found = over_represented(counts, 1);
    REQUIRE(found);
    CHECK(found->p == Approx(naive_chance(naive_statistic(counts))).epsilon(1e-4));
    const auto among_three = over_represented(counts, 3);
    if (among_three) CHECK(among_three->p == Approx(3 * found->p));
    CHECK(among_three.has_value() == (3 * found->p < kComparedChanceMax));
  }
}

TEST_CASE("difference: shares, ratio and score", "[query]") {
  const auto found = over_represented({87, 100, 8, 100}, 10);
  REQUIRE(found);
  CHECK(found->target_share == 0.87);
  CHECK(found->reference_share == 0.08);
  CHECK(found->ratio == Approx(0.87 / (8.5 / 101)));
  CHECK(found->score == Approx((0.87 - 8.5 / 101) * std::log2(found->ratio)));
}

TEST_CASE("difference: a value that is missing in the reference has a finite ratio", "[query]") {
  const auto found = over_represented({50, 100, 0, 1'000}, 10);
  REQUIRE(found);
  CHECK(found->reference_share == 0);
  CHECK(found->ratio == Approx(0.5 * 1'001 / 0.5));
}

TEST_CASE("difference: a difference may be too small, or due to chance", "[query]") {
  CHECK_FALSE(over_represented({1'400, 10'000, 1'000, 10'000}, 1));  // 1.4 times
  CHECK(over_represented({1'600, 10'000, 1'000, 10'000}, 1));
  CHECK_FALSE(over_represented({5, 10, 25, 100}, 1));    // twice, but of 10 rows
  CHECK_FALSE(over_represented({10, 100, 80, 100}, 1));  // less often
  CHECK_FALSE(over_represented({100, 100, 100, 100}, 1));
}

TEST_CASE("difference: with equal shares, hardly anything is reported", "[query]") {
  std::mt19937_64 random(11);
  int reported = 0;
  constexpr int kTrials = 2'000;
  for (int trial = 0; trial < kTrials; ++trial) {
    // 20 values, each with a twentieth of 200 target rows and of 2,000 reference rows.
    std::array<ValueCounts, 20> values{};
    for (ValueCounts& each : values) each = {0, 200, 0, 2'000};
    for (int i = 0; i < 200; ++i) ++values[random() % 20].target;
    for (int i = 0; i < 2'000; ++i) ++values[random() % 20].reference;
    for (const ValueCounts& each : values) {
      if (is_frequent(each) && over_represented(each, 20)) {
        ++reported;
        break;
      }
    }
  }
  CHECK(reported <= kTrials / 100);
}

TEST_CASE("difference: which columns and values are compared", "[query]") {
  CHECK_FALSE(is_comparable_column(4, 1'000, 2));
  CHECK_FALSE(is_comparable_column(1'000, 4, 2));
  CHECK(is_comparable_column(5, 5, 2));
  CHECK(is_comparable_column(10, 10, 20));           // too few rows to tell
  CHECK_FALSE(is_comparable_column(100, 100, 181));  // nearly all are different
  CHECK(is_comparable_column(100, 100, 180));
  CHECK_FALSE(is_frequent({4, 10, 0, 100}));
  CHECK_FALSE(can_be_reported({2, 10, 2, 100}));
  CHECK(can_be_reported({2, 10, 3, 100}));
  CHECK(is_frequent({5, 250, 0, 100}));
  CHECK_FALSE(is_frequent({5, 251, 0, 100}));  // less than 2 %
}
