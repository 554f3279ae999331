// Shares: of the last days.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "query/series/median.h"
#include "query/usual/chance.h"
#include "query/usual/spans.h"
#include "query/usual/unusual.h"

namespace tocsin {
namespace {

constexpr double kHitsEnough = 30;  // usual hits; a span with that many is long enough
constexpr double kTrialsMin = 20;
constexpr int64_t kShareDays = 7, kShareSpansMax = 200;

struct ShareJudge {
  const Past& past;

  /// What is usual: the last day and the last three days, or, where that is more, the same time on
  /// the last days. `trials` says how much is known.
  struct Usual {
    Bounds share;
    double trials = 0;
  };

  Usual usual_at(int64_t end, int64_t length) const {
    Usual usual;
    DaySum total;
    int64_t days = 0;
    for (const DaySum& day : last_days(past, end, length, kShareDays)) {
      total.value += day.value;
      total.of += day.of;
      ++days;
      if ((days == 1 || days == 3 || days == kShareDays) && total.of > 0)
        usual.share.add(total.value / total.of);
    }
    usual.trials = total.of;
    std::vector<double> same;
    for (int64_t day = 1; day <= kShareDays; ++day) {
      const SpanSum sum = past.sum(end - day * past.slots().per_day() + length / 2, 2 * length);
      if (sum.known && sum.of > 0) same.push_back(sum.value / sum.of);
    }
    if (same.size() >= 3) usual.share.add(median_of(std::move(same)));
    return usual;
  }

  /// How much more hits vary from span to span than chance alone explains; at least 1.
  double dispersion(int64_t end, int64_t length, double share) const {
    if (share <= 0 || share >= 1) return 1;
    std::vector<double> squares;
    for_each_earlier_span(past, end, length, kShareDays, kShareSpansMax,
                          [&](int64_t, const SpanSum& sum) {
                            if (sum.of * share < 1) return;
                            const double off = sum.value - sum.of * share;
                            squares.push_back(off * off / (sum.of * share * (1 - share)));
                          });
    return dispersion_of(std::move(squares));
  }

  Judgement judge(int64_t length) const {
    const int64_t end = past.now();
    const SpanSum sum = past.newest(length);
    if (!sum.known || sum.of <= 0) return {};
    const Usual usual = usual_at(end, length);
    if (usual.share.empty() || usual.trials < kTrialsMin) return {};
    Judgement judgement;
    judgement.basis = Basis::kDays;
    judgement.span = length * past.slots().step();
    judgement.observed = sum.value / sum.of;
    judgement.usual = usual.share.nearest(judgement.observed);
    const double divisor = dispersion(end, length, judgement.usual);
    const ShareModel model{judgement.usual * usual.trials / divisor, usual.trials / divisor};
    const double hits = sum.value / divisor, trials = sum.of / divisor;
    judgement.surprise = judgement.observed > judgement.usual
                             ? surprise_of_high_share(model, hits, trials)
                             : surprise_of_low_share(model, hits, trials);
    return judgement;
  }

  double evidence_of_usual(const Judgement& longer, int64_t length) const {
    const SpanSum sum = past.newest(length);
    if (!sum.known) return 0;
    const auto possible = [](double share) { return std::clamp(share, 1e-6, 1 - 1e-6); };
    const double usual = possible(longer.usual), observed = possible(longer.observed);
    return sum.value * std::log(usual / observed) +
           (sum.of - sum.value) * std::log((1 - usual) / (1 - observed));
  }
  bool is_enough(const Judgement& judgement) const {
    const double trials = past.newest(judgement.span / past.slots().step()).of;
    return trials * judgement.usual >= kHitsEnough;
  }
  /// Whether the newest part has any of the hits that are too many.
  bool goes_on(const Judgement& judgement, int64_t length) const {
    return judgement.observed < judgement.usual || past.newest(length).value > 0;
  }
};

}  // namespace

Judgement judge_share(const Past& past) { return judge_spans(ShareJudge{past}, past); }

}  // namespace tocsin
