#include "query/usual/silence.h"

#include <algorithm>
#include <cmath>

namespace tocsin {
namespace {

constexpr int64_t kWaitDaysBack = 28;
constexpr size_t kWaitDaysMin = 3, kWaitWeeksMin = 2;
constexpr Duration kAround = kHour;  // of the last event, in which waits are looked at
constexpr double kMarginSpreads = 10;
constexpr double kMarginPart = 0.05;  // of the longest wait
constexpr double kBusyCount = 20;     // events in a window; by hours only
constexpr double kMissedEvents = 16;  // e^-16 is a ten-millionth
constexpr double kDispersionMax = 3;  // more is an incident or a shifted start on one of the days

class Waits {
 public:
  Waits(const Past& past, int64_t last) : past_(past), last_(last) {
    const int64_t count = past.slots().count();
    next_.assign(static_cast<size_t>(count) + 1, kNever);
    for (int64_t slot = count - 1; slot >= 0; --slot) {
      const SpanSum sum = past.sum(slot + 1, 1);
      int64_t& next = next_[static_cast<size_t>(slot)];
      next = sum.known && sum.value > 0 ? slot : next_[static_cast<size_t>(slot) + 1];
    }
  }

  /// Adds the longest wait around the same time `days` days earlier. False if there is none.
  bool add(int64_t days) {
    const int64_t shift = days * past_.slots().per_day();
    const int64_t around = std::max<int64_t>(kAround / past_.slots().step(), 1);
    int64_t longest = -1;
    for (int64_t from = last_ + 1 - shift - around; from <= last_ + 1 - shift + around; ++from) {
      if (from < past_.begin() || from > last_) continue;
      const int64_t next = next_[static_cast<size_t>(from)];
      if (next == kNever || next > last_) continue;
      const int64_t wait = next - from;
      if (wait > 0 && !past_.sum(next, wait).known) continue;  // something was not collected
      longest = std::max(longest, wait);
    }
    if (longest >= 0) add_wait(static_cast<double>(longest));
    return longest >= 0;
  }

  double longest() const { return longest_; }
  double spread() const {
    const double mean = sum_ / count_;
    return std::sqrt(std::max(squares_ - count_ * mean * mean, 0.0) / std::max(count_ - 1, 1.0));
  }

 private:
  static constexpr int64_t kNever = INT64_MAX;

  void add_wait(double wait) {
    count_ += 1;
    sum_ += wait;
    squares_ += wait * wait;
    longest_ = std::max(longest_, wait);
  }

  const Past& past_;
  int64_t last_;
  std::vector<int64_t> next_;  // by slot: the first slot from it on with an event
  double count_ = 0, sum_ = 0, squares_ = 0, longest_ = 0;
};

/// By which factor fewer events came lately than at the same times of these days: in the last three
/// hours or the last day before the last event, whichever was quieter. At most 1.
double level_of(const Past& past, int64_t last, const std::vector<int64_t>& days) {
  double level = 1;
  for (const Duration back : {3 * kHour, kDay}) {
    const int64_t length = std::max<int64_t>(back / past.slots().step(), 1);
    const SpanSum now = past.sum(last + 1, length);
    double total = 0, known = 0;
    for (const int64_t day : days) {
      const SpanSum then = past.sum(last + 1 - day * past.slots().per_day(), length);
      if (!then.known) continue;
      total += then.value;
      known += 1;
    }
    if (now.known && known > 0) level = std::min(level, (now.value + 1) / (total / known + 1));
  }
  return level;
}

/// The events that are usual at each time after the last event, by earlier days.
class Missed {
 public:
  Missed(const Past& past, int64_t last, const std::vector<int64_t>& days)
      : past_(past), last_(last), days_(days), level_(level_of(past, last, days)) {}

  /// Those of the slot.
  double at(int64_t slot) const {
    double total = 0, known = 0;
    for (const int64_t day : days_) {
      const int64_t then = slot - day * past_.slots().per_day();
      if (then > last_) continue;
      const SpanSum sum = past_.sum(then + 1, 1);
      if (!sum.known) continue;
      total += sum.value;
      known += 1;
    }
    return known > 0 ? level_ * total / known : 0;
  }

  /// How much more counts vary between these days than those of independent events: events that
  /// come in groups of three say no more than one. At least 1.
  double dispersion() const {
    const int64_t around = std::max<int64_t>(kAround / past_.slots().step(), 1);
    double squares = 0, expected = 0;
    for (int64_t slot = last_ - around; slot <= last_ + around; ++slot) {
      double total = 0, total_squares = 0, known = 0;
      for (const int64_t day : days_) {
        const int64_t then = slot - day * past_.slots().per_day();
        const SpanSum sum = then > last_ ? SpanSum() : past_.sum(then + 1, 1);
        if (!sum.known) continue;
        total += sum.value;
        total_squares += sum.value * sum.value;
        known += 1;
      }
      if (known < 2) continue;
      squares += (total_squares - total * total / known) / (known - 1);
      expected += total / known;
    }
    return expected > 0 ? std::clamp(squares / expected, 1.0, kDispersionMax) : 1;
  }

  /// After how many slots enough events are missed.
  int64_t slots_until_sure() const {
    const int64_t limit = 7 * past_.slots().per_day();
    const double enough = kMissedEvents * dispersion();
    double expected = 0;
    for (int64_t length = 1; length <= limit; ++length) {
      expected += at(last_ + length);
      if (expected >= enough) return length;
    }
    return limit;
  }

 private:
  const Past& past_;
  int64_t last_;
  const std::vector<int64_t>& days_;
  double level_;
};

/// Whether every day from `first` to `last` is of the same kind as the one `days` days earlier, and
/// there are at most two of them.
bool same_kind(const WindowSlots& slots, int64_t first, int64_t last, int64_t days) {
  if (last - first > slots.per_day()) return false;
  const int64_t shift = days * slots.per_day();
  return slots.is_weekend(first) == slots.is_weekend(first - shift) &&
         slots.is_weekend(last) == slots.is_weekend(last - shift);
}

/// While no comparable day is known: a group that was busy in the hour before its last event, and
/// that has not been silent for nearly as long within a day.
void judge_by_hours(const Past& past, int64_t last, Silence& silence) {
  silence.basis = Basis::kNone;
  const WindowSlots& slots = past.slots();
  const int64_t hour = std::max<int64_t>(kHour / slots.step(), 1);
  const SpanSum busy = past.sum(last + 1, hour);
  const double each = busy.value / static_cast<double>(hour);
  const int64_t start = last + 1 - slots.per_day();
  if (!busy.known || each < kBusyCount || start < past.begin()) return;
  int64_t longest = 0, wait = 0;
  for (int64_t slot = start; slot <= last; ++slot) {
    wait = past.sum(slot + 1, 1).value > 0 ? 0 : wait + 1;
    longest = std::max(longest, wait);
  }
  silence.basis = Basis::kHours;
  silence.usual = longest + longest / 2;
  silence.missed = each * static_cast<double>(silence.windows);
}

}  // namespace

Silence judge_silence(const Past& past) {
  Silence silence;
  int64_t last = past.now() - 1;
  for (; last >= past.begin() && past.newest(past.now() - last).value <= 0; --last)
    ++silence.windows;
  if (last < past.begin()) return silence;  // never an event
  const WindowSlots& slots = past.slots();
  const int64_t end = past.now() - 1;
  Waits waits(past, last);
  std::vector<int64_t> days;
  for (int64_t day = 7; day <= kWaitDaysBack; day += 7) {
    if (waits.add(day)) days.push_back(day);
  }
  silence.basis = Basis::kWeeks;
  if (days.size() < kWaitWeeksMin) {
    silence.basis = Basis::kDays;
    for (int64_t day = 1; day <= kWaitDaysBack; ++day) {
      if (day % 7 != 0 && same_kind(slots, last, end, day) && waits.add(day)) days.push_back(day);
    }
    if (days.size() < kWaitDaysMin) {
      judge_by_hours(past, last, silence);
      return silence;
    }
  }
  const Missed missed(past, last, days);
  for (int64_t slot = last + 1; slot <= end; ++slot) silence.missed += missed.at(slot);
  const double margin = kMarginSpreads * waits.spread() + kMarginPart * waits.longest();
  silence.usual = std::max(static_cast<int64_t>(std::ceil(waits.longest() + margin)),
                           missed.slots_until_sure() - 1);
  return silence;
}

}  // namespace tocsin
