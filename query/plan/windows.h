// The windows of a baseline: the range itself and its copies, each `step` earlier.
#pragma once

#include <cstdint>
#include <vector>

#include "db/base/time.h"

namespace tocsin {

/// Window 0 is [start, end), window k is [start - k * step, end - k * step), 1 <= k <= past_count.
/// Invariants: end - start <= step, so windows do not overlap; no start underflows.
struct Windows {
  TimeRange range;
  Duration step = 0;
  uint32_t past_count = 0;
  Timestamp now = 0;            ///< now() in window 0; in a past window now() is its end
  std::vector<uint8_t> wanted;  ///< by index: whether the window's rows are read

  static constexpr uint32_t kNone = UINT32_MAX;

  size_t count() const { return size_t{past_count} + 1; }
  TimeRange window(uint32_t k) const {
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
    const auto k = static_cast<uint32_t>((range.start - t + step - 1) / step);
    return t < range.end - static_cast<Duration>(k) * step ? k : kNone;
  }
  /// Calls f(k) for every window that overlaps [min_time, max_time], newest first.
  template <class F>
  void for_each_overlapping(Timestamp min_time, Timestamp max_time, F f) const {
    const TimeRange all = span();
    if (!all.overlaps(min_time, max_time)) return;
    if (min_time < all.start) min_time = all.start;
    if (max_time >= all.end) max_time = all.end - 1;
    uint32_t k = max_time >= range.start
                     ? 0
                     : static_cast<uint32_t>((range.start - max_time + step - 1) / step);
    for (; k <= past_count && window(k).end > min_time; ++k) {
      if (window(k).overlaps(min_time, max_time)) f(k);
    }
  }
};

}  // namespace tocsin
