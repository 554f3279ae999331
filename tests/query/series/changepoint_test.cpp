#include "query/series/changepoint.h"

#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

template <class F>
Change change_of(size_t count, F value) {
  std::mt19937 random(5);
  std::normal_distribution<> normal;
  std::vector<double> times;
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) {
    times.push_back(60.0 * static_cast<double>(i));
    values.push_back(value(static_cast<double>(i), normal(random)));
  }
  return find_change(times, values);
}

}  // namespace

TEST_CASE("change point: the mean changes", "[query]") {
  const Change change = change_of(80, [](double i, double e) { return (i < 50 ? 10 : 14) + e; });
  CHECK(change.type == ChangeType::kStep);
  CHECK(std::abs(static_cast<int>(change.index) - 50) <= 2);
  CHECK(change.before == Approx(10).margin(0.5));
  CHECK(change.after == Approx(14).margin(0.5));
  CHECK(change.p < 1e-6);
}

TEST_CASE("change point: the slope changes", "[query]") {
  const Change change =
      change_of(100, [](double i, double e) { return (i < 60 ? 0 : 60 * (i - 60) / 40) + e; });
  CHECK(change.type == ChangeType::kTrend);
  CHECK(change.before == Approx(0).margin(0.005));
  CHECK(change.after == Approx(1.5 / 60).epsilon(0.2));  // per second
}

TEST_CASE("change point: the spread changes", "[query]") {
  const Change change = change_of(120, [](double i, double e) { return 5 + (i < 60 ? 1 : 6) * e; });
  CHECK(change.type == ChangeType::kDistribution);
  CHECK(change.before == Approx(1).epsilon(0.4));
  CHECK(change.after == Approx(6).epsilon(0.4));
}

TEST_CASE("change point: one extreme value is a spike or a dip, not a step", "[query]") {
  const auto with = [](double extreme) {
    return change_of(60, [=](double i, double e) { return i == 33 ? extreme : 10 + e; });
  };
  CHECK(with(60).type == ChangeType::kSpike);
  CHECK(with(60).index == 33);
  CHECK(with(60).after == 60);
  CHECK(with(-40).type == ChangeType::kDip);
}

TEST_CASE("change point: a step beside a spike is found", "[query]") {
  const Change change =
      change_of(80, [](double i, double e) { return i == 10 ? 25 : (i < 50 ? 10 : 30) + e; });
  CHECK(change.type == ChangeType::kStep);
  CHECK(std::abs(static_cast<int>(change.index) - 50) <= 1);
}

TEST_CASE("change point: noise, a line and a constant do not change", "[query]") {
  CHECK(change_of(100, [](double, double e) { return e; }).type == ChangeType::kNone);
  CHECK(change_of(100, [](double i, double e) { return 3 * i + e; }).type == ChangeType::kNone);
  CHECK(change_of(100, [](double, double) { return 7.0; }).type == ChangeType::kNone);
  CHECK(change_of(100, [](double i, double) { return 2 * i; }).type == ChangeType::kNone);
}

TEST_CASE("change point: 22 values are needed", "[query]") {
  const auto step = [](double i, double e) { return (i < 11 ? 0 : 100) + e; };
  CHECK(change_of(21, step).type == ChangeType::kUnknown);
  CHECK(change_of(22, step).type == ChangeType::kStep);
  // Steps without any noise have p 0.
  CHECK(change_of(40, [](double i, double) { return i < 20 ? 1.0 : 2.0; }).type ==
        ChangeType::kStep);
}
