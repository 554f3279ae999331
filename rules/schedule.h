// When a rule's windows are evaluated: aligned ends, a cursor, and how far back missed windows are
// caught up.
#pragma once

#include <cstdint>

#include "db/base/time.h"

namespace tocsin {

/// How far a rule has been evaluated. Stored with the rule's state.
struct Cursor {
  Timestamp last_end = 0;  ///< end of the last window evaluated or skipped
  /// Windows that end up to here are history requested by `evaluate_from`. `catchup_max` does not
  /// apply to them, so that a restart in the middle changes nothing.
  Timestamp history_end = 0;
  /// The windows skipped last, in (from, to]; 0: none. If `to` turns out to be in the future, the
  /// clock was ahead, and evaluation continues after `from`.
  Timestamp skipped_from = 0;
  Timestamp skipped_to = 0;
  bool operator==(const Cursor&) const = default;
};

struct ScheduleOptions {
  Duration interval = kMinute;  ///< > 0; windows end at its multiples since the epoch
  Duration delay = 0;           ///< a window is due this long after its end
  Duration catchup_max = kDay;  ///< windows that ended earlier are skipped
};

/// Where a new rule starts: at the window that contains `now` or, with `evaluate_from` > 0, at the
/// one that contains that time.
Cursor first_cursor(const ScheduleOptions& options, Timestamp now, Timestamp evaluate_from);

/// End of the next window.
Timestamp next_end(const ScheduleOptions& options, const Cursor& cursor);
/// When the next window is due.
Timestamp next_due(const ScheduleOptions& options, const Cursor& cursor);

/// Missed windows older than `catchup_max`.
struct SkippedWindows {
  uint64_t count = 0;
  Timestamp first_end = 0;
  Timestamp last_end = 0;
};
/// Moves the cursor past windows that are too old, and returns them.
SkippedWindows skip_missed(const ScheduleOptions& options, Timestamp now, Cursor& cursor);

}  // namespace tocsin
