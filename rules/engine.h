// The rules' door: load rule files, evaluate what is due, tell what is going on.
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

namespace tocsin {

/// A forwarder as the rules see it: where outbox entries go. Delivery is net's work.
struct AlertRoute {
  std::string forwarder;
  std::vector<Severity> severities;  ///< only these; empty: all
  bool send_resolved = true;
};

struct RuleEngineOptions {
  std::vector<AlertRoute> routes;
  std::map<std::string, Value> parameters;  ///< `$name` of every rule; a group's `params` override
  TimeZone zone;
  Duration delay = 10 * kSecond;  ///< a window is evaluated this long after its end
  /// Where a rule seen for the first time starts; 0: at the current window.
  Timestamp evaluate_from = 0;
  Duration catchup_max = kDay;  ///< missed windows further back become one SELF alert
  Duration late_max = kDay;
  Duration late_settle = 5 * kMinute;
  Duration exclude_max = 3 * kDay;
  size_t sample_count = 3;  ///< evidence events per alert
  /// Whether the followed files have been read up to their size at start; empty: always.
  std::function<bool()> caught_up;
  Duration catchup_wait = 10 * kMinute;
  /// Called after a commit that put entries into the outbox; from the engine's thread.
  std::function<void()> outbox_changed;
};

/// A rule file's text; `name` is for messages.
struct RuleFile {
  std::string name;
  std::string text;
  std::string read_error = {};  ///< why there is no text; empty: it was read
};

/// What `load` did. A rule with an error keeps the version of it that ran before.
struct RuleLoadReport {
  std::vector<std::string> added, changed, removed;  ///< alert names
  /// Each with `file:line:column: `, or the reason why a file could not be read.
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

enum class RuleHealth { kOk, kBlind, kLearning, kFailing };
const char* name_of(RuleHealth health);

struct RuleStatus {
  std::string name, type, group, file;
  std::string query;  ///< as its file says it
  Duration interval = 0;
  Duration hold = 0;  ///< `for`
  Duration keep_firing_for = 0;
  std::map<std::string, std::string> labels;       ///< its own and its group's
  std::map<std::string, std::string> annotations;  ///< templates
  RuleHealth health = RuleHealth::kOk;
  std::string last_error;
  Timestamp ready_at = 0;         ///< kLearning: when a baseline may exist; 0: when events come
  Timestamp last_window_end = 0;  ///< 0: never evaluated
  Timestamp next_due = 0;
  uint64_t evaluations = 0;        ///< since start
  Duration last_duration = 0;      ///< of the evaluation, wall time
  std::vector<AlertEvent> active;  ///< pending and firing instances, each as its newest event
};

/// Evaluates rules over one database and keeps their state in it. `database`, `queries` and `clock`
/// must outlive it. load, evaluate_due and status may be called from different threads.
class RuleEngine {
 public:
  RuleEngine(Database& database, const QueryEngine& queries, const Clock& clock,
             RuleEngineOptions options);
  ~RuleEngine();

  /// Replaces the rules by those of `files`. Never fails as a whole: what is wrong is in the
  /// report.
  RuleLoadReport load(const std::vector<RuleFile>& files);

  /// Evaluates every window that is due by the clock, in order, and returns when the next one is.
  /// An evaluation that fails is retried at the next call and shows in status(). `stop` is looked
  /// at between windows; may be null.
  Timestamp evaluate_due(const std::atomic<bool>* stop = nullptr);

  std::vector<RuleStatus> status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Everything that is wrong with rule files, without a database (columns are unknown then).
RuleLoadReport check_rules(const std::vector<RuleFile>& files,
                           const std::map<std::string, Value>& parameters);

}  // namespace tocsin
