// Means: of the last days, and of the same time on earlier ones.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "query/series/median.h"
#include "query/usual/chance.h"
#include "query/usual/spans.h"
#include "query/usual/unusual.h"

namespace tocsin {
namespace {

constexpr double kValuesEnough = 400;  // a span with that many values is long enough
constexpr double kValuesMin = 5;
/// The mean of measured logarithms varies at least this much (a standard deviation).
constexpr double kMeanDeviationMin = 0.03;
constexpr int64_t kMeanDays = 3, kDeviationDays = 7, kDeviationSpansMax = 200;

struct MeanJudge {
  const Past& past;

  double mean_of(int64_t end, int64_t length) const {
    const SpanSum sum = past.sum(end, length);
    return sum.known && sum.of > 0 ? sum.value / sum.of : NAN;
  }

  Bounds usual_at(int64_t end, int64_t length) const {
    Bounds usual;
    for (const DaySum& day : last_days(past, end, length, kMeanDays)) {
      if (day.of > 0) usual.add(day.value / day.of);
    }
    std::vector<double> same;
    const Comparable comparable = comparable_spans(past, end, length);
    for (const int64_t when : comparable.best()) {
      const double mean = mean_of(when, length);
      if (!std::isnan(mean)) same.push_back(mean);
    }
    if (same.size() >= 3) usual.add(median_of(std::move(same)));
    return usual;
  }

  struct Deviation {
    double value = 0;
    double samples = 0;  ///< 0: unknown
  };

  /// The deviation of means of `events` events in spans of this length.
  Deviation deviation(int64_t end, int64_t length, double events) const {
    std::vector<double> means, counts;
    for_each_earlier_span(past, end, length, kDeviationDays, kDeviationSpansMax,
                          [&](int64_t, const SpanSum& sum) {
                            if (sum.of <= 0) return;
                            means.push_back(sum.value / sum.of);
                            counts.push_back(sum.of);
                          });
    const auto samples = static_cast<double>(means.size());
    if (means.size() < kNoiseSpansMin / 2) return {};
    const double middle = median_of(means);
    std::vector<double> scaled;
    for (size_t i = 0; i < means.size(); ++i)
      scaled.push_back((means[i] - middle) * std::sqrt(counts[i]));
    const double of_span = spread_of(std::move(means));
    const double of_event = spread_of(std::move(scaled));
    return {std::max({of_span, of_event / std::sqrt(events), kMeanDeviationMin}), samples};
  }

  Judgement judge(int64_t length) const {
    const int64_t end = past.now();
    const SpanSum sum = past.newest(length);
    if (!sum.known || sum.of < kValuesMin) return {};
    const Bounds usual = usual_at(end, length);
    const Deviation spread = usual.empty() ? Deviation() : deviation(end, length, sum.of);
    if (spread.samples == 0) return {};
    Judgement judgement;
    judgement.basis = Basis::kDays;
    judgement.span = length * past.slots().step();
    judgement.observed = sum.value / sum.of;
    judgement.usual = usual.nearest(judgement.observed);
    judgement.surprise =
        surprise_of_deviation(std::fabs(judgement.observed - judgement.usual) / spread.value,
                              std::min(spread.samples, sum.of));
    return judgement;
  }

  /// The surprise is that of a normal distribution with the mean's deviation, which the square
  /// root of the number of values divides.
  double evidence_of_usual(const Judgement& longer, int64_t length) const {
    const SpanSum sum = past.newest(length);
    if (!sum.known || sum.of <= 0) return 0;
    const double part = sum.of / past.newest(longer.span / past.slots().step()).of;
    const double far = longer.observed - longer.usual;
    if (far == 0) return 0;
    const double mean = (sum.value / sum.of - longer.usual) / far;  // 0 is usual, 1 as observed
    return (1 - 2 * mean) * part * longer.surprise * std::numbers::ln10;
  }
  bool goes_on(const Judgement&, int64_t length) const { return past.newest(length).of > 0; }
  bool is_enough(const Judgement& judgement) const {
    return past.newest(judgement.span / past.slots().step()).of >= kValuesEnough;
  }
};

}  // namespace

Judgement judge_mean(const Past& past) { return judge_spans(MeanJudge{past}, past); }

}  // namespace tocsin
