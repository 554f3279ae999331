#include "query/usual/unusual.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "query/series/median.h"
#include "query/usual/chance.h"

namespace tocsin {
namespace {

constexpr std::array kSpans = {15 * kMinute, kHour, 3 * kHour, 6 * kHour, 12 * kHour, kDay};
constexpr double kSteadyFactor = 2;  // between counts of comparable spans
constexpr double kSureSurprise = 6;
/// A span with that many usual events, hits or values is long enough.
constexpr double kCountEnough = 200, kHitsEnough = 30, kValuesEnough = 400;
constexpr double kMedianCountMin = 10;
/// The rate of a count varies at least this much from day to day (a standard deviation), and the
/// mean of measured logarithms too.
constexpr double kRateDeviationMin = 0.06;
constexpr double kMeanDeviationMin = 0.03;
constexpr int64_t kLevelDays = 3;
constexpr Duration kRampReach = 15 * kMinute;
constexpr Duration kNoiseBack = 14 * kDay;
constexpr size_t kNoiseSpansMin = 20, kNoiseSpansMax = 400;
constexpr double kTellingCount = 4;  // fewer events tell nothing about a part of a span
constexpr double kCalmCount = 5;     // expected events below which a ratio says little

/// The lengths of the spans in slots, ascending.
std::vector<int64_t> span_lengths(const WindowSlots& slots) {
  std::vector<int64_t> lengths;
  for (const Duration span : kSpans) {
    const int64_t length = std::max<int64_t>((span + slots.step() / 2) / slots.step(), 1);
    if (lengths.empty() || length > lengths.back()) lengths.push_back(length);
  }
  return lengths;
}

struct Range {
  double low = INFINITY, high = -INFINITY;
  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  /// The nearest value in the range.
  double nearest(double value) const { return std::clamp(value, low, high); }
};

/// Robust standard deviation around the median.
double spread_of(std::vector<double> values) {
  const double middle = median_of(values);
  for (double& value : values) value = std::fabs(value - middle);
  return kMadToDeviation * median_of(std::move(values));
}

// --- counts ---

/// What is usual for a span, by the comparable spans alone.
struct Profile {
  Basis basis = Basis::kNone;
  Range count;
  double relative_variance = 0;  ///< of what is known of the count
  double middle() const { return (count.low + count.high) / 2; }
};

struct Center {
  double value = 0;
  double total = 0.5;  ///< half an event is added, so that what was never seen is possible
  bool steady = true;
};

/// A median, which single incidents do not change, or the mean where events are too few for one.
Center center_of(const Past& past, const std::vector<int64_t>& ends, int64_t length) {
  Center center;
  std::vector<double> counts;
  Range range;
  for (const int64_t at : ends) {
    counts.push_back(past.sum(at, length).value);
    center.total += counts.back();
    range.add(counts.back());
  }
  center.steady = range.high - 3 * std::sqrt(range.high) <= kSteadyFactor * range.low + 5;
  const double mean = center.total / static_cast<double>(counts.size());
  const double median = median_of(std::move(counts));
  center.value = median >= kMedianCountMin ? median : mean;
  return center;
}

/// The same weekday counts alone only if the weeks agree: one of few weeks may have a holiday or an
/// incident.
Profile profile_of(const Past& past, int64_t end, int64_t length) {
  const Comparable comparable = comparable_spans(past, end, length);
  Profile profile;
  profile.basis = comparable.basis();
  if (profile.basis == Basis::kNone) return profile;
  const Center center = center_of(past, comparable.best(), length);
  profile.count.add(center.value);
  profile.relative_variance = 1 / center.total;
  if (profile.basis == Basis::kWeeks && !center.steady && !comparable.days.empty()) {
    profile.count.add(center_of(past, comparable.days, length).value);
  }
  return profile;
}

/// By which factors the last days differed from what was usual for them. A new level is known when
/// an hour of it was not excluded.
Range levels_of(const Past& past, int64_t end, int64_t length) {
  const int64_t per_day = past.slots().per_day();
  const int64_t hour = std::max<int64_t>(kHour / past.slots().step(), 1);
  Range levels;
  for (int64_t day = 0; day < kLevelDays; ++day) {
    double actual = 0, usual = 0;
    const int64_t last = end - day * per_day - (day == 0 ? length : 0);
    for (int64_t at = last; at - hour >= end - (day + 1) * per_day; at -= hour) {
      const SpanSum sum = past.sum(at, hour);
      if (!sum.known) continue;
      const Profile profile = profile_of(past, at, hour);
      if (profile.basis == Basis::kNone || profile.basis == Basis::kHours) continue;
      actual += sum.value;
      usual += profile.middle();
    }
    if (usual > 0 || actual > 0) levels.add((actual + 10) / (usual + 10));
  }
  if (levels.empty()) levels.add(1);
  return levels;
}

/// How counts of spans of this length have differed from the usual.
struct Noise {
  double relative_variance = kRateDeviationMin * kRateDeviationMin;  ///< beyond that of Poisson
  Range seen{1, 1};  ///< factors that are nothing special; includes 1
};

/// A factor counts as usual if spans reach it on one of four days: bursts do, incidents and
/// holidays do not. Only what chance does not explain counts.
Noise noise_of(const Past& past, int64_t end, int64_t length) {
  struct Point {
    int64_t day;
    double count, usual;
  };
  const int64_t per_day = past.slots().per_day();
  const int64_t back = kNoiseBack / past.slots().step();
  const int64_t stride = std::max(length, back / static_cast<int64_t>(kNoiseSpansMax));
  std::vector<Point> points;
  std::vector<double> logs;
  double poisson = 0;
  for (int64_t at = end - length; at - length >= end - back; at -= stride) {
    const SpanSum sum = past.sum(at, length);
    if (!sum.known) continue;
    const Profile profile = profile_of(past, at, length);
    if (profile.basis == Basis::kNone || profile.middle() < kCalmCount) continue;
    points.push_back({(end - at) / per_day, sum.value, profile.count.nearest(sum.value)});
    logs.push_back(std::log((sum.value + 0.5) / (points.back().usual + 0.5)));
    poisson += 1 / points.back().usual;
  }
  Noise noise;
  if (logs.size() < kNoiseSpansMin) return noise;
  const double deviation = spread_of(logs);
  const double extra = deviation * deviation - poisson / static_cast<double>(logs.size());
  noise.relative_variance = std::max(noise.relative_variance, extra);
  std::vector<double> highs, lows;  // by day, the farthest factor
  int64_t day = -1;
  for (const Point& point : points) {
    if (point.day != day) {
      day = point.day;
      highs.push_back(1);
      lows.push_back(1);
    }
    const double reach =
        3 * std::sqrt(point.usual + noise.relative_variance * point.usual * point.usual);
    highs.back() = std::max(highs.back(), point.count / (point.usual + reach));
    if (point.usual > reach)
      lows.back() = std::min(lows.back(), point.count / (point.usual - reach));
  }
  std::ranges::sort(highs, std::greater());
  std::ranges::sort(lows);
  noise.seen.add(highs[highs.size() / 4]);
  noise.seen.add(lows[lows.size() / 4]);
  return noise;
}

struct CountJudge {
  const Past& past;

  Judgement judge(int64_t length) const {
    const int64_t end = past.now();
    const SpanSum sum = past.newest(length);
    if (!sum.known) return {};
    const Profile profile = profile_of(past, end, length);
    if (profile.basis == Basis::kNone) return {};
    Range usual;
    const int64_t reach = std::max<int64_t>(kRampReach / past.slots().step(), 1);
    usual.add(profile.count.low);
    usual.add(profile.count.high);
    for (int64_t shift = -reach; shift <= reach && profile.basis != Basis::kHours; ++shift) {
      if (shift == 0) continue;
      const Profile near = profile_of(past, end + shift, length);
      if (near.basis != profile.basis) continue;
      usual.add(near.count.low);
      usual.add(near.count.high);
    }
    Range expected;
    if (profile.basis == Basis::kHours) {
      expected = usual;
    } else {
      const Range levels = levels_of(past, end, length);
      expected.add(usual.low * levels.low);
      expected.add(usual.high * levels.high);
    }
    Judgement judgement;
    judgement.basis = profile.basis;
    judgement.span = length * past.slots().step();
    judgement.observed = sum.value;
    judgement.usual = expected.nearest(sum.value);
    judgement.surprise = 0;
    if (judgement.usual == sum.value) return judgement;
    const Noise noise = noise_of(past, end, length);
    const double variance = noise.relative_variance + profile.relative_variance;
    judgement.surprise =
        sum.value > expected.high
            ? surprise_of_many({expected.high * noise.seen.high, variance}, sum.value)
            : surprise_of_few({expected.low * noise.seen.low, variance}, sum.value);
    return judgement;
  }

  /// Whether a shorter span, which ends now too, goes in the direction of `longer`.
  bool agrees(const Judgement& longer, int64_t length) const {
    const SpanSum sum = past.newest(length);
    if (!sum.known) return true;
    const double part =
        static_cast<double>(length * past.slots().step()) / static_cast<double>(longer.span);
    const double usual = longer.usual * part, expected = longer.observed * part;
    if (std::max(usual, expected) < kTellingCount) return true;
    return std::fabs(sum.value - expected) <= std::fabs(sum.value - usual);
  }
  bool goes_on(const Judgement&, int64_t) const { return true; }
  bool is_enough(const Judgement& judgement) const { return judgement.usual >= kCountEnough; }
};

// --- shares ---

struct ShareJudge {
  const Past& past;

  /// What is usual: the last day and the last three days, or, where that is more, the same time on
  /// the last days. `trials` says how much is known.
  struct Usual {
    Range share;
    double trials = 0;
  };

  Usual usual_at(int64_t end, int64_t length) const {
    const int64_t per_day = past.slots().per_day();
    Usual usual;
    double hits = 0, trials = 0;
    const int64_t hour = std::max<int64_t>(kHour / past.slots().step(), 1);
    int64_t at = end - length;
    for (const int64_t days : {1, 3, 7}) {
      for (; at - hour >= std::max<int64_t>(end - days * per_day, 0); at -= hour) {
        const SpanSum sum = past.sum(at, hour);
        if (!sum.known) continue;
        hits += sum.value;
        trials += sum.of;
      }
      if (trials > 0) usual.share.add(hits / trials);
    }
    usual.trials = trials;
    std::vector<double> same;
    for (int64_t day = 1; day <= 7; ++day) {
      const SpanSum sum = past.sum(end - day * per_day + length / 2, 2 * length);
      if (sum.known && sum.of > 0) same.push_back(sum.value / sum.of);
    }
    if (same.size() >= 3) usual.share.add(median_of(std::move(same)));
    return usual;
  }

  /// How much more hits vary from span to span than chance alone explains; at least 1.
  double dispersion(int64_t end, int64_t length, double share) const {
    if (share <= 0 || share >= 1) return 1;
    const int64_t back = 7 * past.slots().per_day();
    const int64_t stride = std::max(length, back / 200);
    std::vector<double> squares;
    for (int64_t at = end - length; at - length >= std::max<int64_t>(end - back, 0); at -= stride) {
      const SpanSum sum = past.sum(at, length);
      if (!sum.known || sum.of * share < 1) continue;
      const double off = sum.value - sum.of * share;
      squares.push_back(off * off / (sum.of * share * (1 - share)));
    }
    if (squares.size() < kNoiseSpansMin) return 1;
    std::ranges::sort(squares);
    squares.resize(squares.size() - squares.size() / 50);
    double total = 0;
    for (const double square : squares) total += square;
    return std::max(1.0, total / static_cast<double>(squares.size()));
  }

  Judgement judge(int64_t length) const {
    const int64_t end = past.now();
    const SpanSum sum = past.newest(length);
    if (!sum.known || sum.of <= 0) return {};
    const Usual usual = usual_at(end, length);
    if (usual.share.empty() || usual.trials < 20) return {};
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

  bool agrees(const Judgement& longer, int64_t length) const {
    const SpanSum sum = past.newest(length);
    if (!sum.known) return true;
    const double expected = longer.observed * sum.of, usual = longer.usual * sum.of;
    if (std::max(expected, usual) < kTellingCount) return true;
    return std::fabs(sum.value - expected) <= std::fabs(sum.value - usual);
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

// --- means ---

struct MeanJudge {
  const Past& past;

  double mean_of(int64_t end, int64_t length) const {
    const SpanSum sum = past.sum(end, length);
    return sum.known && sum.of > 0 ? sum.value / sum.of : NAN;
  }

  Range usual_at(int64_t end, int64_t length) const {
    const int64_t per_day = past.slots().per_day();
    Range usual;
    const int64_t hour = std::max<int64_t>(kHour / past.slots().step(), 1);
    int64_t at = end - length;
    for (int64_t day = 1; day <= kLevelDays; ++day) {
      double total = 0, count = 0;
      for (; at - hour >= std::max<int64_t>(end - day * per_day, 0); at -= hour) {
        const SpanSum sum = past.sum(at, hour);
        if (!sum.known) continue;
        total += sum.value;
        count += sum.of;
      }
      if (count > 0) usual.add(total / count);
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
    const int64_t back = 7 * past.slots().per_day();
    const int64_t stride = std::max(length, back / 200);
    std::vector<double> means, counts;
    for (int64_t at = end - length; at - length >= std::max<int64_t>(end - back, 0); at -= stride) {
      const SpanSum sum = past.sum(at, length);
      if (!sum.known || sum.of <= 0) continue;
      means.push_back(sum.value / sum.of);
      counts.push_back(sum.of);
    }
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
    if (!sum.known || sum.of < 5) return {};
    const Range usual = usual_at(end, length);
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

  bool agrees(const Judgement& longer, int64_t length) const {
    const SpanSum sum = past.newest(length);
    if (!sum.known || sum.of < kTellingCount) return true;
    const double mean = sum.value / sum.of;
    return std::fabs(mean - longer.observed) <= std::fabs(mean - longer.usual);
  }
  bool goes_on(const Judgement&, int64_t length) const { return past.newest(length).of > 0; }
  bool is_enough(const Judgement& judgement) const {
    return past.newest(judgement.span / past.slots().step()).of >= kValuesEnough;
  }
};

/// The shortest span that is sure, else the one with the largest surprise. A longer span counts
/// only as long as its newest parts agree with it, so that it does not outlast what it shows.
template <class Judge>
Judgement judge_spans(const Judge& judge, const Past& past) {
  Judgement best;
  std::vector<int64_t> shorter;
  for (const int64_t length : span_lengths(past.slots())) {
    const Judgement one = judge.judge(length);
    if (one.basis == Basis::kNone) continue;
    std::vector<int64_t> parts = shorter;
    parts.push_back((length + 1) / 2);
    const bool agree =
        judge.goes_on(one, (length + 2) / 3) &&
        std::ranges::all_of(parts, [&](int64_t part) { return judge.agrees(one, part); });
    if (best.basis == Basis::kNone || (agree && one.surprise > best.surprise)) best = one;
    if (best.surprise >= kSureSurprise || judge.is_enough(one)) break;
    shorter.push_back(length);
  }
  return best;
}

}  // namespace

Judgement::Judgement() : observed(NAN), usual(NAN), surprise(NAN) {}

Judgement judge_count(const Past& past) { return judge_spans(CountJudge{past}, past); }
Judgement judge_share(const Past& past) { return judge_spans(ShareJudge{past}, past); }
Judgement judge_mean(const Past& past) { return judge_spans(MeanJudge{past}, past); }

}  // namespace tocsin
