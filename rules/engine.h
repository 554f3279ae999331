// Public header of the rules: load rule files, evaluate windows that are due, report the status.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "query/query.h"
#include "rules/alert.h"
#include "rules/silence.h"

namespace tocsin {

/// A forwarder that outbox entries are written for. `net` delivers them.
struct AlertRoute {
  std::string forwarder;
  std::vector<Severity> severities;  ///< only these are sent; empty: all
  bool send_resolved = true;
};

/// What a rule's query gave for one window.
struct WindowResult {
  struct Row {
    std::string_view fingerprint;
    double value = 0, baseline = 0;  ///< kNoNumber: none
  };
  std::string_view rule;
  TimeRange window;
  uint64_t event_count = 0;  ///< that matched, the baseline's included
  bool learning = false;     ///< no group has a baseline yet
  std::vector<Row> rows;     ///< that match
};

struct RuleEngineOptions {
  std::vector<AlertRoute> routes;
  std::map<std::string, Value> parameters;  ///< `$name` of every rule; a group's `params` override
  TimeZone zone;
  Duration delay = 10 * kSecond;  ///< a window is evaluated this long after its end
  /// Where a new rule starts; 0: at the current window.
  Timestamp evaluate_from = 0;
  Duration catchup_max = kDay;         ///< older missed windows are skipped, with one SELF alert
  Duration late_max = kDay;            ///< windows this old are still re-evaluated; 0: none
  Duration late_settle = 5 * kMinute;  ///< time between two checks for late events
  Duration exclude_max = kDay;         ///< longest part of a firing to exclude
  size_t sample_count = 3;             ///< evidence events per alert
  /// Returns whether the followed files have been read up to the size they had at start. Empty:
  /// they have.
  std::function<bool()> caught_up;
  Duration catchup_wait = 10 * kMinute;  ///< evaluation starts after this even if not caught up
  /// Called from the evaluating or loading thread after a commit that added outbox entries.
  std::function<void()> outbox_changed;
  // For tests and backtests. Called from the same threads, with the events of each commit; and with
  // each window, after its events.
  std::function<void(const std::vector<AlertEvent>&)> committed;
  std::function<void(const WindowResult&)> evaluated;
};

/// The text of a rule file; `name` is used in messages.
struct RuleFile {
  std::string name;
  std::string text;
  std::string read_error = {};  ///< why the file could not be read; empty: it was
  Duration interval = kMinute;  ///< of groups that name none
};

/// What `load` did. If a rule has an error, the version that ran before continues.
struct RuleLoadReport {
  std::vector<std::string> added, changed, removed;  ///< alert names
  size_t inhibit_rule_count = 0;
  size_t silence_count = 0;
  /// Each begins with `file:line:column: `, or says why a file could not be read.
  std::vector<std::string> errors;
  std::vector<std::string> warnings;  ///< begin with `file:line: `
  /// By check_rules(): what is probably not meant in a valid rule (lint.h); begin likewise.
  std::vector<std::string> advice;
  /// Of measurements and columns that are not stored yet; begin likewise.
  std::vector<std::string> schema_warnings;
};

enum class RuleHealth { kOk, kBlind, kLearning, kFailing };
const char* name_of(RuleHealth health);

/// An instance that `forget_when` ended.
struct ForgottenAlert {
  std::string fingerprint;
  std::map<std::string, std::string> labels;  ///< the group's columns and the rule's labels
  Timestamp at = 0;
};

struct RuleStatus {
  std::string name, type, group, file;
  std::string query;  ///< as written in the file
  Duration interval = 0;
  Duration hold = 0;  ///< `for`
  Duration keep_firing_for = 0;
  std::map<std::string, std::string> labels;       ///< its own and its group's
  std::map<std::string, std::string> annotations;  ///< templates
  RuleHealth health = RuleHealth::kOk;
  std::string last_error;
  Timestamp ready_at = 0;         ///< kLearning: when a baseline may exist; 0: no events yet
  Timestamp last_window_end = 0;  ///< 0: never evaluated
  Timestamp next_due = 0;
  uint64_t evaluations = 0;               ///< since start
  Duration last_duration = 0;             ///< wall time of the last evaluation
  std::vector<AlertEvent> active;         ///< newest event of each pending or firing instance
  std::vector<ForgottenAlert> forgotten;  ///< of the last 30 days
};

/// Evaluates rules over one database and keeps their state in it. `database`, `queries` and `clock`
/// must outlive it. load, evaluate_due and status may be called from different threads.
class RuleEngine {
 public:
  RuleEngine(Database& database, const QueryEngine& queries, const Clock& clock,
             RuleEngineOptions options);
  ~RuleEngine();

  /// Replaces the rules by those in `files`. Never fails as a whole; errors are in the report. If
  /// `changed` is not null, it also replaces the options, except for the functions and
  /// `catchup_wait`.
  RuleLoadReport load(const std::vector<RuleFile>& files,
                      const RuleEngineOptions* changed = nullptr);

  /// Evaluates every window that is due by the clock, in order, and returns the time of the next
  /// one. A failed evaluation is retried at the next call and shows in status(). Returns early once
  /// `stop` is true, which also cancels a running query; may be null.
  Timestamp evaluate_due(const std::atomic<bool>* stop = nullptr);

  std::vector<RuleStatus> status() const;

  // Silences (silence_book.h). These functions may be called from any thread and do not wait for
  // evaluations.
  std::vector<Silence> silences() const;
  Result<std::string> put_silence(Silence silence);
  Status expire_silence(const std::string& id);
  /// Holds back what is sent about the firing of an alert until it ends, or until `until`. Returns
  /// the id of the silence that does. kNotFound if the alert does not fire.
  Result<std::string> acknowledge(const std::string& fingerprint, const std::string& by,
                                  const std::string& note, Timestamp until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reports all errors and warnings of rule files, and advice. Needs no database, so names that are
/// not stored are not reported.
RuleLoadReport check_rules(const std::vector<RuleFile>& files,
                           const std::map<std::string, Value>& parameters);

}  // namespace tocsin
