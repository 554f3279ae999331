// The windows of a baseline: the range itself and its copies, each `step` earlier.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "db/base/time.h"

namespace tocsin {

/// Window 0 is [start, end). Window k is [start - k * step, end - k * step), 1 <= k <= past_count,
/// or past[k - 1] if `past` is not empty.
/// Invariants: windows do not overlap, and a larger k is earlier; no start underflows.
struct Windows {
  TimeRange range;
  Duration step = 0;
  uint32_t past_count = 0;
  std::vector<TimeRange> past;  ///< newest first; empty: they follow from the step
  Timestamp now = 0;            ///< now() in window 0; in a past window now() is its end
  std::vector<uint8_t> wanted;  ///< by index: whether the window's rows are read

  static constexpr uint32_t kNone = UINT32_MAX;

  size_t count() const { return size_t{past_count} + 1; }
  TimeRange window(uint32_t k) const {
    if (!past.empty() && k > 0) return past[k - 1];
    const Duration shift = static_cast<Duration>(k) * step;
    return {range.start - shift, range.end - shift};
  }
  Timestamp now_in(uint32_t k) const { return k == 0 ? now : window(k).end; }
  /// From the start of the oldest window to the end of the newest.
  TimeRange span() const { return {window(past_count).start, range.end}; }
  /// The window that contains `t`, or kNone.
  uint32_t index_of(Timestamp t) const {
    if (range.contains(t)) return 0;
    if (t >= range.start || t < window(past_count).start) return kNone;
    const uint32_t k = newest_from(t);
    return window(k).contains(t) ? k : kNone;
  }
  /// Calls f(k) for every window that overlaps [min_time, max_time], newest first.
  template <class F>
  void for_each_overlapping(Timestamp min_time, Timestamp max_time, F f) const {
    const TimeRange all = span();
    if (!all.overlaps(min_time, max_time)) return;
    if (min_time < all.start) min_time = all.start;
    if (max_time >= all.end) max_time = all.end - 1;
    for (uint32_t k = newest_from(max_time); k <= past_count && window(k).end > min_time; ++k) {
      if (window(k).overlaps(min_time, max_time)) f(k);
    }
  }

 private:
  /// The newest window that starts at or before `t`.
  uint32_t newest_from(Timestamp t) const {
    if (t >= range.start) return 0;
    if (past.empty()) return static_cast<uint32_t>((range.start - t + step - 1) / step);
    const auto found =
        std::ranges::partition_point(past, [t](const TimeRange& each) { return each.start > t; });
    return static_cast<uint32_t>(found - past.begin()) + 1;
  }
};

/// The windows that begin at the local time of `range`, 1 to `count` times `step` earlier, newest
/// first. They are as long as the range, but end where the next one begins. A local time that does
/// not exist has no window; of one that exists twice, the second counts. Nothing if the zone's
/// clocks do not change in all that time: then the windows follow from the step. Requires: `step`
/// is whole days, and the range is not longer.
std::optional<std::vector<TimeRange>> local_windows(TimeRange range, Duration step, uint32_t count,
                                                    const TimeZone& zone);

}  // namespace tocsin
