// The past of one group as a series of adjacent windows, found by the time that clocks showed.
//
// Windows are numbered from the oldest, 0, to the one that is judged. Local time is divided into
// slots as long as a window, so that the same time on an earlier day is found by subtraction, also
// across clock changes: a time that does not exist has no window, and of one that exists twice the
// second counts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "db/base/time.h"

namespace tocsin {

/// The slots of all windows; the same for every group.
class WindowSlots {
 public:
  /// `starts` are those of the windows, oldest first; each is `step` long.
  WindowSlots(std::span<const Timestamp> starts, Duration step, const TimeZone& zone);

  Duration step() const { return step_; }
  int64_t per_day() const { return per_day_; }
  int64_t count() const { return static_cast<int64_t>(window_of_.size()); }
  size_t window_count() const { return slot_of_.size(); }
  /// The slot of a window, from 0 on.
  int64_t slot_of(size_t window) const { return slot_of_[window]; }
  /// The window of a slot; -1: none.
  int64_t window_of(int64_t slot) const { return window_of_[static_cast<size_t>(slot)]; }
  bool is_weekend(int64_t slot) const;  ///< `slot` may lie before the first

 private:
  Duration step_;
  int64_t per_day_;
  int64_t first_ = 0;  ///< number of slot 0, counted from 1970
  std::vector<int64_t> slot_of_;
  std::vector<int32_t> window_of_;
};

/// Whether anything was collected in each window, by the number of rows of all groups. A window
/// without rows counts as collected if others at that time of day are without rows too.
std::vector<uint8_t> collected_windows(const WindowSlots& slots, std::span<const uint64_t> rows);

/// What a span of slots adds up to.
struct SpanSum {
  /// Enough windows count. The sums are scaled up then, as if all did.
  bool known = false;
  double value = 0;
  double of = 0;
};

/// Sums over the windows of one group.
class Past {
 public:
  /// By window: the value, the value that it is a part of (may be empty), whether something was
  /// collected in it, and whether it is left out of what is usual (may be empty: none is).
  Past(const WindowSlots& slots, std::span<const double> values, std::span<const double> of,
       std::span<const uint8_t> collected, std::span<const uint8_t> excluded);

  const WindowSlots& slots() const { return slots_; }
  /// The sum over slots [end - length, end), without excluded windows and the hours before them, in
  /// which nobody may have noticed yet what excluded them.
  SpanSum sum(int64_t end, int64_t length) const { return usual_.sum(end, length); }
  /// The sum over the newest slots, with excluded windows.
  SpanSum newest(int64_t length) const { return all_.sum(now_, length); }
  /// The slot after that of the window that is judged.
  int64_t now() const { return now_; }
  /// The first slot with a window that counts; `now()` if there is none.
  int64_t begin() const { return begin_; }
  /// The slot after the newest excluded window, if that is so old that an alert about it has ended;
  /// otherwise the first.
  int64_t reported_until() const { return reported_until_; }

 private:
  /// By slot, the sums of what is before it.
  struct Sums {
    std::vector<double> values, of;
    std::vector<int32_t> windows;

    SpanSum sum(int64_t end, int64_t length) const;
  };

  const WindowSlots& slots_;
  int64_t now_ = 0, begin_ = 0, reported_until_ = 0;
  Sums usual_, all_;
};

/// Which part of the past tells what is usual.
enum class Basis : uint8_t {
  kNone,
  kHours,  ///< the hours before
  kDays,   ///< the same time on days of the same kind: workdays or weekends
  kWeeks,  ///< the same time on the same weekday
};
const char* name_of(Basis basis);

/// The spans that show what is usual for [end - length, end), by their ends, newest first. A list
/// that is too short to tell is empty; `hours` is filled only if both others are.
struct Comparable {
  std::vector<int64_t> weeks, days, hours;

  Basis basis() const;  ///< the best one
  const std::vector<int64_t>& best() const&;
  const std::vector<int64_t>& best() && = delete;  // it would be gone
};
Comparable comparable_spans(const Past& past, int64_t end, int64_t length);

}  // namespace tocsin
