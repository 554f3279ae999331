// Brings the state of a rule back after the clock was ahead for a while: its windows were evaluated
// up to a time that is still to come, and it would be silent until then.
#pragma once

#include "db/base/time.h"
#include "rules/schedule.h"
#include "rules/state.h"

namespace tocsin {

/// Whether windows were evaluated that end after `now` by more than an interval and a minute: more
/// than a small correction of the clock explains.
bool is_ahead(const Cursor& cursor, Duration interval, Timestamp now);

/// Moves the cursor back to `now`, or, if the jump of the clock skipped windows, to the last window
/// before it, and everything else in the state that is later than that. Instances keep their phase:
/// the next window decides whether they still match.
void rewind_to(const ScheduleOptions& options, Timestamp now, RuleState& state);

/// Moves the times of all instances that are later than `end` back to it.
void rewind_instances(Timestamp end, RuleState& state);

}  // namespace tocsin
