// The state of a rule between evaluations: its cursor, its instances, the commit on which each
// recent window was evaluated, and the version of the rule that did it. Stored as one value per
// rule in SmallTable::kRules.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/limits.h"
#include "query/base/value.h"
#include "rules/alert.h"
#include "rules/lifecycle.h"
#include "rules/schedule.h"

namespace tocsin {

/// The `by` columns of one instance, by name.
using GroupValues = std::vector<std::pair<std::string, Value>>;

/// Consecutive windows in which an instance matched, by their ends.
struct MatchRun {
  Timestamp first_end = 0;
  Timestamp last_end = 0;
  Timestamp fired_at = 0;  ///< end of the window in which it started to fire; 0: it never did
  bool closed = false;     ///< the instance resolved or is no longer pending
  bool late = false;       ///< found by re-evaluation after late events
  bool retracted = false;  ///< late events showed that it would not have fired
  Severity severity = Severity::kMedium;  ///< the highest, if it fired
  bool operator==(const MatchRun&) const = default;
};

/// One alert instance: one group of a rule.
struct Instance {
  GroupValues group;
  LifecycleState life;
  AlertEvent last_event;       ///< only while pending or firing
  Timestamp forgotten_at = 0;  ///< end of the window in which `forget_when` ended it; 0: it did not
  std::vector<MatchRun> runs;  ///< ascending; kept while a baseline or re-evaluation needs them
};

/// Consecutive windows that were evaluated on a snapshot at least as new as the commit.
struct EvaluatedRun {
  Timestamp first_end = 0;
  Timestamp last_end = 0;
  uint64_t commit_number = 0;
  bool operator==(const EvaluatedRun&) const = default;
};

struct RuleState {
  Cursor cursor;
  uint64_t blind_windows = 0;                 ///< evaluations in a row without any matching event
  std::map<std::string, Instance> instances;  ///< by fingerprint
  /// Version of the rule that evaluated these windows (late.h); empty: unknown. JSON key: `judge`.
  std::string rule_version;
  std::vector<EvaluatedRun> evaluated;  ///< ascending, for the last `late_max`
};

/// Of one text of a group in a rule's state.
inline constexpr size_t kGroupTextBytesMax = 4 * kKiB;
/// A group as a rule's state keeps it: long texts are cut. A group whose text was cut is not found
/// again by `excluding alerts`.
GroupValues stored_group(GroupValues group);

/// JSON, so that people can read it. Decoding ignores unknown keys.
std::string encode_state(const RuleState& state);
Result<RuleState> decode_state(std::string_view text);

/// XXH3-64, in 16 hex digits, of the rule's name and the group's columns sorted by name. Each piece
/// is preceded by its length, so that different groups never produce the same bytes.
std::string fingerprint(std::string_view rule, const GroupValues& group);

/// Key of a rule's state in SmallTable::kRules.
std::string state_key(std::string_view rule);

}  // namespace tocsin
