// Finds windows that late events fell into. For that, a rule records the commit on which each
// recent window was evaluated, and the version of the rule that evaluated it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "db/segment/segment.h"
#include "query/base/value.h"
#include "rules/rule.h"
#include "rules/state.h"

namespace tocsin {

/// Most runs that are kept. Beyond that, neighbours are joined under the older commit; at worst a
/// window is re-evaluated needlessly.
inline constexpr size_t kEvaluatedRunsMax = 512;

/// A hash of everything that decides whether a rule matches: its query, the parameters used there,
/// the time zone, `interval` and `for`. Severities and texts do not count.
std::string rule_version_of(const Rule& rule, const std::map<std::string, Value>& parameters,
                            const TimeZone& zone);

/// Sets the version that evaluates from now on. If it changes, the windows evaluated so far are
/// forgotten: re-evaluating them with another rule would report differences that no late event
/// caused.
void set_rule_version(RuleState& state, const std::string& version);

/// Records that the window that ends at `end` was evaluated on a snapshot at least as new as the
/// commit. Replaces an earlier record of the window.
void note_evaluated(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp end,
                    uint64_t commit_number);

/// Forgets windows that ended before `oldest`.
void forget_evaluated(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp oldest);

/// Ends of the recorded windows, ascending, that overlap a segment whose newest row was committed
/// after the window was evaluated but not after `settled_commit`. `range` is a window's length.
std::vector<Timestamp> touched_windows(const std::vector<EvaluatedRun>& runs, Duration interval,
                                       Duration range, const std::vector<SegmentInfo>& segments,
                                       uint64_t settled_commit);

}  // namespace tocsin
