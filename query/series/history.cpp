#include "query/series/history.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace tocsin {
namespace {

constexpr int kSeasons = 8;
constexpr int kSeasonsOfWeek = 4;
constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

constexpr int64_t kDaysForDay = 3;
constexpr int64_t kDaysForWeek = 15;
constexpr double kCorrelationMin = 0.3;
/// So much better must the week be than the day, which has more seasons to learn from.
constexpr double kWeekAdvantage = 0.05;
constexpr double kClipDeviations = 3;  ///< so that a few extreme hours do not decide

double correlation(const std::vector<double>& values, size_t lag) {
  double both = 0;
  double now = 0;
  double before = 0;
  for (size_t i = lag; i < values.size(); ++i) {
    if (std::isnan(values[i]) || std::isnan(values[i - lag])) continue;
    both += values[i] * values[i - lag];
    now += values[i] * values[i];
    before += values[i - lag] * values[i - lag];
  }
  return now > 0 && before > 0 ? both / std::sqrt(now * before) : 0;
}

// Subtracts the mean and clips. Returns false if all values are equal.
bool normalize(std::vector<double>& values) {
  double sum = 0;
  double count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  if (count == 0) return false;
  const double mean = sum / count;
  double squares = 0;
  for (double& value : values) {
    value -= mean;
    if (!std::isnan(value)) squares += value * value;
  }
  const double reach = kClipDeviations * std::sqrt(squares / count);
  if (!(reach > 0)) return false;
  for (double& value : values) {
    if (!std::isnan(value)) value = std::clamp(value, -reach, reach);
  }
  return true;
}

/// With fewer values of the phase itself, its neighbours always count.
constexpr size_t kExactMin = 4;

/// Without the largest and smallest fifth.
struct Middle {
  double mean;
  double width;
};

Middle middle_of(std::span<double> values) {
  std::sort(values.begin(), values.end());
  const size_t cut = values.size() / 5;
  const auto middle = values.subspan(cut, values.size() - 2 * cut);
  double sum = 0;
  for (const double value : middle) sum += value;
  return {sum / static_cast<double>(middle.size()), middle.back() - middle.front()};
}

}  // namespace

int64_t SeriesHistory::start() const {
  return end_ - std::min<int64_t>(static_cast<int64_t>(values_.size()), age());
}

void SeriesHistory::append(double value) {
  if (static_cast<int64_t>(values_.size()) < slots_max_) {
    if (values_.size() == values_.capacity()) {
      values_.reserve(std::min(static_cast<size_t>(slots_max_), values_.size() * 2 + 64));
    }
    values_.push_back(static_cast<float>(value));
  } else {
    values_[static_cast<size_t>(age() % slots_max_)] = static_cast<float>(value);
  }
  ++end_;
}

double SeriesHistory::at(int64_t slot) const {
  if (slot >= end_ || slot < start()) return kNoValue;
  return values_[static_cast<size_t>((slot - first_) % slots_max_)];
}

double SeriesHistory::usual(int64_t slot, int64_t season, bool around) const {
  const int seasons = season * kSeasons > slots_max_ ? kSeasonsOfWeek : kSeasons;
  std::array<double, 2 * 3 * kSeasons> found;
  std::array<double, 2 * kSeasons> exact;
  size_t count = 0;
  size_t exact_count = 0;
  for (int k = around ? -seasons : 1; k <= seasons; ++k) {
    if (k == 0) continue;
    for (int64_t neighbour = -1; neighbour <= 1; ++neighbour) {
      const double value = at(slot - k * season + neighbour);
      if (std::isnan(value)) continue;
      found[count++] = value;
      if (neighbour == 0) exact[exact_count++] = value;
    }
  }
  if (count < 2) return kNoValue;
  const Middle all = middle_of(std::span(found).first(count));
  if (exact_count < kExactMin) return all.mean;
  const Middle same = middle_of(std::span(exact).first(exact_count));
  return same.width < std::fabs(same.mean - all.mean) ? same.mean : all.mean;
}

int64_t SeriesHistory::find_season(int64_t day) const {
  const int64_t unit = std::max<int64_t>(1, day / 24);
  const auto per_day = static_cast<size_t>(day / unit);
  const auto count = static_cast<size_t>((end_ - start()) / unit);
  if (per_day < 2 || count < static_cast<size_t>(kDaysForDay) * per_day) return 0;
  std::vector<double> hours(count, kNoValue);
  for (size_t i = 0; i < count; ++i) {
    double sum = 0;
    double known = 0;
    for (int64_t k = 0; k < unit; ++k) {
      const double value = at(end_ - static_cast<int64_t>(count - i) * unit + k);
      if (std::isnan(value)) continue;
      sum += value;
      ++known;
    }
    if (known > 0) hours[i] = sum / known;
  }
  if (!normalize(hours)) return 0;
  const double daily = correlation(hours, per_day);
  if (count >= static_cast<size_t>(kDaysForWeek) * per_day) {
    const double weekly = correlation(hours, 7 * per_day);
    if (weekly >= kCorrelationMin && weekly > daily + kWeekAdvantage) return 7 * day;
  }
  return daily >= kCorrelationMin ? day : 0;
}

}  // namespace tocsin
