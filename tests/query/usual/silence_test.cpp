#include "query/usual/silence.h"

#include <random>

#include <catch2/catch.hpp>

#include "series.h"

using namespace tocsin;

namespace {

constexpr Duration kSilenceStep = 5 * kMinute;

bool is_silent(const Silence& silence) {
  return silence.usual >= 0 && silence.windows > silence.usual;
}

/// The first end of a window from `from` on at which the silence is unusual; 0: never up to `to`.
Timestamp first_alarm(const SampleSeries& series, Timestamp from, Timestamp to,
                      Duration stride = kSilenceStep, Duration depth = 35 * kDay) {
  for (Timestamp end = from; end <= to; end += stride) {
    if (is_silent(series.until(end, depth).judged(judge_silence))) return end;
  }
  return 0;
}

int64_t hour_of(Timestamp time) { return (time / kHour) % 24; }

}  // namespace

TEST_CASE("silence: a steady group is silent once 16 usual events are missing", "[query]") {
  SampleSeries series(kSampleMonday, 29 * kDay, kSilenceStep);
  std::ranges::fill(series.values, 10.0);
  CHECK(series.judged(judge_silence).windows == 0);
  CHECK_FALSE(is_silent(series.judged(judge_silence)));
  series.values.back() = 0;
  const Silence one = series.judged(judge_silence);
  CHECK(one.windows == 1);
  CHECK(one.usual == 1);
  CHECK(one.missed == Approx(10).epsilon(0.01));
  CHECK(one.basis == Basis::kWeeks);
  CHECK_FALSE(is_silent(one));
  series.values[series.values.size() - 2] = 0;
  CHECK(is_silent(series.judged(judge_silence)));
}

TEST_CASE("silence: a quiet group is never silent by chance, and found when it dies", "[query]") {
  const Timestamp death = kSampleMonday + 14 * kDay;
  for (const double per_hour : {0.5, 2.0, 12.0}) {
    INFO(per_hour << " events per hour");
    SampleSeries series(death + 7 * kDay, 63 * kDay, kSilenceStep);
    series.counts(7, [&](Timestamp at) { return at < death ? per_hour / 12 : 0; });
    CHECK(first_alarm(series, death - 20 * kDay, death,
                      97 * kMinute / kSilenceStep * kSilenceStep) == 0);
    const Timestamp found = first_alarm(series, death, death + 5 * kDay, kHour);
    CHECK(found > death);
    CHECK(found <= death + static_cast<Duration>(32 / per_hour * static_cast<double>(kHour)));
  }
}

TEST_CASE("silence: nights and weekends are usual for office hours, a missing Monday is not",
          "[query]") {
  const Timestamp monday = kSampleMonday + 14 * kDay;
  SampleSeries series(monday + 2 * kDay, 63 * kDay, kSilenceStep);
  series.counts(3, [&](Timestamp at) {
    return at < monday && !is_sample_weekend(at) && hour_of(at) >= 9 && hour_of(at) < 17 ? 5.0
                                                                                         : 0.0;
  });
  CHECK(first_alarm(series, monday - 10 * kDay, monday + 9 * kHour, 20 * kMinute) == 0);
  const Timestamp found = first_alarm(series, monday + 9 * kHour, monday + 17 * kHour);
  CHECK(found > monday + 9 * kHour);
  CHECK(found <= monday + 14 * kHour);
}

TEST_CASE("silence: a nightly batch that does not come is found, between two runs nothing is",
          "[query]") {
  const Timestamp missing = kSampleMonday + 16 * kDay + 2 * kHour;
  for (const bool punctual : {true, false}) {
    INFO((punctual ? "punctual" : "within 15 minutes"));
    SampleSeries series(missing + kDay, 63 * kDay, kSilenceStep);
    for (Timestamp run = missing - 60 * kDay; run < missing; run += kDay) {
      const Duration late = punctual ? 0 : run / kDay % 3 * kSilenceStep;
      series.values[series.window_at(run + late)] = punctual ? 20 : 200;
    }
    CHECK(first_alarm(series, missing - 6 * kDay, missing, 15 * kMinute) == 0);
    const Timestamp found = first_alarm(series, missing, missing + kDay);
    CHECK(found > missing + (punctual ? 0 : 2 * kSilenceStep));
    CHECK(found <= missing + 6 * kHour);
  }
}

TEST_CASE("silence: a weekly batch that does not come is found", "[query]") {
  const Timestamp missing = kSampleMonday + 21 * kDay + 4 * kHour;
  SampleSeries series(missing + 4 * kDay, 63 * kDay, kSilenceStep);
  for (Timestamp run = missing - 56 * kDay; run < missing; run += 7 * kDay)
    series.values[series.window_at(run)] = 200;
  CHECK(first_alarm(series, missing - 14 * kDay, missing, kHour) == 0);
  const Timestamp found = first_alarm(series, missing, missing + 3 * kDay, 30 * kMinute);
  CHECK(found > missing + kSilenceStep);
  CHECK(found <= missing + kDay);
}

TEST_CASE("silence: of what never or hardly ever occurred nothing is known", "[query]") {
  SampleSeries series(kSampleMonday, 28 * kDay, kSilenceStep);
  const Silence never = series.judged(judge_silence);
  CHECK(never.usual == -1);
  CHECK(never.windows == static_cast<int64_t>(series.starts.size()));
  CHECK(never.basis == Basis::kNone);
  CHECK(never.missed == 0);

  series.values[series.values.size() / 2] = 30;  // a single time
  CHECK_FALSE(is_silent(series.judged(judge_silence)));

  SampleSeries one(kSampleMonday, kSilenceStep, kSilenceStep);
  REQUIRE(one.starts.size() == 1);
  CHECK(one.judged(judge_silence).usual == -1);
  one.values[0] = 3;
  CHECK(one.judged(judge_silence).windows == 0);
  CHECK(one.judged(judge_silence).usual == -1);

  SampleSeries young(kSampleMonday, kDay, kSilenceStep);
  std::ranges::fill(young.values, 10.0);
  young.values.back() = 0;
  CHECK(young.judged(judge_silence).usual == -1);
}

TEST_CASE("silence: a time without any collected event does not count as usual silence",
          "[query]") {
  SampleSeries series(kSampleMonday + 12 * kHour, 29 * kDay, kSilenceStep);
  std::ranges::fill(series.values, 10.0);
  const size_t outage = series.window_at(kSampleMonday + 12 * kHour - 7 * kDay - kHour);
  for (size_t i = outage; i < outage + 36; ++i) series.values[i] = 0;
  series.values[series.values.size() - 1] = series.values[series.values.size() - 2] = 0;
  const Silence observed = series.judged(judge_silence);
  CHECK(observed.usual >= 24);  // as if the group had been silent then
  for (size_t i = outage; i < outage + 36; ++i) series.collected[i] = 0;
  CHECK(series.judged(judge_silence).usual == 1);
  for (size_t i = outage; i < outage + 36; ++i) {
    series.collected[i] = 1;
    series.excluded[i] = 1;
  }
  CHECK(series.judged(judge_silence).usual == 1);
}
