// Evaluates one rule's windows and commits what comes of them.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
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
#include "rules/schedule.h"
#include "rules/state.h"

namespace tocsin {

/// Windows without events whose states may wait for one commit together.
inline constexpr size_t kDeferredWindowsMax = 100;
inline constexpr std::chrono::milliseconds kDeferredTimeMax{1'000};
/// Windows that one look for late events evaluates; the rest follows at the next.
inline constexpr size_t kLateWindowsMax = 50;
/// Times that a window's query may fail, for a reason that will not pass by itself, before the
/// window is given up.
inline constexpr uint32_t kQueryTriesMax = 3;
/// After so many windows in a row without any matching event a rule is blind.
inline constexpr uint64_t kBlindWindowsMin = 3;

/// A loaded rule with its state. Owned by the engine, used by one thread at a time.
struct ActiveRule {
  CompiledRule compiled;
  RuleState state;
  RuleStatus status;
  bool learning = true;            ///< no group is known to have a baseline
  uint32_t failed_tries = 0;       ///< of the next window
  std::string given_up;            ///< why the window before was given up; empty: it was not
  uint64_t late_check_commit = 0;  ///< newest commit when late events were looked for last
  Timestamp late_check_at = 0;     ///< when that was; 0: never
  std::string late_error;          ///< why the last look for late events that found any failed

  ScheduleOptions schedule(const RuleEngineOptions& options) const {
    return {compiled.rule.interval, options.delay, options.catchup_max};
  }
};

/// One window, one commit: alert rows, rule state and outbox entries together. While nothing is to
/// be told, up to kDeferredWindowsMax states wait and are committed together. That is safe: a state
/// holds its cursor, so after a crash the rule goes on from the older state and sees the same
/// windows again, and the same windows give the same state; nothing had been told that could be
/// told twice. Not thread-safe.
class RuleRunner {
 public:
  RuleRunner(Database& database, const QueryEngine& queries, const Clock& clock,
             const RuleEngineOptions& options)
      : database_(database), queries_(queries), clock_(clock), options_(options) {}

  /// Evaluates the rule's next window, which must be due. When the evaluation fails, or the commit
  /// of its events, the rule is as before; states without events may be ahead of a store that
  /// fails. A window whose query fails again and again is given up (ActiveRule::given_up), which is
  /// no error.
  Status evaluate_next(ActiveRule& rule, const std::atomic<bool>* stop);
  /// Evaluates windows that late events touched once more, if it is time to look for any. Those
  /// that cannot be evaluated stay as they were judged. Returns when to look again.
  Result<Timestamp> reevaluate_late(ActiveRule& rule, const std::atomic<bool>* stop);
  /// Commits states that wait.
  Status flush();
  /// Commits events that belong to no window of a rule, with changes of small tables.
  Status commit(const std::vector<AlertEvent>& events, std::vector<SmallChange> changes);
  /// Must be called before a rule with a waiting state goes away.
  void forget(ActiveRule& rule) { deferred_.erase(&rule); }

 private:
  Result<Evaluation> evaluate(const ActiveRule& rule, Timestamp end,
                              const std::atomic<bool>* stop) const;
  Status note_failure(ActiveRule& rule, RuleState state, std::vector<AlertEvent> events,
                      Timestamp end, const Error& error);
  Result<std::vector<Evaluation>> evaluate_again(ActiveRule& rule,
                                                 const std::vector<Timestamp>& ends,
                                                 const std::atomic<bool>* stop) const;
  ApplyOptions apply_options(const ActiveRule& rule) const;
  Status finish(ActiveRule& rule, RuleState state, const std::vector<AlertEvent>& events);
  Result<uint64_t> newest_commit() const;
  Result<Timestamp> ready_at(const ActiveRule& rule) const;
  Result<std::vector<AlertEvent>> skip_old_windows(const ActiveRule& rule, RuleState& state) const;
  Result<std::vector<Timestamp>> late_windows(ActiveRule& rule, uint64_t settled_commit) const;

  Database& database_;
  const QueryEngine& queries_;
  const Clock& clock_;
  const RuleEngineOptions& options_;
  std::optional<OutboxSequence> sequence_;  // read when it is needed first
  std::set<ActiveRule*> deferred_;          // with a state that waits
  size_t deferred_windows_ = 0;
  std::chrono::steady_clock::time_point deferred_since_;
};

}  // namespace tocsin
