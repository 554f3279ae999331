// What the judges of counts, shares and means have in common: the spans that they look at.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "query/usual/past.h"
#include "query/usual/unusual.h"

namespace tocsin {

/// A span with this surprise is sure; longer ones are not asked.
inline constexpr double kSureSurprise = 6;
/// Fewer spans say nothing about how much they differ.
inline constexpr size_t kNoiseSpansMin = 20;
/// The newest part of a span contradicts the rest if it is that many times (as a logarithm) more
/// probable by what is usual.
inline constexpr double kContradiction = 1.6;

/// The lowest and the highest of some values; at first none.
struct Bounds {
  double low = INFINITY, high = -INFINITY;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
  /// The nearest value between them.
  double nearest(double value) const { return std::clamp(value, low, high); }
};

/// Robust standard deviation around the median. Requires: not empty.
double spread_of(std::vector<double> values);

/// How many times more events vary than independent ones do, by the squares of standardized
/// deviations; at least 1. Ignores the largest few, and returns 1 if there are too few.
double dispersion_of(std::vector<double> squares);

/// The lengths of the spans in slots, ascending.
std::vector<int64_t> span_lengths(const WindowSlots& slots);

/// At least 1.
int64_t slots_of_hour(const WindowSlots& slots);

/// Sums of the known hours of each of the last days before `end - length`, the last day first. A
/// day ends at the time of day of `end`.
struct DaySum {
  double value = 0, of = 0;
};
std::vector<DaySum> last_days(const Past& past, int64_t end, int64_t length, int64_t days);

/// Calls `f(at, sum)` for known spans [at - length, at) of the days before the last one, newest
/// first; for at most about `count_max`, evenly spaced.
template <class Function>
void for_each_earlier_span(const Past& past, int64_t end, int64_t length, int64_t days,
                           int64_t count_max, Function f) {
  const int64_t back = days * past.slots().per_day();
  const int64_t stride = std::max(length, back / count_max);
  const int64_t oldest = std::max<int64_t>(end - back, 0);
  for (int64_t at = end - length; at - length >= oldest; at -= stride) {
    const SpanSum sum = past.sum(at, length);
    if (sum.known) f(at, sum);
  }
}

/// The shortest span that is sure, else the one with the largest surprise. A longer span counts
/// only as long as its newest parts agree with it, so that it does not outlast what it shows. After
/// an alert, only spans of less than half of the time since then count: no alert about the same
/// events again, and the level since then is known, which may be a new one.
template <class Judge>
Judgement judge_spans(const Judge& judge, const Past& past) {
  Judgement best;
  std::vector<int64_t> shorter;
  for (const int64_t length : span_lengths(past.slots())) {
    if (!shorter.empty() && past.now() - 2 * length < past.reported_until()) break;
    const Judgement one = judge.judge(length);
    if (one.basis == Basis::kNone) continue;
    std::vector<int64_t> parts = shorter;
    parts.push_back((length + 1) / 2);
    const bool agree =
        judge.goes_on(one, (length + 2) / 3) && std::ranges::all_of(parts, [&](int64_t part) {
          return judge.evidence_of_usual(one, part) <= kContradiction;
        });
    if (best.basis == Basis::kNone || (agree && one.surprise > best.surprise)) best = one;
    if (best.surprise >= kSureSurprise || judge.is_enough(one)) break;
    shorter.push_back(length);
  }
  return best;
}

}  // namespace tocsin
