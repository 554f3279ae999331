// The engine: loads rules, picks the rule to evaluate next, and publishes the status. Two locks:
// `work_mutex` for rules and their states, held for one window at a time; `status_mutex` for the
// copy that status() returns, never held during an evaluation.
#include "rules/engine.h"

#include <algorithm>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/log.h"
#include "db/base/mutex.h"
#include "rules/alert_size.h"
#include "rules/late.h"
#include "rules/rewind.h"
#include "rules/rule_set.h"
#include "rules/runner.h"
#include "rules/self_alert.h"

namespace tocsin {
namespace {

constexpr Duration kRetryPause = 10 * kSecond;  // before a failed evaluation is retried
constexpr Duration kCaughtUpPause = kSecond;    // between calls of options.caught_up
constexpr const char* kBrokenFileRule = "RuleFileBroken";
constexpr const char* kBrokenFileState = "self/RuleFileBroken";
constexpr const char* kRetentionRule = "RetentionWaits";
constexpr const char* kRetentionState = "self/RetentionWaits";
constexpr size_t kNamesMax = 3;  // rules that a message names

RuleHealth health_of(const ActiveRule& rule) {
  if (!rule.status.last_error.empty()) return RuleHealth::kFailing;
  if (rule.state.blind_windows >= kBlindWindowsMin) return RuleHealth::kBlind;
  if (rule.compiled.baseline_depth > 0 && rule.learning) return RuleHealth::kLearning;
  return RuleHealth::kOk;
}

// The event that ends an instance whose rule was removed.
AlertEvent closing_event(const Instance& instance, Timestamp now) {
  AlertEvent event = instance.last_event;
  const bool firing = instance.life.phase == AlertState::kFiring;
  event.state = firing ? AlertState::kResolved : AlertState::kInactive;
  event.time = std::max(now, event.time);
  event.written_at = now;
  event.annotations["note"] = "the rule was removed";
  if (firing) {
    event.notified = instance.life.notified;
    not_sent_unless_notified(event);
  }
  event.samples.clear();
  cut_alert(event);
  return event;
}

}  // namespace

struct RuleEngine::Impl {
  Impl(Database& db, const QueryEngine& query_engine, const Clock& the_clock,
       RuleEngineOptions the_options)
      : database(db),
        queries(query_engine),
        clock(the_clock),
        options(std::move(the_options)),
        created_at(the_clock.running()),
        silences(db, the_clock),
        runner(db, query_engine, the_clock, options, inhibit_rules, silences) {}

  // Functions for loading.
  RuleLoadReport load(const std::vector<RuleFile>& files, const RuleEngineOptions* changed);
  void change_options(const RuleEngineOptions& changed) TOCSIN_REQUIRES(work_mutex);
  Result<std::unique_ptr<ActiveRule>> activate(CompiledRule compiled) const;
  Result<RuleState> stored_state(const CompiledRule& compiled) const;
  void connect_inhibitors(const std::map<std::string, std::set<std::string>>& inhibits)
      TOCSIN_REQUIRES(work_mutex);
  Status retire(const std::string& name, const RuleState& state) TOCSIN_REQUIRES(work_mutex);
  Status retire_orphans() TOCSIN_REQUIRES(work_mutex);
  Status report_broken_files(const RuleSet& set) TOCSIN_REQUIRES(work_mutex);
  Status report_standing(const char* name, const char* key,
                         const std::vector<std::pair<GroupValues, std::string>>& current)
      TOCSIN_REQUIRES(work_mutex);

  // Functions for evaluating.
  bool may_start();
  void rewind_rules();
  void report_retention();
  void report_unsilenced();
  ActiveRule* next_rule(Timestamp now, const std::set<const ActiveRule*>& failed) const
      TOCSIN_REQUIRES(work_mutex);
  bool step(const std::atomic<bool>* stop, std::set<const ActiveRule*>& failed);
  Timestamp finish_round(const std::atomic<bool>* stop);
  void note_late_failure(ActiveRule& rule, const Error& error) const;
  void publish(const ActiveRule& rule) TOCSIN_REQUIRES(work_mutex);
  void publish_all() TOCSIN_REQUIRES(work_mutex);

  Database& database;
  const QueryEngine& queries;
  const Clock& clock;
  // may_start() reads those that never change, everything else under work_mutex.
  RuleEngineOptions options;

  const Duration created_at;  // running time
  // Used by the evaluating thread only.
  bool started = false;
  std::optional<bool> retention_alert;  // whether it fires; unknown after a start

  SilenceBook silences;

  // While a load waits, the evaluating thread does not take work_mutex again.
  std::atomic<int> loads_waiting{0};
  Mutex work_mutex;
  std::vector<InhibitRule> inhibit_rules TOCSIN_GUARDED_BY(work_mutex);
  RuleRunner runner TOCSIN_GUARDED_BY(work_mutex);
  // Standing alerts about Tocsin itself, by the key of their state.
  struct Standing {
    const char* name = nullptr;
    std::vector<std::pair<GroupValues, std::string>> current;
    bool held_back = false;
  };
  std::map<std::string, Standing> standing TOCSIN_GUARDED_BY(work_mutex);
  std::vector<std::unique_ptr<ActiveRule>> rules TOCSIN_GUARDED_BY(work_mutex);

  mutable Mutex status_mutex;
  std::map<std::string, RuleStatus> statuses TOCSIN_GUARDED_BY(status_mutex);
};

void RuleEngine::Impl::change_options(const RuleEngineOptions& changed) {
  options.routes = changed.routes;
  options.parameters = changed.parameters;
  options.zone = changed.zone;
  options.delay = changed.delay;
  options.evaluate_from = changed.evaluate_from;
  options.catchup_max = changed.catchup_max;
  options.late_max = changed.late_max;
  options.late_settle = changed.late_settle;
  options.exclude_max = changed.exclude_max;
  options.sample_count = changed.sample_count;
}

RuleLoadReport RuleEngine::Impl::load(const std::vector<RuleFile>& files,
                                      const RuleEngineOptions* changed) {
  ++loads_waiting;
  const MutexLock lock(work_mutex);
  --loads_waiting;
  if (const Status flushed = runner.flush(); !flushed) {
    RuleLoadReport report;  // the old rules stay: their uncommitted state must not be lost
    report.errors.push_back("cannot store the state of rules: " + flushed.error().message);
    return report;
  }
  if (changed != nullptr) change_options(*changed);
  if (const Status opened = silences.open(); !opened) {
    RuleLoadReport report;  // without them, alerts would be sent that are silenced
    report.errors.push_back("cannot read the silences: " + opened.error().message);
    return report;
  }
  PreviousRules previous{{}, inhibit_rules, *silences.list()};
  for (const auto& rule : rules) previous.rules.push_back(&rule->compiled);
  RuleSet set =
      load_rule_set(files, previous, queries, {options.parameters, options.zone, clock.now()});

  std::vector<std::unique_ptr<ActiveRule>> before = std::exchange(rules, {});
  std::vector<SmallChange> changes;
  for (CompiledRule& compiled : set.rules) {
    const std::string version = rule_version_of(compiled.rule, compiled.parameters, options.zone);
    const auto known = std::find_if(before.begin(), before.end(), [&](const auto& rule) {
      return rule && rule->compiled.rule.name == compiled.rule.name;
    });
    if (known == before.end()) {
      const std::string name = compiled.rule.name;
      auto rule = activate(std::move(compiled));
      if (!rule) {
        set.report.errors.push_back(
            fmt::format("cannot read the state of rule {}: {}", name, rule.error().message));
        continue;
      }
      set_rule_version((*rule)->state, version);
      changes.push_back({SmallTable::kRules, state_key(name), encode_state((*rule)->state)});
      rules.push_back(*std::move(rule));
      continue;
    }
    set_rule_version((*known)->state, version);
    (*known)->compiled = std::move(compiled);
    (*known)->learning = true;
    rules.push_back(std::move(*known));
  }
  inhibit_rules = std::move(set.inhibit_rules);
  silences.set_file_silences(std::move(set.silences));
  connect_inhibitors(set.inhibits);
  Status stored = runner.commit_each(std::move(changes));
  for (const auto& rule : before) {
    if (!rule) continue;
    runner.forget(*rule);
    if (stored) stored = retire(rule->compiled.rule.name, rule->state);
  }
  if (stored && set.report.errors.empty()) stored = retire_orphans();
  if (stored) stored = report_broken_files(set);
  if (!stored) {
    set.report.errors.push_back("cannot store the state of rules: " + stored.error().message);
  }
  publish_all();
  return std::move(set.report);
}

// Tells each rule which others may inhibit it.
void RuleEngine::Impl::connect_inhibitors(
    const std::map<std::string, std::set<std::string>>& inhibits) {
  for (const auto& rule : rules) {
    rule->inhibited_by.clear();
    rule->inhibits_range = 0;
  }
  for (const auto& source : rules) {
    const auto targets = inhibits.find(source->compiled.rule.name);
    if (targets == inhibits.end()) continue;
    for (const auto& target : rules) {
      if (!targets->second.contains(target->compiled.rule.name)) continue;
      target->inhibited_by.push_back(source.get());
      source->inhibits_range = std::max(source->inhibits_range, target->compiled.range);
    }
  }
}

Result<std::unique_ptr<ActiveRule>> RuleEngine::Impl::activate(CompiledRule compiled) const {
  auto rule = std::make_unique<ActiveRule>();
  TOCSIN_TRY(rule->state, stored_state(compiled));
  rule->compiled = std::move(compiled);
  return rule;
}

// A read error may be temporary, so the rule must not start over because of it. A state that cannot
// be decoded stays damaged: the rule starts over.
Result<RuleState> RuleEngine::Impl::stored_state(const CompiledRule& compiled) const {
  TOCSIN_TRY(const std::optional<std::string> stored,
             database.get(SmallTable::kRules, state_key(compiled.rule.name)));
  if (stored) {
    Result<RuleState> state = decode_state(*stored);
    if (state) return state;
    log(LogLevel::kError, fmt::format("rule {} starts over, without its earlier state: {}",
                                      compiled.rule.name, state.error().message));
  }
  RuleState state;
  state.cursor = first_cursor({compiled.rule.interval, options.delay, options.catchup_max},
                              clock.now(), options.evaluate_from);
  return state;
}

// One commit for each rule, because many rules together could exceed the size of a commit.
Status RuleEngine::Impl::retire(const std::string& name, const RuleState& state) {
  std::vector<AlertEvent> events;
  for (const auto& [fingerprint, instance] : state.instances) {
    if (instance.life.phase == AlertState::kInactive) continue;
    events.push_back(closing_event(instance, clock.now()));
  }
  return runner.commit(events, {{SmallTable::kRules, state_key(name), std::nullopt}});
}

// Ends the instances of rules that were removed while Tocsin was not running.
Status RuleEngine::Impl::retire_orphans() {
  std::set<std::string> keys;
  for (const auto& rule : rules) keys.insert(state_key(rule->compiled.rule.name));
  const auto stored = database.list(SmallTable::kRules, state_key(""));
  if (!stored) return {};  // tried again at the next load
  for (const SmallEntry& entry : *stored) {
    if (keys.contains(entry.key)) continue;
    const Result<RuleState> state = decode_state(entry.value);
    TOCSIN_RETURN_IF_ERROR(
        retire(entry.key.substr(state_key("").size()), state ? *state : RuleState{}));
  }
  return {};
}

Status RuleEngine::Impl::report_broken_files(const RuleSet& set) {
  std::vector<std::pair<GroupValues, std::string>> current;
  for (const auto& [file, error] : set.broken) {
    current.push_back({{{"file", Value::of(file)}}, error});
  }
  return report_standing(kBrokenFileRule, kBrokenFileState, current);
}

// Stores the events of a standing SELF alert whose state is stored under `key`, and its new state.
Status RuleEngine::Impl::report_standing(
    const char* name, const char* key,
    const std::vector<std::pair<GroupValues, std::string>>& current) {
  RuleState state;
  const auto stored = database.get(SmallTable::kRules, key);
  if (stored && *stored) state = decode_state(**stored).value_or(RuleState{});
  const std::vector<AlertEvent> events =
      standing_self_alerts(name, current, clock.now(), runner.hold_back_self(), state);
  if (events.empty()) return {};
  standing[key] = {name, current,
                   std::any_of(events.begin(), events.end(),
                               [](const AlertEvent& event) { return event.only_stored; })};
  return runner.commit(events, {{SmallTable::kRules, key, encode_state(state)}});
}

// Windows must not be evaluated before the events of the followed files are in the database.
bool RuleEngine::Impl::may_start() {
  if (started) return true;
  if (!options.caught_up || options.caught_up()) {
    started = true;
  } else if (clock.running() >= created_at + options.catchup_wait) {
    started = true;
    const std::string summary = fmt::format(
        "evaluation starts although some followed files have not been read up to the size they had "
        "at start: rules.catchup_wait ({}) is over, and alerts may be wrong for the time they "
        "cover",
        format_duration(options.catchup_wait));
    log(LogLevel::kWarning, summary);
    const MutexLock lock(work_mutex);
    const Status stored = runner.commit(
        passing_self_alert("CatchupWaitOver", {}, summary, clock.now(), runner.hold_back_self()),
        {});
    if (!stored) log(LogLevel::kError, stored.error().message);
  }
  return started;
}

// After the clock was ahead: rules that were evaluated up to a time that is still to come.
void RuleEngine::Impl::rewind_rules() {
  const MutexLock lock(work_mutex);
  const Timestamp now = clock.now();
  std::vector<std::pair<ActiveRule*, RuleState>> rewound;
  std::vector<SmallChange> changes;
  Timestamp ahead_to = 0, continues_at = kTimeMax;
  for (const auto& rule : rules) {
    if (!is_ahead(rule->state.cursor, rule->compiled.rule.interval, now)) continue;
    RuleState state = rule->state;
    ahead_to = std::max(ahead_to, state.cursor.last_end);
    rewind_to(rule->schedule(options), now, state);
    continues_at = std::min(continues_at, state.cursor.last_end);
    changes.push_back(
        {SmallTable::kRules, state_key(rule->compiled.rule.name), encode_state(state)});
    rewound.emplace_back(rule.get(), std::move(state));
  }
  if (rewound.empty()) return;
  std::vector<std::string> names;
  for (const auto& [rule, state] : rewound) {
    if (names.size() < kNamesMax) names.push_back(rule->compiled.rule.name);
  }
  const std::string summary = fmt::format(
      "the clock was ahead: {} rule{} ({}{}) had been evaluated up to {}, which is in the future; "
      "{} after {}, and windows in between may have been evaluated without their events",
      rewound.size(), rewound.size() == 1 ? "" : "s", fmt::join(names, ", "),
      rewound.size() > kNamesMax ? ", ..." : "", format_time_short(ahead_to),
      rewound.size() == 1 ? "it continues" : "they continue", format_time_short(continues_at));
  const Status stored =
      runner.commit(passing_self_alert("ClockWasAhead", {}, summary, now, runner.hold_back_self()),
                    std::move(changes));
  if (!stored) return log(LogLevel::kError, stored.error().message);  // the next call tries again
  log(LogLevel::kWarning, summary);
  for (auto& [rule, state] : rewound) {
    rule->state = std::move(state);
    publish(*rule);
  }
}

// Keeps the alert about days that retention does not drop yet up to date.
void RuleEngine::Impl::report_retention() {
  const std::string waits = database.counters().retention_waits;
  if (retention_alert == !waits.empty()) return;
  std::vector<std::pair<GroupValues, std::string>> current;
  if (!waits.empty()) current.push_back({{}, waits});
  const MutexLock lock(work_mutex);
  const Status stored = report_standing(kRetentionRule, kRetentionState, current);
  if (!stored) return log(LogLevel::kError, stored.error().message);  // the next call tries again
  retention_alert = !waits.empty();
}

// Sends standing alerts about Tocsin itself whose silence has ended.
void RuleEngine::Impl::report_unsilenced() {
  const MutexLock lock(work_mutex);
  for (const auto& [key, alert] : std::map(standing)) {
    if (!alert.held_back) continue;
    const Status stored = report_standing(alert.name, key.c_str(), alert.current);
    if (!stored) log(LogLevel::kError, stored.error().message);  // the next call tries again
  }
}

// The rule with the window that ended first. Of equal windows, those of rules that inhibit others
// come first: `rules` has that order. Rules whose last evaluation failed come last.
ActiveRule* RuleEngine::Impl::next_rule(Timestamp now,
                                        const std::set<const ActiveRule*>& failed) const {
  ActiveRule* best = nullptr;
  std::pair<bool, Timestamp> best_rank;
  for (const auto& rule : rules) {
    const ScheduleOptions schedule = rule->schedule(options);
    if (next_due(schedule, rule->state.cursor) > now || failed.contains(rule.get())) continue;
    const std::pair<bool, Timestamp> rank{!rule->status.last_error.empty(),
                                          next_end(schedule, rule->state.cursor)};
    if (best && best_rank <= rank) continue;
    best = rule.get();
    best_rank = rank;
  }
  return best;
}

bool RuleEngine::Impl::step(const std::atomic<bool>* stop, std::set<const ActiveRule*>& failed) {
  while (loads_waiting > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const MutexLock lock(work_mutex);
  ActiveRule* rule = next_rule(clock.now(), failed);
  if (!rule) return false;
  const Status done = runner.evaluate_next(*rule, stop);
  if (!done && done.error().code == ErrorCode::kCancelled) return false;  // `stop`
  const std::string error = done ? "" : done.error().message;
  if (!done && error != rule->status.last_error) {  // once, not at every retry
    log(LogLevel::kWarning, fmt::format("rule {}: {}", rule->compiled.rule.name, error));
  }
  rule->status.last_error = done ? rule->given_up : error;
  if (!done) failed.insert(rule);
  publish(*rule);
  return true;
}

// After all due windows: looks for late events and commits states that still wait.
Timestamp RuleEngine::Impl::finish_round(const std::atomic<bool>* stop) {
  const MutexLock lock(work_mutex);
  const Timestamp now = clock.now();
  Timestamp next = now + kMinute;
  for (const auto& rule : rules) {
    if (stop && *stop) break;
    if (rule->status.last_error.empty()) {
      next = std::min(next, next_due(rule->schedule(options), rule->state.cursor));
    } else {
      next = std::min(next, now + kRetryPause);
    }
    const Result<Timestamp> again = runner.reevaluate_late(*rule, stop);
    if (again) next = std::min(next, *again);
    if (!again) note_late_failure(*rule, again.error());
  }
  if (const Status stored = runner.flush(); !stored) {
    log(LogLevel::kError, "cannot store the state of rules: " + stored.error().message);
    next = std::min(next, now + kRetryPause);
  }
  return next;
}

// Logs an error once, not at every retry.
void RuleEngine::Impl::note_late_failure(ActiveRule& rule, const Error& error) const {
  if (error.code == ErrorCode::kCancelled || error.message == rule.late_error) return;
  log(LogLevel::kWarning, fmt::format("rule {}: cannot re-evaluate windows for late events: {}",
                                      rule.compiled.rule.name, error.message));
  rule.late_error = error.message;
}

void RuleEngine::Impl::publish(const ActiveRule& rule) {
  RuleStatus status = rule.status;
  const Rule& source = rule.compiled.rule;
  status.name = source.name;
  status.type = source.type;
  status.group = source.group;
  status.file = source.file;
  status.query = source.expr.text;
  status.interval = source.interval;
  status.hold = source.hold;
  status.keep_firing_for = source.keep_firing_for;
  status.labels = source.labels;
  for (const auto& [name, text] : source.annotations) status.annotations[name] = text.text;
  status.health = health_of(rule);
  const bool evaluated = status.evaluations > 0 || !rule.state.evaluated.empty();
  if (evaluated) status.last_window_end = rule.state.cursor.last_end;
  status.next_due = next_due(rule.schedule(options), rule.state.cursor);
  for (const auto& [fingerprint, instance] : rule.state.instances) {
    if (instance.life.phase != AlertState::kInactive) status.active.push_back(instance.last_event);
    if (instance.forgotten_at == 0) continue;
    const AlertEvent event = make_event(source, fingerprint, instance.group, {}, 0);
    status.forgotten.push_back({fingerprint, event.labels, instance.forgotten_at});
  }
  const MutexLock lock(status_mutex);
  statuses[source.name] = std::move(status);
}

void RuleEngine::Impl::publish_all() {
  {
    const MutexLock lock(status_mutex);
    statuses.clear();
  }
  for (const auto& rule : rules) publish(*rule);
}

RuleEngine::RuleEngine(Database& database, const QueryEngine& queries, const Clock& clock,
                       RuleEngineOptions options)
    : impl_(std::make_unique<Impl>(database, queries, clock, std::move(options))) {}

RuleEngine::~RuleEngine() = default;

RuleLoadReport RuleEngine::load(const std::vector<RuleFile>& files,
                                const RuleEngineOptions* changed) {
  return impl_->load(files, changed);
}

Timestamp RuleEngine::evaluate_due(const std::atomic<bool>* stop) {
  if (!impl_->may_start()) return impl_->clock.now() + kCaughtUpPause;
  impl_->rewind_rules();
  impl_->report_retention();
  impl_->report_unsilenced();
  std::set<const ActiveRule*> failed;
  while (!(stop && *stop) && impl_->step(stop, failed)) {
  }
  return impl_->finish_round(stop);
}

std::vector<RuleStatus> RuleEngine::status() const {
  const MutexLock lock(impl_->status_mutex);
  std::vector<RuleStatus> out;
  for (const auto& [name, status] : impl_->statuses) out.push_back(status);
  // A silence shows at once, not only after the next window.
  const SilenceBook::List silences = impl_->silences.list();
  const auto active = active_silences(*silences, impl_->clock.now());
  for (RuleStatus& status : out) {
    for (AlertEvent& event : status.active) {
      if (event.state != AlertState::kFiring) continue;
      HeldBack held{event.inhibited_by, {}, {}};
      add_silences(active, {match_labels(event), event.fingerprint, event.started_at}, held);
      event.hold_back(held);
    }
  }
  return out;
}

std::vector<Silence> RuleEngine::silences() const {
  std::vector<Silence> out = *impl_->silences.list();
  const Timestamp now = impl_->clock.now();
  std::map<std::string, Timestamp> firing;  // since, by fingerprint
  {
    const MutexLock lock(impl_->status_mutex);
    for (const auto& [name, status] : impl_->statuses) {
      for (const AlertEvent& event : status.active) firing[event.fingerprint] = event.started_at;
    }
  }
  // An acknowledgement ends with its firing.
  for (Silence& silence : out) {
    if (!silence.is_acknowledgement()) continue;
    const auto found = firing.find(silence.fingerprint);
    const bool fires = found != firing.end() && found->second == silence.firing_since;
    if (!fires) silence.until = std::min(silence.until, now);
  }
  return out;
}

Result<std::string> RuleEngine::put_silence(Silence silence) {
  silence.fingerprint.clear();  // only acknowledge() makes those
  return impl_->silences.put(std::move(silence));
}

Status RuleEngine::expire_silence(const std::string& id) { return impl_->silences.expire(id); }

Result<std::string> RuleEngine::acknowledge(const std::string& fingerprint, const std::string& by,
                                            const std::string& note, Timestamp until) {
  if (by.empty()) return fail(ErrorCode::kInvalid, "an acknowledgement needs a name: who has it");
  Silence silence;
  {
    const MutexLock lock(impl_->status_mutex);
    for (const auto& [name, status] : impl_->statuses) {
      for (const AlertEvent& event : status.active) {
        if (event.fingerprint != fingerprint || event.state != AlertState::kFiring) continue;
        silence.fingerprint = fingerprint;
        silence.firing_since = event.started_at;
        TOCSIN_TRY(LabelMatcher rule, make_label_matcher("alertname", event.rule, false, false));
        TOCSIN_TRY(LabelMatcher id, make_label_matcher("fingerprint", fingerprint, false, false));
        silence.matchers = {std::move(rule), std::move(id)};
      }
    }
  }
  if (silence.fingerprint.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no alert with the fingerprint `{}` fires; `from alerts` and "
                            "/api/v1/alerts list fingerprints",
                            fingerprint));
  }
  for (const Silence& known : *impl_->silences.list()) {
    if (known.is_acknowledgement() && known.fingerprint == fingerprint &&
        known.firing_since == silence.firing_since && known.until > impl_->clock.now()) {
      silence.id = known.id;
      silence.from = known.from;
    }
  }
  silence.owner = by;
  silence.comment = note;
  silence.until = until;
  return impl_->silences.put(std::move(silence));
}

const char* name_of(RuleHealth health) {
  switch (health) {
    case RuleHealth::kOk: return "ok";
    case RuleHealth::kBlind: return "blind";
    case RuleHealth::kLearning: return "learning";
    case RuleHealth::kFailing: return "failing";
  }
  return "unknown";
}

}  // namespace tocsin
