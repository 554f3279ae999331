// Applies the result of one evaluation to a rule's state and makes the events. Pure, apart from the
// callback that fetches evidence.
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

/// Most instances that a rule keeps, and most rows that one evaluation returns.
inline constexpr size_t kInstanceCountMax = 1'000;

/// How long a rule lists the instances that `forget_when` ended.
inline constexpr Duration kForgottenListed = 30 * kDay;
/// The annotation of the resolution of a forgotten instance, and its text.
inline constexpr const char* kEndedAnnotation = "ended";
inline constexpr const char* kForgottenNote = "forgotten, still silent";

/// One result row of the rule's query: an instance that matches.
struct ObservedRow {
  GroupValues group;  ///< in the order of the last stats' keys
  Severity severity = Severity::kMedium;
  double value = 0;                                ///< NaN: none
  double baseline = 0;                             ///< NaN: none
  std::map<std::string, std::string> annotations;  ///< rendered, and cut
  bool starts = true;                              ///< fulfils `starts_when`
  bool forget = false;                             ///< fulfils `forget_when`
};

/// The result of evaluating one window.
struct Evaluation {
  TimeRange window;
  std::map<std::string, ObservedRow> rows;  ///< by fingerprint
  /// Active instances without a row whose baseline is null, so that their absence proves nothing.
  std::set<std::string> unknown;
  uint64_t rows_matched = 0;  ///< events over the whole range, the baseline included
  bool learning = false;      ///< there are groups, but none has a baseline yet
};

/// An alert that fires in a window.
struct FiringAlert {
  const Rule& rule;
  const std::string& fingerprint;
  const GroupValues& group;
  Severity severity = Severity::kMedium;
  Timestamp firing_since = 0;
  TimeRange window;
};
using HoldBack = std::function<HeldBack(const FiringAlert&)>;

struct ApplyOptions {
  Timestamp written_at = 0;
  Duration new_level_after = 0;  ///< 0: the rule does not say `excluding alerts`
  size_t forwarder_count = 1;    ///< decides how long alerts may be (alert_size.h)
  /// Returns evidence for an instance that starts to fire in a window; may be empty.
  std::function<std::vector<std::string>(const GroupValues& group, TimeRange window)> samples;
  /// Returns the query that shows the events of an instance in a range; may be empty.
  std::function<std::string(const GroupValues& group, TimeRange range)> query;
  /// Returns why an alert that fires in a window is not sent; may be empty. Called once all
  /// instances of the rule have been advanced.
  HoldBack held_back;
};

/// Advances every instance by one window and returns the events, ordered by fingerprint. Beyond
/// kInstanceCountMax instances, active ones are kept, then the most severe new ones. Does not touch
/// the cursor. Requires: evaluations come in ascending order of window.
///
/// The events of instances that are held back are only stored. A firing of which nothing has been
/// sent is sent in the first window in which it matches and is not held back; if none comes,
/// neither is its resolution. One whose acknowledgement ends while it fires is sent again.
std::vector<AlertEvent> apply_evaluation(const Rule& rule, const ApplyOptions& options,
                                         const Evaluation& evaluation, RuleState& state);

/// Applies windows that were re-evaluated after late events. The life cycle is not rewound: an
/// instance found only now becomes a firing and a resolved event, and a firing that would not have
/// happened is retracted. All these events are marked late. A finding is sent from its first window
/// on in which it is not held back. Findings about the past of an instance
/// that is firing now are stored but not sent.
std::vector<AlertEvent> apply_late(const Rule& rule, const ApplyOptions& options,
                                   const std::vector<Evaluation>& evaluations, RuleState& state);

/// The windows that `excluding alerts` leaves out, for each instance: those of its firings, at most
/// `exclude_max` of each. `keys` are the rule's `by` columns.
std::vector<Exclusion> exclusions_of(const RuleState& state, const std::vector<std::string>& keys,
                                     Duration range, Duration exclude_max);

/// Forgets when instances were forgotten (Instance::forgotten_at), if that was before `oldest`.
void unlist_forgotten(Timestamp oldest, RuleState& state);

/// Forgets runs that ended before `oldest`, then inactive instances without runs, then, beyond
/// kInstanceCountMax instances, the inactive ones whose last match is oldest. Returns the end of
/// the last window in which one of the latter matched: the record of alerts up to there is
/// incomplete now. Returns 0 if the limit removed none.
Timestamp forget_before(Timestamp oldest, RuleState& state);

/// An event of the instance with the fields that do not depend on the kind of event.
AlertEvent make_event(const Rule& rule, const std::string& fingerprint, const GroupValues& group,
                      TimeRange window, Timestamp written_at);
/// For the end of a firing: it is not sent if nothing of the firing was, and names what held it
/// back only then.
void not_sent_unless_notified(AlertEvent& event);
/// Copies severity, value, baseline, annotations and summary of the row into the event.
void describe_by_row(const ObservedRow& row, AlertEvent& event);

}  // namespace tocsin
