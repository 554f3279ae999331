#include <cmath>

#include <catch2/catch.hpp>

#include "query/usual/unusual.h"
#include "series.h"

using namespace tocsin;

TEST_CASE("unusual: a steady count never is, whatever its size", "[query]") {
  for (const double peak : {0.3, 3.0, 40.0, 5'000.0}) {
    INFO("at most " << peak << " events in a window");
    const auto series = SampleSeries(kSampleEnd, 60 * kDay, kSampleStep).counts(1, daily(peak));
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
          SampleSeries(kSampleEnd + kDay, 60 * kDay, kSampleStep).counts(4, [&](Timestamp at) {
            return usual(at) * (at >= kSampleEnd - duration && at < kSampleEnd ? factor : 1);
          });
      CHECK(at(series, kSampleEnd - duration, judge_count).surprise < kAlarm);
      const Judgement during = at(series, kSampleEnd, judge_count);
      CHECK(during.surprise >= kAlarm);
      CHECK(during.basis == Basis::kWeeks);
      CHECK(during.observed / during.usual == Approx(factor).epsilon(0.35));
      CHECK(during.span <= duration);
      CHECK(at(series, kSampleEnd + kHour, judge_count).surprise < kAlarm);
    }
  }
}

TEST_CASE("unusual: growth, decline, quiet weekends and office hours are not", "[query]") {
  const auto check = [](const char* what, auto rate) {
    INFO(what);
    const auto series = SampleSeries(kSampleEnd, 60 * kDay, kSampleStep).counts(5, rate);
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
  const Timestamp change = kSampleEnd - 30 * kHour;
  auto series = SampleSeries(kSampleEnd, 60 * kDay, kSampleStep).counts(8, [&](Timestamp at) {
    return usual(at) * (at >= change ? 2 : 1);
  });
  CHECK(at(series, change + kHour, judge_count).surprise >= kAlarm);
  CHECK(at(series, kSampleEnd, judge_count).surprise < kAlarm);
  for (size_t i = series.window_at(change); i < series.starts.size(); ++i) series.excluded[i] = 1;
  const Judgement excluded = at(series, kSampleEnd, judge_count);
  CHECK(excluded.surprise >= kAlarm);
  CHECK(excluded.observed / excluded.usual == Approx(2).epsilon(0.25));
}

TEST_CASE("unusual: the basis follows from how much is known", "[query]") {
  const auto series = SampleSeries(kSampleEnd, 60 * kDay, kSampleStep).counts(9, daily(200));
  const auto judged = [&](Duration depth) {
    return series.until(kSampleEnd, depth).judged(judge_count);
  };
  CHECK(judged(28 * kDay).basis == Basis::kWeeks);
  CHECK(judged(10 * kDay).basis == Basis::kDays);
  CHECK(judged(kDay).basis == Basis::kHours);
  const Judgement nothing = judged(kSampleStep);
  CHECK(nothing.basis == Basis::kNone);
  CHECK(std::isnan(nothing.observed));
  CHECK(std::isnan(nothing.usual));
  CHECK(std::isnan(nothing.surprise));
  CHECK(nothing.span == 0);
}

TEST_CASE("unusual: a window that was not collected is not judged", "[query]") {
  auto series = SampleSeries(kSampleEnd, 29 * kDay, kSampleStep).counts(10, daily(5'000));
  std::ranges::fill(series.values.end() - 8, series.values.end(), 0.0);
  CHECK(series.judged(judge_count).surprise >= kAlarm);
  std::ranges::fill(series.collected.end() - 8, series.collected.end(), uint8_t{0});
  const Judgement judgement = series.judged(judge_count);
  CHECK((std::isnan(judgement.surprise) || judgement.surprise < kAlarm));
}
