#include <catch2/catch.hpp>

#include "query/usual/unusual.h"
#include "series.h"

using namespace tocsin;

TEST_CASE("unusual: a steady mean never is, one that rises is, and nothing once it is over",
          "[query]") {
  for (const double rate : {8.0, 200.0}) {
    INFO(rate << " values in a window");
    const Duration duration = rate < 20 ? 4 * kHour : 2 * kHour;
    const double rise = rate < 20 ? 1.2 : 0.7;
    const auto series =
        SampleSeries(kSampleEnd + kDay, 60 * kDay, kSampleStep)
            .means(
                13, daily(rate),
                [&](Timestamp at) {
                  return 4.5 + (at >= kSampleEnd - duration && at < kSampleEnd ? rise : 0);
                },
                0.8);
    std::vector<Timestamp> before = random_moments(14, 28);
    for (Timestamp& moment : before) moment -= duration + kSampleStep;
    for (const Timestamp moment : before) CHECK(at(series, moment, judge_mean).surprise < kAlarm);
    const Judgement during = at(series, kSampleEnd, judge_mean);
    CHECK(during.surprise >= kAlarm);
    CHECK(during.observed - during.usual == Approx(rise).margin(0.35));
    CHECK(at(series, kSampleEnd + 2 * duration, judge_mean).surprise < kAlarm);
  }
}
