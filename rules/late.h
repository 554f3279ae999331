// Which windows late events have touched: bookkeeping of the snapshot that each recent window was
// evaluated on, and of the version of the rule that did it.
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

/// Runs that are kept; beyond it neighbours are joined with the older commit, which at worst
/// evaluates a window once more for nothing.
inline constexpr size_t kEvaluatedRunsMax = 512;

/// A hash of everything about a rule that decides whether a window matches: its query, the
/// parameters that stand in it, how often and for how long. Severities and texts do not count.
std::string rule_version_of(const Rule& rule, const std::map<std::string, Value>& parameters,
                            const TimeZone& zone);

/// The judge of the windows to come. If it is another one, those evaluated so far are forgotten:
/// to evaluate them once more by another rule would find what no late event has caused.
void set_rule_version(RuleState& state, const std::string& version);

/// Notes that the window that ends at `end` was evaluated on a snapshot at least as new as the
/// commit. Overwrites what was noted for it before.
void note_evaluated(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp end,
                    uint64_t commit_number);

/// Forgets windows that ended before `oldest`.
void forget_evaluated(std::vector<EvaluatedRun>& runs, Duration interval, Timestamp oldest);

/// Ends of the noted windows of that length that overlap a segment whose newest row came after the
/// window was evaluated, but not after `settled_commit`; ascending.
std::vector<Timestamp> touched_windows(const std::vector<EvaluatedRun>& runs, Duration interval,
                                       Duration range, const std::vector<SegmentInfo>& segments,
                                       uint64_t settled_commit);

}  // namespace tocsin
