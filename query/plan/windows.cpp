#include "query/plan/windows.h"

namespace tocsin {
namespace {

/// The last instant at which the zone's clocks show `local`; none if they skip it.
std::optional<Timestamp> last_instant_of(int64_t local, const TimeZone& zone) {
  const Timestamp first = zone.from_local(local);
  if (first + zone.offset_at(first) != local) return std::nullopt;
  const Timestamp change = zone.next_change(first);
  if (change == kTimeMax) return first;
  const Duration set_back = zone.period_at(change).set_back;
  return set_back > 0 && first >= change - set_back ? first + set_back : first;
}

}  // namespace

std::optional<std::vector<TimeRange>> local_windows(TimeRange range, Duration step, uint32_t count,
                                                    const TimeZone& zone) {
  if (zone.next_change(range.start - step * count) > range.start) return std::nullopt;
  std::vector<TimeRange> windows;
  const int64_t local = range.start + zone.offset_at(range.start);
  Timestamp next = range.start;
  for (int64_t k = 1; k <= count; ++k) {
    const auto start = last_instant_of(local - k * step, zone);
    if (!start) continue;
    windows.push_back({*start, std::min(*start + (range.end - range.start), next)});
    next = *start;
  }
  return windows;
}

}  // namespace tocsin
