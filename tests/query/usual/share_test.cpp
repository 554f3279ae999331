#include <algorithm>

#include <catch2/catch.hpp>

#include "query/usual/unusual.h"
#include "series.h"

using namespace tocsin;

TEST_CASE("unusual: a steady share never is, one that rises is, and nothing once it is over",
          "[query]") {
  for (const double rate : {4.0, 100.0}) {
    for (const double share : {0.002, 0.02, 0.3}) {
      INFO(rate << " trials in a window, " << share << " hits");
      const double raised = std::max(5 * share, 0.2);
      const Duration duration = rate < 10 ? 6 * kHour : 2 * kHour;
      const auto series = SampleSeries(kSampleEnd + kDay, 60 * kDay, kSampleStep)
                              .shares(11, daily(rate), [&](Timestamp at) {
                                return at >= kSampleEnd - duration && at < kSampleEnd
                                           ? std::min(raised, 0.9)
                                           : share;
                              });
      std::vector<Timestamp> before = random_moments(12, 28);
      for (Timestamp& moment : before) moment -= duration + kSampleStep;
      for (const Timestamp moment : before)
        CHECK(at(series, moment, judge_share).surprise < kAlarm);
      const Judgement during = at(series, kSampleEnd, judge_share);
      CHECK(during.surprise >= kAlarm);
      CHECK(during.observed > 1.5 * during.usual);
      CHECK(at(series, kSampleEnd + 2 * duration, judge_share).surprise < kAlarm);
    }
  }
}

TEST_CASE("unusual: a share of nothing is not judged", "[query]") {
  SampleSeries series(kSampleEnd, 28 * kDay, kSampleStep);
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

TEST_CASE("unusual: what an alert reported before is not judged again", "[query]") {
  const auto judged = [](Duration ago) {
    const Timestamp end = kSampleEnd - ago;
    auto series =
        SampleSeries(kSampleEnd, 60 * kDay, kSampleStep).shares(15, daily(6), [&](Timestamp at) {
          return at >= end - 6 * kHour && at < end ? 0.5 : 0.01;
        });
    for (size_t i = series.window_at(end - 6 * kHour); i < series.window_at(end); ++i)
      series.excluded[i] = 1;
    series.values.back() += 1;  // a single hit now
    series.of.back() += 1;
    return at(series, kSampleEnd, judge_share);
  };
  CHECK(judged(0 * kHour).surprise >= kAlarm);  // the alert still fires
  for (const Duration ago : {kHour, 3 * kHour, 8 * kHour}) {
    INFO(ago / kHour << " hours later");
    CHECK(judged(ago).surprise < kAlarm);
    CHECK(judged(ago).span <= ago);
  }
}

TEST_CASE("unusual: a span whose newest part is as usual is over", "[query]") {
  const auto series = SampleSeries(kSampleEnd + kDay, 60 * kDay, kSampleStep)
                          .shares(
                              16, [](Timestamp) { return 3.0; },
                              [](Timestamp at) {
                                if (at >= kSampleEnd) return 0.0;
                                return at >= kSampleEnd - 6 * kHour ? 0.5 : 0.01;
                              });
  CHECK(at(series, kSampleEnd, judge_share).surprise >= kAlarm);
  for (Timestamp end = kSampleEnd + kHour; end <= kSampleEnd + kDay; end += kHour) {
    INFO((end - kSampleEnd) / kHour << " hours later");
    CHECK(at(series, end, judge_share).surprise < kAlarm);
  }
}
