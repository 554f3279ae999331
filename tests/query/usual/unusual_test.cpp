#include "query/usual/unusual.h"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "series.h"

using namespace tocsin;

namespace {

constexpr Duration kUnusualStep = 15 * kMinute;
constexpr double kAlarm = 6;
const Timestamp kEnd = kSampleMonday + 16 * kDay + 14 * kHour;  // Wednesday, 14:00

/// Night and day, at most `peak` events in a window.
auto daily(double peak) {
  return [peak](Timestamp at) {
    const double hours = static_cast<double>(at % kDay) / static_cast<double>(kHour);
    return peak * (0.55 - 0.45 * std::cos((hours - 2) / 24 * 2 * M_PI));
  };
}

/// The moments at which a series is judged: within the four weeks before `kEnd`.
std::vector<Timestamp> random_moments(unsigned seed, int count) {
  std::mt19937 random(seed);
  std::vector<Timestamp> moments;
  for (int i = 0; i < count; ++i)
    moments.push_back(kEnd -
                      static_cast<Duration>(random() % (28 * kDay / kUnusualStep)) * kUnusualStep);
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

}  // namespace

TEST_CASE("unusual: a steady count never is, whatever its size", "[query]") {
  for (const double peak : {0.3, 3.0, 40.0, 5'000.0}) {
    INFO("at most " << peak << " events in a window");
    const auto series = SampleSeries(kEnd, 60 * kDay, kUnusualStep).counts(1, daily(peak));
    CHECK(worst(series, judge_count, random_moments(2, 28)) < kAlarm);
  }
}

TEST_CASE("unusual: a threefold count is, and a third, and nothing once it is over", "[query]") {
  for (const double peak : {20.0, 400.0, 50'000.0}) {
    for (const double factor : {3.0, 1.0 / 3}) {
      INFO("at most " << peak << " events in a window, times " << factor);
      const Duration duration = peak < 100 ? 3 * kHour : kHour;
      const auto usual = daily(peak);
      const auto series =
          SampleSeries(kEnd + kDay, 60 * kDay, kUnusualStep).counts(4, [&](Timestamp at) {
            return usual(at) * (at >= kEnd - duration && at < kEnd ? factor : 1);
          });
      CHECK(at(series, kEnd - duration, judge_count).surprise < kAlarm);
      const Judgement during = at(series, kEnd, judge_count);
      CHECK(during.surprise >= kAlarm);
      CHECK(during.basis == Basis::kWeeks);
      CHECK(during.observed / during.usual == Approx(factor).epsilon(0.35));
      CHECK(during.span <= duration);
      CHECK(at(series, kEnd + kHour, judge_count).surprise < kAlarm);
    }
  }
}

TEST_CASE("unusual: growth, decline, quiet weekends and office hours are not", "[query]") {
  const auto check = [](const char* what, auto rate) {
    INFO(what);
    const auto series = SampleSeries(kEnd, 60 * kDay, kUnusualStep).counts(5, rate);
    CHECK(worst(series, judge_count, random_moments(6, 40)) < kAlarm);
  };
  const auto usual = daily(300);
  const auto day_of = [](Timestamp at) {
    return static_cast<double>(at - kSampleMonday) / static_cast<double>(kDay);
  };
  check("growth", [&](Timestamp at) { return usual(at) * std::pow(1.02, day_of(at)); });
  check("decline", [&](Timestamp at) { return usual(at) * std::pow(0.98, day_of(at)); });
  check("weekend", [&](Timestamp at) { return usual(at) * (is_sample_weekend(at) ? 0.15 : 1); });
  check("office hours", [&](Timestamp at) {
    const int64_t hour = at / kHour % 24;
    return !is_sample_weekend(at) && hour >= 8 && hour < 18 ? 200.0 : 2.0;
  });
}

TEST_CASE("unusual: a new level is usual after a day, unless alerts exclude it", "[query]") {
  const auto usual = daily(400);
  const Timestamp change = kEnd - 30 * kHour;
  auto series = SampleSeries(kEnd, 60 * kDay, kUnusualStep).counts(8, [&](Timestamp at) {
    return usual(at) * (at >= change ? 2 : 1);
  });
  CHECK(at(series, change + kHour, judge_count).surprise >= kAlarm);
  CHECK(at(series, kEnd, judge_count).surprise < kAlarm);
  for (size_t i = series.window_at(change); i < series.starts.size(); ++i) series.excluded[i] = 1;
  const Judgement excluded = at(series, kEnd, judge_count);
  CHECK(excluded.surprise >= kAlarm);
  CHECK(excluded.observed / excluded.usual == Approx(2).epsilon(0.25));
}

TEST_CASE("unusual: the basis follows from how much is known", "[query]") {
  const auto series = SampleSeries(kEnd, 60 * kDay, kUnusualStep).counts(9, daily(200));
  const auto judged = [&](Duration depth) { return series.until(kEnd, depth).judged(judge_count); };
  CHECK(judged(28 * kDay).basis == Basis::kWeeks);
  CHECK(judged(10 * kDay).basis == Basis::kDays);
  CHECK(judged(kDay).basis == Basis::kHours);
  const Judgement nothing = judged(kUnusualStep);
  CHECK(nothing.basis == Basis::kNone);
  CHECK(std::isnan(nothing.observed));
  CHECK(std::isnan(nothing.usual));
  CHECK(std::isnan(nothing.surprise));
  CHECK(nothing.span == 0);
}

TEST_CASE("unusual: a window that was not collected is not judged", "[query]") {
  auto series = SampleSeries(kEnd, 29 * kDay, kUnusualStep).counts(10, daily(5'000));
  std::ranges::fill(series.values.end() - 8, series.values.end(), 0.0);
  CHECK(series.judged(judge_count).surprise >= kAlarm);
  std::ranges::fill(series.collected.end() - 8, series.collected.end(), uint8_t{0});
  const Judgement judgement = series.judged(judge_count);
  CHECK((std::isnan(judgement.surprise) || judgement.surprise < kAlarm));
}

TEST_CASE("unusual: a steady share never is, one that rises is, and nothing once it is over",
          "[query]") {
  for (const double rate : {4.0, 100.0}) {
    for (const double share : {0.002, 0.02, 0.3}) {
      INFO(rate << " trials in a window, " << share << " hits");
      const double raised = std::max(5 * share, 0.2);
      const Duration duration = rate < 10 ? 6 * kHour : 2 * kHour;
      const auto series =
          SampleSeries(kEnd + kDay, 60 * kDay, kUnusualStep)
              .shares(11, daily(rate), [&](Timestamp at) {
                return at >= kEnd - duration && at < kEnd ? std::min(raised, 0.9) : share;
              });
      std::vector<Timestamp> before = random_moments(12, 28);
      for (Timestamp& moment : before) moment -= duration + kUnusualStep;
      for (const Timestamp moment : before)
        CHECK(at(series, moment, judge_share).surprise < kAlarm);
      const Judgement during = at(series, kEnd, judge_share);
      CHECK(during.surprise >= kAlarm);
      CHECK(during.observed > 1.5 * during.usual);
      CHECK(at(series, kEnd + 2 * duration, judge_share).surprise < kAlarm);
    }
  }
}

TEST_CASE("unusual: a share of nothing is not judged", "[query]") {
  SampleSeries series(kEnd, 28 * kDay, kUnusualStep);
  CHECK(series.judged(judge_share).basis == Basis::kNone);
  CHECK(series.judged(judge_mean).basis == Basis::kNone);
  std::ranges::fill(series.of, 10.0);  // none hits, as ever
  CHECK(series.judged(judge_share).surprise < 0.1);
  series.values = series.of;  // all hit, as ever
  CHECK(series.judged(judge_share).surprise < 0.1);
  series.values.back() = 0;
  const Judgement none = series.judged(judge_share);
  CHECK(none.surprise >= kAlarm);
  CHECK(none.observed < none.usual);
}

TEST_CASE("unusual: a steady mean never is, one that rises is, and nothing once it is over",
          "[query]") {
  for (const double rate : {8.0, 200.0}) {
    INFO(rate << " values in a window");
    const Duration duration = rate < 20 ? 4 * kHour : 2 * kHour;
    const double rise = rate < 20 ? 1.2 : 0.7;
    const auto series =
        SampleSeries(kEnd + kDay, 60 * kDay, kUnusualStep)
            .means(
                13, daily(rate),
                [&](Timestamp at) { return 4.5 + (at >= kEnd - duration && at < kEnd ? rise : 0); },
                0.8);
    std::vector<Timestamp> before = random_moments(14, 28);
    for (Timestamp& moment : before) moment -= duration + kUnusualStep;
    for (const Timestamp moment : before) CHECK(at(series, moment, judge_mean).surprise < kAlarm);
    const Judgement during = at(series, kEnd, judge_mean);
    CHECK(during.surprise >= kAlarm);
    CHECK(during.observed - during.usual == Approx(rise).margin(0.35));
    CHECK(at(series, kEnd + 2 * duration, judge_mean).surprise < kAlarm);
  }
}
