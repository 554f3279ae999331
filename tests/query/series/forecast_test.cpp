#include "query/series/forecast.h"

#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

template <class F>
std::vector<double> series(int count, F value) {
  std::mt19937 random(5);
  std::normal_distribution<> normal;
  std::vector<double> out;
  for (int i = 0; i < count; ++i) out.push_back(value(i, normal(random)));
  return out;
}

}  // namespace

TEST_CASE("forecast: a line goes on", "[query]") {
  const auto points = forecast_series(series(50, [](int i, double) { return 3.0 * i + 1; }), 0, 10);
  REQUIRE(points.size() == 10);
  CHECK(points[0].expected == Approx(151));
  CHECK(points[9].expected == Approx(178));
  CHECK(points[9].lower == Approx(178));
  CHECK(points[9].upper == Approx(178));
}

TEST_CASE("forecast: a season goes on, with growth", "[query]") {
  const auto value = [](int i, double) { return 100 + 0.5 * i + (i % 24 == 3 ? 40 : 0); };
  const auto points = forecast_series(series(24 * 6, value), 24, 48);
  for (int ahead = 0; ahead < 48; ++ahead) {
    CHECK(points[static_cast<size_t>(ahead)].expected == Approx(value(24 * 6 + ahead, 0)));
  }
}

TEST_CASE("forecast: nearly all later values are within the bounds", "[query]") {
  const auto values =
      series(24 * 12, [](int i, double e) { return 50 + 20 * std::sin(i * 6.2832 / 24) + 3 * e; });
  const auto points = forecast_series(std::span(values).first(24 * 10), 24, 48);
  int within = 0;
  for (size_t i = 0; i < 48; ++i) {
    within += points[i].lower <= values[24 * 10 + i] && values[24 * 10 + i] <= points[i].upper;
  }
  CHECK(within >= 42);
  CHECK(points[0].upper - points[0].lower < 30);
}

TEST_CASE("forecast: gaps and outliers matter little, too few values say nothing", "[query]") {
  auto values = series(100, [](int i, double) { return 10.0 + 0.1 * i; });
  values[40] = 1e6;
  for (size_t i = 95; i < 100; ++i) values[i] = kMissing;
  CHECK(forecast_series(values, 0, 1)[0].expected == Approx(20).epsilon(0.01));
  CHECK(forecast_series(std::vector<double>{1, 2, 3}, 0, 5).empty());
  CHECK(forecast_series({}, 0, 5).empty());
  CHECK(forecast_series(values, 0, 0).empty());
}
