// Aligned windows: ends are multiples of the interval since the epoch, in UTC.
#include "rules/schedule.h"

#include <algorithm>

namespace tocsin {
namespace {

// The last multiple of `interval` at or before `t`.
Timestamp align_down(Timestamp t, Duration interval) {
  return bucket_start(t, interval, TimeZone());
}

}  // namespace

Cursor first_cursor(const ScheduleOptions& options, Timestamp now, Timestamp evaluate_from) {
  const Timestamp current = align_down(now, options.interval);
  if (evaluate_from <= 0 || evaluate_from >= now)
    return {.last_end = current, .history_end = current};
  return {.last_end = align_down(evaluate_from, options.interval), .history_end = current};
}

Timestamp next_end(const ScheduleOptions& options, const Cursor& cursor) {
  // After a change of the interval, the cursor may not be a multiple of the new one.
  return align_down(cursor.last_end, options.interval) + options.interval;
}

Timestamp next_due(const ScheduleOptions& options, const Cursor& cursor) {
  return next_end(options, cursor) + options.delay;
}

SkippedWindows skip_missed(const ScheduleOptions& options, Timestamp now, Cursor& cursor) {
  const Timestamp first = next_end(options, cursor);
  const Timestamp bound = now - options.delay - options.catchup_max;
  if (first >= bound || first <= cursor.history_end) return {};
  const Timestamp last = align_down(bound - 1, options.interval);
  if (last < first) return {};
  cursor.skipped_from = cursor.last_end;
  cursor.skipped_to = cursor.last_end = last;
  return {static_cast<uint64_t>((last - first) / options.interval) + 1, first, last};
}

}  // namespace tocsin
