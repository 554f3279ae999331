// Counts: of the same time on earlier days, at the level of the last days.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "query/series/median.h"
#include "query/usual/chance.h"
#include "query/usual/spans.h"
#include "query/usual/unusual.h"

namespace tocsin {
namespace {

constexpr double kSteadyFactor = 2;   // between counts of comparable spans
constexpr double kCountEnough = 200;  // usual events; a span with that many is long enough
constexpr double kMedianCountMin = 10;
/// The rate varies at least this much from day to day (a standard deviation).
constexpr double kRateDeviationMin = 0.06;
constexpr int64_t kLevelDays = 3;
constexpr Duration kRampReach = 15 * kMinute;
constexpr int64_t kNoiseDays = 14, kNoiseSpansMax = 400;
constexpr double kCalmCount = 5;  // expected events below which a ratio says little
/// Events may come in groups, such as the lines of one request. Larger groups are bursts.
constexpr double kGroupMax = 4;

/// What is usual for a span, by the comparable spans alone.
struct Profile {
  Basis basis = Basis::kNone;
  Bounds count;
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
  Bounds range;
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
Bounds levels_of(const Past& past, int64_t end, int64_t length) {
  const int64_t per_day = past.slots().per_day();
  const int64_t hour = slots_of_hour(past.slots());
  Bounds levels;
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

/// How many events come at once, by how hours differ from the usual: the variance of a count is
/// that many times its mean.
double group_of(const Past& past, int64_t end) {
  const int64_t hour = slots_of_hour(past.slots());
  std::vector<double> squares;
  for_each_earlier_span(past, end, hour, kNoiseDays, kNoiseSpansMax,
                        [&](int64_t at, const SpanSum& sum) {
                          const Profile profile = profile_of(past, at, hour);
                          if (profile.basis == Basis::kNone || profile.middle() < 1) return;
                          const double off = sum.value - profile.count.nearest(sum.value);
                          squares.push_back(off * off / profile.middle());
                        });
  return std::min(dispersion_of(std::move(squares)), kGroupMax);
}

/// How counts of spans of this length have differed from the usual.
struct Noise {
  double relative_variance = kRateDeviationMin * kRateDeviationMin;  ///< beyond that of Poisson
  Bounds seen{1, 1};  ///< factors that are nothing special; includes 1
};

/// A factor counts as usual if spans reach it on one of four days: bursts do, incidents and
/// holidays do not. Only what chance does not explain counts, with events in groups of this size.
Noise noise_of(const Past& past, int64_t end, int64_t length, double group) {
  struct Point {
    int64_t day;
    double count, usual;
  };
  const int64_t per_day = past.slots().per_day();
  std::vector<Point> points;
  std::vector<double> logs;
  double poisson = 0;
  for_each_earlier_span(
      past, end, length, kNoiseDays, kNoiseSpansMax, [&](int64_t at, const SpanSum& sum) {
        const Profile profile = profile_of(past, at, length);
        if (profile.basis == Basis::kNone || profile.middle() < kCalmCount) return;
        points.push_back({(end - at) / per_day, sum.value, profile.count.nearest(sum.value)});
        logs.push_back(std::log((sum.value + 0.5) / (points.back().usual + 0.5)));
        poisson += group / points.back().usual;
      });
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
        3 * std::sqrt(group * point.usual + noise.relative_variance * point.usual * point.usual);
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

/// How many times more probable a count is with the usual mean than with the observed one, as a
/// logarithm.
double evidence_of(double count, double usual, double observed) {
  return count * std::log(usual / observed) - (usual - observed);
}

struct CountJudge {
  const Past& past;

  Judgement judge(int64_t length) const {
    const int64_t end = past.now();
    const SpanSum sum = past.newest(length);
    if (!sum.known) return {};
    const Profile profile = profile_of(past, end, length);
    if (profile.basis == Basis::kNone) return {};
    Bounds usual;
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
    Bounds expected;
    if (profile.basis == Basis::kHours) {
      expected = usual;
    } else {
      const Bounds levels = levels_of(past, end, length);
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
    const double group = group_of(past, end);
    const Noise noise = noise_of(past, end, length, group);
    const bool many = sum.value > expected.high;
    const double mean = many ? expected.high * noise.seen.high : expected.low * noise.seen.low;
    const double of_groups = (group - 1) / std::max(mean, 1.0);
    const CountModel model{mean, noise.relative_variance + profile.relative_variance + of_groups};
    judgement.surprise =
        many ? surprise_of_many(model, sum.value) : surprise_of_few(model, sum.value);
    return judgement;
  }

  double evidence_of_usual(const Judgement& longer, int64_t length) const {
    const SpanSum sum = past.newest(length);
    if (!sum.known) return 0;
    const double part =
        static_cast<double>(length * past.slots().step()) / static_cast<double>(longer.span);
    return evidence_of(sum.value, (longer.usual + 0.5) * part, (longer.observed + 0.5) * part);
  }
  bool goes_on(const Judgement&, int64_t) const { return true; }
  bool is_enough(const Judgement& judgement) const { return judgement.usual >= kCountEnough; }
};

}  // namespace

Judgement judge_count(const Past& past) { return judge_spans(CountJudge{past}, past); }

}  // namespace tocsin
