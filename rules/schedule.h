// When a rule's windows are evaluated: arithmetic of aligned ends, a cursor, and the bound of
// catching up.
#pragma once

#include <cstdint>

#include "db/base/time.h"

namespace tocsin {

/// Where a rule stands. Durable with the rule's state.
struct Cursor {
  Timestamp last_end = 0;  ///< end of the last window evaluated or skipped
  /// Windows that end up to here are history that the rule was asked to evaluate (evaluate_from):
  /// the bound of catching up does not apply to them, so that a restart in the middle changes
  /// nothing.
  Timestamp history_end = 0;
  bool operator==(const Cursor&) const = default;
};

struct ScheduleOptions {
  Duration interval = kMinute;  ///< > 0; ends of windows are its multiples since the epoch
  Duration delay = 0;           ///< a window is due this long after its end
  Duration catchup_max = kDay;  ///< windows that ended earlier are skipped
};

/// Where a rule seen for the first time starts: at the window that holds `now`, or, with
/// `evaluate_from` > 0, at the one that holds that time.
Cursor first_cursor(const ScheduleOptions& options, Timestamp now, Timestamp evaluate_from);

/// End of the next window.
Timestamp next_end(const ScheduleOptions& options, const Cursor& cursor);
/// When the next window is due.
Timestamp next_due(const ScheduleOptions& options, const Cursor& cursor);

/// Windows missed beyond the bound.
struct SkippedWindows {
  uint64_t count = 0;
  Timestamp first_end = 0;
  Timestamp last_end = 0;
};
/// Moves the cursor over windows that are too old, and says which.
SkippedWindows skip_missed(const ScheduleOptions& options, Timestamp now, Cursor& cursor);

}  // namespace tocsin
