// From what one evaluation saw to new state and events; pure but for the evidence that it asks for.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "query/query.h"
#include "rules/alert.h"
#include "rules/rule.h"
#include "rules/state.h"

namespace tocsin {

/// Instances of a rule that are kept at most, and that one evaluation takes at most.
inline constexpr size_t kInstanceCountMax = 1'000;

/// One row that the rule's query left: an instance that matches.
struct ObservedRow {
  GroupValues group;  ///< in the order of the last stats' keys
  Severity severity = Severity::kMedium;
  double value = 0;                                ///< NaN: none
  double baseline = 0;                             ///< NaN: none
  std::map<std::string, std::string> annotations;  ///< rendered
};

/// What the evaluation of one window saw.
struct Evaluation {
  TimeRange window;
  std::map<std::string, ObservedRow> rows;  ///< by fingerprint
  /// Instances that cannot be judged in this window: their baseline is null.
  std::set<std::string> unknown;
  uint64_t rows_matched = 0;  ///< events over the whole range, the baseline included
  bool learning = false;      ///< there are groups, and none of them has a baseline yet
};

struct ApplyOptions {
  Timestamp written_at = 0;
  Duration new_level_after = 0;  ///< 0: the rule excludes no alerts
  /// Evidence for an instance that begins to fire in a window; may be empty.
  std::function<std::vector<std::string>(const GroupValues& group, TimeRange window)> samples;
};

/// Moves every instance on by one window, and returns what is to be told, by fingerprint. Of more
/// than kInstanceCountMax instances those go on that are active, and the most severe begin. Does
/// not touch the cursor. Requires: evaluations come in ascending order of window.
std::vector<AlertEvent> apply_evaluation(const Rule& rule, const ApplyOptions& options,
                                         const Evaluation& evaluation, RuleState& state);

/// The same for windows that were evaluated before and once more after late events came. The life
/// cycle is not rewound: an instance found only now is a firing and a resolved event, one that
/// would not have fired is retracted; all of them are marked late. While the instance fires, they
/// are only stored.
std::vector<AlertEvent> apply_late(const Rule& rule, const ApplyOptions& options,
                                   const std::vector<Evaluation>& evaluations, RuleState& state);

/// The windows, by `by` columns `keys`, that `excluding alerts` leaves out: those in which an
/// instance fired, for at most `exclude_max` of one firing.
std::vector<Exclusion> exclusions_of(const RuleState& state, const std::vector<std::string>& keys,
                                     Duration range, Duration exclude_max);

/// Forgets runs that ended before `oldest`, instances of which nothing is left, and, of more than
/// kInstanceCountMax instances, the inactive ones that matched the longest ago. Returns the end of
/// the last window in which one of these matched: what was told up to there is not known any more.
/// 0: none was forgotten so.
Timestamp forget_before(Timestamp oldest, RuleState& state);

/// An event of that instance with everything that does not depend on what it tells.
AlertEvent make_event(const Rule& rule, const std::string& fingerprint, const GroupValues& group,
                      TimeRange window, Timestamp written_at);
/// Puts what the row says into the event.
void describe_by_row(const ObservedRow& row, AlertEvent& event);

}  // namespace tocsin
