#include "query/usual/spans.h"

#include <array>
#include <numeric>
#include <utility>

#include "query/series/median.h"

namespace tocsin {
namespace {

constexpr std::array kSpans = {15 * kMinute, kHour, 3 * kHour, 6 * kHour, 12 * kHour, kDay};

}  // namespace

double spread_of(std::vector<double> values) {
  const double middle = median_of(values);
  for (double& value : values) value = std::fabs(value - middle);
  return kMadToDeviation * median_of(std::move(values));
}

double dispersion_of(std::vector<double> squares) {
  constexpr size_t kIgnoredPart = 50;
  if (squares.size() < kNoiseSpansMin) return 1;
  std::ranges::sort(squares);
  squares.resize(squares.size() - squares.size() / kIgnoredPart);
  const double total = std::accumulate(squares.begin(), squares.end(), 0.0);
  return std::max(1.0, total / static_cast<double>(squares.size()));
}

std::vector<int64_t> span_lengths(const WindowSlots& slots) {
  std::vector<int64_t> lengths;
  for (const Duration span : kSpans) {
    const int64_t length = std::max<int64_t>((span + slots.step() / 2) / slots.step(), 1);
    if (lengths.empty() || length > lengths.back()) lengths.push_back(length);
  }
  return lengths;
}

int64_t slots_of_hour(const WindowSlots& slots) {
  return std::max<int64_t>(kHour / slots.step(), 1);
}

std::vector<DaySum> last_days(const Past& past, int64_t end, int64_t length, int64_t days) {
  const int64_t hour = slots_of_hour(past.slots());
  std::vector<DaySum> sums;
  int64_t at = end - length;
  for (int64_t day = 1; day <= days; ++day) {
    DaySum& total = sums.emplace_back();
    for (; at - hour >= std::max<int64_t>(end - day * past.slots().per_day(), 0); at -= hour) {
      const SpanSum sum = past.sum(at, hour);
      if (!sum.known) continue;
      total.value += sum.value;
      total.of += sum.of;
    }
  }
  return sums;
}

}  // namespace tocsin
