#include "query/series/history.h"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

template <class F>
SeriesHistory history_of(int64_t count, int64_t slots_max, F value) {
  SeriesHistory history(slots_max);
  history.begin(100);
  for (int64_t i = 0; i < count; ++i) history.append(value(i));
  return history;
}

}  // namespace

TEST_CASE("history: keeps the last buckets", "[query]") {
  const auto history = history_of(25, 10, [](int64_t i) { return i; });
  CHECK(history.end() == 125);
  CHECK(history.start() == 115);
  CHECK(history.age() == 25);
  CHECK(history.at(124) == 24);
  CHECK(history.at(115) == 15);
  CHECK(std::isnan(history.at(114)));
  CHECK(std::isnan(history.at(125)));
}

TEST_CASE("history: the usual value is that of the same phase, without extremes", "[query]") {
  const auto value = [](int64_t i) { return i == 24 ? 1000.0 : i % 24; };
  const auto history = history_of(8 * 24, 700, value);
  CHECK(history.usual(history.end() + 12, 24, false) == Approx(12));
  CHECK(history.usual(100 + 24 + 2, 24, true) == Approx(2));  // from the days around it
  CHECK(std::isnan(history.usual(105, 24, false)));
  const auto gaps = history_of(48, 700, [](int64_t) { return kUnknown; });
  CHECK(std::isnan(gaps.usual(gaps.end(), 24, false)));
}

TEST_CASE("history: finds the season of a day or a week", "[query]") {
  const auto season = [](int64_t days, auto value) {
    return history_of(days * 24, 28 * 24, value).find_season(24);
  };
  const auto wave = [](int64_t i) { return 10 + std::sin(static_cast<double>(i) * 6.2832 / 24); };
  const auto noise = [](int64_t i) { return static_cast<double>(i * i * 7919 % 1009); };
  const auto week = [&](int64_t i) { return i / 24 % 7 < 5 ? 10 * wave(i) : wave(i); };
  CHECK(season(2, wave) == 0);
  CHECK(season(4, wave) == 24);
  CHECK(season(20, wave) == 24);
  CHECK(season(14, week) != 7 * 24);
  CHECK(season(21, week) == 7 * 24);
  CHECK(season(21, noise) == 0);
  CHECK(season(21, [](int64_t) { return 5.0; }) == 0);
}
