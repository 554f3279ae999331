// What a rule remembers between evaluations: its cursor, its instances, and which snapshot each
// recent window was evaluated on, and by which version of the rule. One value per rule in the
// store's small table.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "query/base/value.h"
#include "rules/alert.h"
#include "rules/lifecycle.h"
#include "rules/schedule.h"

namespace tocsin {

/// The `by` columns of one instance, by name.
using GroupValues = std::vector<std::pair<std::string, Value>>;

/// Consecutive windows, by their ends, in which an instance matched.
struct MatchRun {
  Timestamp first_end = 0;
  Timestamp last_end = 0;
  Timestamp fired_at = 0;  ///< end of the window at which it began to fire; 0: it never did
  bool closed = false;     ///< ended: the instance resolved, or was pending no more
  bool late = false;       ///< found by a late evaluation
  bool retracted = false;  ///< late events showed that it would not have fired
  bool operator==(const MatchRun&) const = default;
};

/// One alert instance: rule and group.
struct Instance {
  GroupValues group;
  LifecycleState life;
  AlertEvent last_event;       ///< the newest one; only of an instance that is pending or firing
  std::vector<MatchRun> runs;  ///< ascending; kept while a baseline or a late evaluation may ask
};

/// Windows that were evaluated on snapshots at least as new as a commit.
struct EvaluatedRun {
  Timestamp first_end = 0;
  Timestamp last_end = 0;
  uint64_t commit_number = 0;
  bool operator==(const EvaluatedRun&) const = default;
};

struct RuleState {
  Cursor cursor;
  uint64_t blind_windows = 0;  ///< evaluations in a row in which no event matched at all
  std::map<std::string, Instance> instances;  ///< by fingerprint
  std::string rule_version;  ///< which version of the rule evaluated them (late.h); empty: unknown
  std::vector<EvaluatedRun> evaluated;  ///< ascending, of the last `late_max`
};

/// JSON, so that people can read it. Unknown keys are ignored.
std::string encode_state(const RuleState& state);
Result<RuleState> decode_state(std::string_view text);

/// XXH3-64, in 16 hex digits, of the rule's name and the group's columns sorted by name; each piece
/// with its length before it, so that no two different groups give the same bytes.
std::string fingerprint(std::string_view rule, const GroupValues& group);

/// Key of a rule's state in SmallTable::kRules.
std::string state_key(std::string_view rule);

}  // namespace tocsin
