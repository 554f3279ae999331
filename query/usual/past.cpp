#include "query/usual/past.h"

#include <algorithm>

#include "db/base/floor.h"

namespace tocsin {
namespace {

constexpr double kUsableShareMin = 0.8;
constexpr int64_t kDaysBack = 28;
constexpr size_t kWeeksMin = 3, kDaysMin = 3, kHoursMin = 3;
/// With a longer past, hours are no measure: the same time will be known soon.
constexpr int64_t kYoungDays = 14;
constexpr size_t kDaysCompared = 10;  // of the same kind
constexpr size_t kHoursCompared = 12;
constexpr Duration kHoursBack = 6 * kHour;
/// Alerts that pause for less go on.
constexpr Duration kAlertPause = kHour;
/// An incident may begin that long before the first excluded window: before it is noticed.
constexpr Duration kUnnoticed = 3 * kHour;

}  // namespace

WindowSlots::WindowSlots(std::span<const Timestamp> starts, Duration step, const TimeZone& zone)
    : step_(step), per_day_((kDay + step - 1) / step) {
  slot_of_.reserve(starts.size());
  Duration offset = 0;
  int64_t hour = INT64_MIN;
  for (const Timestamp start : starts) {
    // Offsets change at multiples of 15 minutes.
    if (const int64_t part = floor_div(start, 15 * kMinute); part != hour) {
      hour = part;
      offset = zone.offset_at(start);
    }
    const int64_t local = start + offset;
    const int64_t day = floor_div(local, kDay);
    const int64_t slot = day * per_day_ + (local - day * kDay) / step;
    if (slot_of_.empty()) first_ = slot;
    slot_of_.push_back(slot - first_);
  }
  const int64_t last = slot_of_.empty() ? -1 : *std::ranges::max_element(slot_of_);
  window_of_.assign(static_cast<size_t>(last + 1), -1);
  for (size_t i = 0; i < slot_of_.size(); ++i) {
    if (slot_of_[i] < 0) continue;
    window_of_[static_cast<size_t>(slot_of_[i])] = static_cast<int32_t>(i);
  }
}

bool WindowSlots::is_weekend(int64_t slot) const {
  const int64_t day = floor_div(slot + first_, per_day_);
  const int64_t weekday = floor_mod(day + 3, 7);  // 1970-01-01 was a Thursday; 0 is Monday
  return weekday >= 5;
}

std::vector<uint8_t> collected_windows(const WindowSlots& slots, std::span<const uint64_t> rows) {
  constexpr double kEmptyShareMin = 0.2;
  const auto per_day = static_cast<size_t>(slots.per_day());
  std::vector<double> windows(per_day), empty(per_day);  // by time of day
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto time = static_cast<size_t>(slots.slot_of(i)) % per_day;
    windows[time] += 1;
    empty[time] += rows[i] == 0;
  }
  std::vector<uint8_t> collected(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto time = static_cast<size_t>(slots.slot_of(i)) % per_day;
    collected[i] =
        rows[i] != 0 || (empty[time] >= 2 && empty[time] >= kEmptyShareMin * windows[time]);
  }
  return collected;
}

Past::Past(const WindowSlots& slots, std::span<const double> values, std::span<const double> of,
           std::span<const uint8_t> collected, std::span<const uint8_t> excluded)
    : slots_(slots) {
  const auto count = static_cast<size_t>(slots.count());
  now_ = slots.window_count() == 0 ? 0 : slots.slot_of(slots.window_count() - 1) + 1;
  begin_ = now_;
  for (Sums* sums : {&usual_, &all_}) {
    sums->values.assign(count + 1, 0);
    sums->windows.assign(count + 1, 0);
    if (!of.empty()) sums->of.assign(count + 1, 0);
  }
  const auto add = [&](Sums& sums, size_t slot, size_t window, bool used) {
    sums.values[slot + 1] = sums.values[slot] + (used ? values[window] : 0);
    sums.windows[slot + 1] = sums.windows[slot] + (used ? 1 : 0);
    if (!of.empty()) sums.of[slot + 1] = sums.of[slot] + (used ? of[window] : 0);
  };
  const auto window_at = [&](size_t slot) { return slots.window_of(static_cast<int64_t>(slot)); };
  std::vector<uint8_t> left_out(excluded.empty() ? 0 : count);
  for (size_t slot = left_out.size(), begin = slot; slot-- > 0;) {
    const int64_t window = window_at(slot);
    if (window >= 0 && excluded[static_cast<size_t>(window)] != 0) {
      begin = slot;
      reported_until_ = std::max(reported_until_, static_cast<int64_t>(slot) + 1);
    }
    left_out[slot] = (static_cast<int64_t>(begin - slot)) * slots.step() <= kUnnoticed &&
                     begin < left_out.size();
  }
  for (size_t slot = 0; slot < count; ++slot) {
    const int64_t found = window_at(slot);
    const auto window = static_cast<size_t>(std::max<int64_t>(found, 0));
    const bool exists = found >= 0 && collected[window] != 0;
    const bool used = exists && (left_out.empty() || left_out[slot] == 0);
    add(all_, slot, window, exists);
    add(usual_, slot, window, used);
    if (used) begin_ = std::min(begin_, static_cast<int64_t>(slot));
  }
  if ((now_ - reported_until_) * slots.step() < kAlertPause) reported_until_ = 0;
}

SpanSum Past::Sums::sum(int64_t end, int64_t length) const {
  const int64_t start = end - length;
  if (start < 0 || end >= static_cast<int64_t>(values.size())) return {};
  const auto a = static_cast<size_t>(start), b = static_cast<size_t>(end);
  const double used = windows[b] - windows[a];
  const bool known = used > 0 && used >= kUsableShareMin * static_cast<double>(length);
  const double scale = known ? static_cast<double>(length) / used : 1;
  return {known, (values[b] - values[a]) * scale, of.empty() ? 0 : (of[b] - of[a]) * scale};
}

const char* name_of(Basis basis) {
  switch (basis) {
    case Basis::kNone: break;
    case Basis::kHours: return "hours";
    case Basis::kDays: return "days";
    case Basis::kWeeks: return "weeks";
  }
  return "none";
}

Basis Comparable::basis() const {
  if (!weeks.empty()) return Basis::kWeeks;
  if (!days.empty()) return Basis::kDays;
  return hours.empty() ? Basis::kNone : Basis::kHours;
}

const std::vector<int64_t>& Comparable::best() const& {
  if (!weeks.empty()) return weeks;
  return days.empty() ? hours : days;
}

Comparable comparable_spans(const Past& past, int64_t end, int64_t length) {
  Comparable result;
  const WindowSlots& slots = past.slots();
  const int64_t per_day = slots.per_day();
  const auto add = [&](std::vector<int64_t>& ends, int64_t at) {
    if (at <= past.now() && past.sum(at, length).known) ends.push_back(at);
  };
  for (int64_t day = 7; day <= kDaysBack; day += 7) add(result.weeks, end - day * per_day);
  if (result.weeks.size() < kWeeksMin) result.weeks.clear();
  for (int64_t day = 1; day <= kDaysBack && result.days.size() < kDaysCompared; ++day) {
    const int64_t at = end - day * per_day;
    const bool alike = slots.is_weekend(at - 1) == slots.is_weekend(end - 1) &&
                       slots.is_weekend(at - length) == slots.is_weekend(end - length);
    if (alike) add(result.days, at);
  }
  if (result.days.size() < kDaysMin) result.days.clear();
  const bool young = end - past.begin() <= kYoungDays * per_day;
  if (!young || result.basis() != Basis::kNone) return result;
  const int64_t hours_back = std::max(kHoursBack / slots.step(), 3 * length);
  for (int64_t at = end - length;
       at - length >= end - hours_back && result.hours.size() < kHoursCompared; at -= length) {
    add(result.hours, at);
  }
  if (result.hours.size() < kHoursMin) result.hours.clear();
  return result;
}

}  // namespace tocsin
