// Evaluates the windows of rules and commits the results.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "query/query.h"
#include "rules/alert_write.h"
#include "rules/engine.h"
#include "rules/evaluate.h"
#include "rules/inhibit.h"
#include "rules/schedule.h"
#include "rules/silence_book.h"
#include "rules/state.h"

namespace tocsin {

/// Most windows without alert events whose states are committed together, and how long they may
/// wait.
inline constexpr size_t kDeferredWindowsMax = 100;
inline constexpr std::chrono::milliseconds kDeferredTimeMax{1'000};
/// Most windows that one check for late events re-evaluates; the next check continues.
inline constexpr size_t kLateWindowsMax = 50;
/// After this many failures that a retry is not expected to fix, a window is given up.
inline constexpr uint32_t kQueryTriesMax = 3;
/// After this many windows in a row without any matching event, a rule is blind.
inline constexpr uint64_t kBlindWindowsMin = 3;

/// A loaded rule with its state. Owned by the engine, used by one thread at a time.
struct ActiveRule {
  CompiledRule compiled;
  RuleState state;
  RuleStatus status;
  /// Rules whose alerts may inhibit alerts of this one, perhaps itself among them.
  std::vector<const ActiveRule*> inhibited_by;
  Duration inhibits_range = 0;  ///< the longest window of the rules that it may inhibit
  bool learning = true;         ///< no group is known to have a baseline
  uint32_t failed_tries = 0;    ///< how often the next window has failed
  std::string given_up;         ///< why the previous window was given up; empty: it was not

  uint64_t late_check_commit = 0;         ///< newest commit at the last check for late events
  std::optional<Duration> late_check_at;  ///< when that was, in running time
  std::string late_error;                 ///< why the last re-evaluation failed; empty: it did not

  ScheduleOptions schedule(const RuleEngineOptions& options) const {
    return {compiled.rule.interval, options.delay, options.catchup_max};
  }
};

/// One window, one commit: alert rows, rule state and outbox entries together. As long as no alert
/// changes, up to kDeferredWindowsMax windows are committed together. That is safe: a state
/// includes its cursor, so after a crash the rule continues from the older state, evaluates the
/// same windows again and reaches the same state; no alert had been sent that could be sent twice.
/// Not thread-safe.
class RuleRunner {
 public:
  /// All references must outlive it. `inhibit_rules` may change between calls.
  RuleRunner(Database& database, const QueryEngine& queries, const Clock& clock,
             const RuleEngineOptions& options, const std::vector<InhibitRule>& inhibit_rules,
             const SilenceBook& silences)
      : database_(database),
        queries_(queries),
        clock_(clock),
        options_(options),
        inhibit_rules_(inhibit_rules),
        silences_(silences) {}

  /// Evaluates the rule's next window, which must be due. If the evaluation or the commit of its
  /// events fails, the rule is unchanged. If a commit without events fails, the state in memory may
  /// be ahead of the stored one. A window whose query fails repeatedly is given up
  /// (ActiveRule::given_up), which is not an error.
  Status evaluate_next(ActiveRule& rule, const std::atomic<bool>* stop);
  /// Re-evaluates windows that late events fell into, if a check is due. Windows that cannot be
  /// evaluated keep their earlier result. Returns the time of the next check.
  Result<Timestamp> reevaluate_late(ActiveRule& rule, const std::atomic<bool>* stop);
  /// Commits the deferred states.
  Status flush();
  /// Commits events and changes of small tables together.
  Status commit(const std::vector<AlertEvent>& events, std::vector<SmallChange> changes);
  /// Commits changes that need not be committed together.
  Status commit_each(std::vector<SmallChange> changes);
  /// For alerts of Tocsin itself, which silences hold back.
  HoldBack hold_back_self() const;
  /// Must be called before a rule with a deferred state is destroyed.
  void forget(ActiveRule& rule) { deferred_.erase(&rule); }

 private:
  Result<Evaluation> evaluate(const ActiveRule& rule, Timestamp end,
                              const std::atomic<bool>* stop) const;
  Status note_failure(ActiveRule& rule, RuleState state, std::vector<AlertEvent> events,
                      Timestamp end, const Error& error);
  Result<std::vector<Evaluation>> evaluate_again(ActiveRule& rule,
                                                 const std::vector<Timestamp>& ends,
                                                 const std::atomic<bool>* stop) const;
  HoldBack hold_back(const ActiveRule& rule, const RuleState& state) const;
  ApplyOptions apply_options(const ActiveRule& rule, const RuleState& state) const;
  Inhibitors inhibitors(const ActiveRule& rule, const RuleState& state, TimeRange window) const;
  Status finish(ActiveRule& rule, RuleState state, const std::vector<AlertEvent>& events);
  Result<uint64_t> newest_commit() const;
  Result<Timestamp> ready_at(const ActiveRule& rule) const;
  Result<std::vector<AlertEvent>> skip_old_windows(const ActiveRule& rule, RuleState& state) const;
  Result<std::vector<Timestamp>> late_windows(ActiveRule& rule, uint64_t settled_commit) const;

  Database& database_;
  const QueryEngine& queries_;
  const Clock& clock_;
  const RuleEngineOptions& options_;
  const std::vector<InhibitRule>& inhibit_rules_;
  const SilenceBook& silences_;
  std::optional<OutboxSequence> sequence_;  // loaded at the first commit
  std::set<ActiveRule*> deferred_;          // rules with a state that is not committed
  size_t deferred_windows_ = 0;
  std::chrono::steady_clock::time_point deferred_since_;
};

}  // namespace tocsin
