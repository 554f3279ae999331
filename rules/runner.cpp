// The steps of one evaluation: query the window, apply its rows to the state, commit state and
// events.
#include "rules/runner.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/log.h"
#include "rules/alert_query.h"
#include "rules/alert_size.h"
#include "rules/explanation.h"
#include "rules/late.h"
#include "rules/self_alert.h"

namespace tocsin {
namespace {

constexpr size_t kLoggedAlertsMax = 20;  // of one commit
constexpr size_t kLoggedSummaryBytesMax = 200;

// How long past firings are needed: by `excluding alerts`, by late events, and by alerts that they
// inhibit.
Duration memory_of(const ActiveRule& rule, Duration late_max) {
  const CompiledRule& compiled = rule.compiled;
  const Duration inhibits =
      rule.inhibits_range + compiled.rule.interval + compiled.rule.keep_firing_for;
  return std::max(compiled.baseline_depth, late_max) +
         std::max(2 * compiled.range, rule.inhibits_range == 0 ? 0 : inhibits);
}

// The instances for which a missing row must be distinguished from a missing baseline: the active
// and the forgotten ones, or, for a re-evaluated window, all, because it may retract past firings.
std::set<std::string> instances_to_check(const RuleState& state, Timestamp end) {
  std::set<std::string> out;
  const bool again = end <= state.cursor.last_end;
  for (const auto& [fingerprint, instance] : state.instances) {
    const LifecycleState& life = instance.life;
    if (again || life.phase != AlertState::kInactive || life.forgotten) out.insert(fingerprint);
  }
  return out;
}

// Whether the same query may succeed later. Other errors come from the query itself or its data.
bool is_transient(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBusy:
    case ErrorCode::kDiskFull:
    case ErrorCode::kIo:
    case ErrorCode::kCancelled:
    case ErrorCode::kTimeout: return true;
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
    case ErrorCode::kConflict:
    case ErrorCode::kLimit:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported: return false;
  }
  return true;
}

std::string why_not_sent(const AlertEvent& event) {
  if (!event.inhibited_by.empty())
    return fmt::format("; not sent, inhibited by {}", fmt::join(event.inhibited_by, ", "));
  if (!event.silenced_by.empty())
    return fmt::format("; not sent, silenced by {}", fmt::join(event.silenced_by, ", "));
  if (!event.acknowledged_by.empty())
    return fmt::format("; not sent, acknowledged by {}", event.acknowledged_by);
  return "";
}

// One line for each alert that fires or ends; pending ones are too many and mean little.
void log_alerts(const std::vector<AlertEvent>& events) {
  size_t count = 0;
  for (const AlertEvent& event : events) {
    if (event.state == AlertState::kPending || event.state == AlertState::kInactive) continue;
    if (++count > kLoggedAlertsMax) continue;
    log(LogLevel::kInfo,
        fmt::format(
            "alert {} {} at {}: {} {} {}{}", event.rule, name_of(event.state),
            format_time_short(event.time), name_of(event.severity), event.fingerprint,
            cut_text(event.summary.empty() ? event.service : event.summary, kLoggedSummaryBytesMax),
            why_not_sent(event)));
  }
  if (count > kLoggedAlertsMax) {
    log(LogLevel::kInfo, fmt::format("... and {} more alerts of {}; see `from alerts`",
                                     count - kLoggedAlertsMax, events.front().rule));
  }
}

std::vector<AlertEvent> windows_failed(const std::string& rule, Timestamp end, const Error& error,
                                       Timestamp now, const HoldBack& hold_back) {
  const std::string summary = fmt::format(
      "rule {} cannot be evaluated for the window that ended at {}: {}; the window is skipped, and "
      "so are, without another alert, the windows directly after it that fail too",
      rule, format_time_short(end), error.message);
  log(LogLevel::kWarning, summary);
  return passing_self_alert("WindowsFailed", {{"rule", Value::of(rule)}}, summary, now, hold_back);
}

WindowResult window_result(const Rule& rule, const Evaluation& evaluation) {
  WindowResult out{rule.name, evaluation.window, evaluation.rows_matched, evaluation.learning, {}};
  for (const auto& [fingerprint, row] : evaluation.rows) {
    out.rows.push_back({fingerprint, row.value, row.baseline});
  }
  return out;
}

}  // namespace

Status RuleRunner::evaluate_next(ActiveRule& rule, const std::atomic<bool>* stop) {
  const auto started = std::chrono::steady_clock::now();
  RuleState state = rule.state;
  TOCSIN_TRY(std::vector<AlertEvent> events, skip_old_windows(rule, state));
  const Timestamp end = next_end(rule.schedule(options_), state.cursor);
  if (end + options_.delay > clock_.now()) return finish(rule, std::move(state), events);

  // Read before the query runs, so the query's snapshot is at least as new.
  TOCSIN_TRY(const uint64_t commit_number, newest_commit());
  const Result<Evaluation> result = evaluate(rule, end, stop);
  if (!result) {
    return note_failure(rule, std::move(state), std::move(events), end, result.error());
  }
  const Evaluation& evaluation = *result;
  const Duration interval = rule.compiled.rule.interval;
  std::vector<AlertEvent> changes =
      apply_evaluation(rule.compiled.rule, apply_options(rule, state), evaluation, state);
  explain_alerts(rule.compiled, queries_, options_.zone, stop, changes, state);
  events.insert(events.end(), std::make_move_iterator(changes.begin()),
                std::make_move_iterator(changes.end()));
  state.blind_windows = evaluation.rows_matched == 0 ? state.blind_windows + 1 : 0;
  state.cursor.last_end = end;
  note_evaluated(state.evaluated, interval, end, commit_number);
  // Do not notify again for a window whose earlier notifications have been forgotten.
  const Timestamp believed_end = end - database_.counters().clock_ahead;
  unlist_forgotten(believed_end - kForgottenListed, state);
  const Timestamp unknown_to =
      forget_before(believed_end - memory_of(rule, options_.late_max), state);
  forget_evaluated(state.evaluated, interval,
                   std::max(believed_end - options_.late_max, unknown_to + 1));
  TOCSIN_RETURN_IF_ERROR(finish(rule, std::move(state), events));
  if (options_.evaluated) options_.evaluated(window_result(rule.compiled.rule, evaluation));

  rule.failed_tries = 0;
  rule.given_up.clear();
  rule.learning = evaluation.learning;
  if (rule.learning) rule.status.ready_at = ready_at(rule).value_or(0);
  ++rule.status.evaluations;
  rule.status.last_duration = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                  std::chrono::steady_clock::now() - started)
                                  .count();
  return {};
}

Result<Evaluation> RuleRunner::evaluate(const ActiveRule& rule, Timestamp end,
                                        const std::atomic<bool>* stop) const {
  EvaluateOptions options;
  options.zone = options_.zone;
  options.cancelled = stop;
  options.active = instances_to_check(rule.state, end);
  options.was_learning = rule.learning;
  if (rule.compiled.excluding_alerts) {
    options.exclusions =
        exclusions_of(rule.state, rule.compiled.keys, rule.compiled.range, options_.exclude_max);
  }
  return evaluate_rule(rule.compiled, queries_, end, options);
}

// One bad event can fail every window that includes it, with a baseline for days. So only the first
// of a row of failed windows is retried and reported.
Status RuleRunner::note_failure(ActiveRule& rule, RuleState state, std::vector<AlertEvent> events,
                                Timestamp end, const Error& error) {
  if (is_transient(error.code)) return tl::unexpected<Error>(error);
  if (rule.given_up.empty()) {
    if (++rule.failed_tries < kQueryTriesMax) return tl::unexpected<Error>(error);
    const auto failed =
        windows_failed(rule.compiled.rule.name, end, error, clock_.now(), hold_back_self());
    events.insert(events.end(), failed.begin(), failed.end());
  }
  state.cursor.last_end = end;
  TOCSIN_RETURN_IF_ERROR(finish(rule, std::move(state), events));
  rule.failed_tries = 0;
  rule.given_up = error.message;
  return {};
}

Inhibitors RuleRunner::inhibitors(const ActiveRule& rule, const RuleState& state,
                                  TimeRange window) const {
  Inhibitors out(inhibit_rules_, window);
  for (const ActiveRule* source : rule.inhibited_by) {
    out.add(source->compiled.rule, source == &rule ? state : source->state);
  }
  return out;
}

// `state` is the rule's state while it is changed.
ApplyOptions RuleRunner::apply_options(const ActiveRule& rule, const RuleState& state) const {
  ApplyOptions out;
  out.written_at = clock_.now();
  out.forwarder_count = options_.routes.size();
  if (rule.compiled.excluding_alerts) out.new_level_after = options_.exclude_max;
  out.samples = [this, &rule](const GroupValues& group,
                              TimeRange window) -> std::vector<std::string> {
    auto samples =
        sample_events(rule.compiled, queries_, window, group, options_.sample_count, options_.zone);
    if (samples) return *std::move(samples);
    log(LogLevel::kWarning, fmt::format("rule {}: cannot read sample events for an alert: {}",
                                        rule.compiled.rule.name, samples.error().message));
    return {};
  };
  out.query = [this, &rule](const GroupValues& group, TimeRange range) {
    return alert_query(rule.compiled, range, group, options_.zone);
  };
  out.held_back = hold_back(rule, state);
  return out;
}

HoldBack RuleRunner::hold_back(const ActiveRule& rule, const RuleState& state) const {
  if (rule.inhibited_by.empty()) return hold_back_self();
  return [this, &rule, &state, silence = hold_back_self(),
          known = std::map<Timestamp, Inhibitors>()](const FiringAlert& alert) mutable {
    auto found = known.find(alert.window.end);
    if (found == known.end()) {
      found = known.emplace(alert.window.end, inhibitors(rule, state, alert.window)).first;
    }
    HeldBack out = silence ? silence(alert) : HeldBack{};
    out.inhibited_by =
        found->second.of(rule.compiled.rule, alert.fingerprint, alert.group, alert.severity);
    return out;
  };
}

HoldBack RuleRunner::hold_back_self() const {
  const SilenceBook::List silences = silences_.list();
  if (silences->empty()) return {};
  using Active = std::vector<const Silence*>;
  return [silences, known = std::map<Timestamp, Active>()](const FiringAlert& alert) mutable {
    const Timestamp t = alert.window.end;
    auto found = known.find(t);
    if (found == known.end()) found = known.emplace(t, active_silences(*silences, t)).first;
    HeldBack out;
    if (found->second.empty()) return out;
    SilencedAlert silenced{match_labels(alert.rule, alert.group, alert.severity), alert.fingerprint,
                           alert.firing_since};
    silenced.labels["fingerprint"] = alert.fingerprint;
    add_silences(found->second, silenced, out);
    return out;
  };
}

Result<std::vector<AlertEvent>> RuleRunner::skip_old_windows(const ActiveRule& rule,
                                                             RuleState& state) const {
  const SkippedWindows skipped = skip_missed(rule.schedule(options_), clock_.now(), state.cursor);
  if (skipped.count == 0) return std::vector<AlertEvent>{};
  const std::string summary = fmt::format(
      "{} windows of rule {} that ended from {} to {} were not evaluated: they were missed, and "
      "are "
      "older than rules.catchup_max ({})",
      skipped.count, rule.compiled.rule.name, format_time_short(skipped.first_end),
      format_time_short(skipped.last_end), format_duration(options_.catchup_max));
  log(LogLevel::kWarning, summary);
  return passing_self_alert("WindowsSkipped", {{"rule", Value::of(rule.compiled.rule.name)}},
                            summary, clock_.now(), hold_back_self());
}

Status RuleRunner::finish(ActiveRule& rule, RuleState state,
                          const std::vector<AlertEvent>& events) {
  if (!events.empty()) {
    TOCSIN_RETURN_IF_ERROR(commit(
        events, {{SmallTable::kRules, state_key(rule.compiled.rule.name), encode_state(state)}}));
    rule.state = std::move(state);
    deferred_.erase(&rule);
    return {};
  }
  rule.state = std::move(state);
  if (deferred_windows_++ == 0) deferred_since_ = std::chrono::steady_clock::now();
  deferred_.insert(&rule);
  const bool full = deferred_windows_ >= kDeferredWindowsMax;
  const bool old = std::chrono::steady_clock::now() - deferred_since_ >= kDeferredTimeMax;
  return full || old ? flush() : Status{};
}

Status RuleRunner::flush() {
  if (deferred_.empty()) return {};
  std::vector<SmallChange> changes;
  for (const ActiveRule* rule : deferred_) {
    changes.push_back(
        {SmallTable::kRules, state_key(rule->compiled.rule.name), encode_state(rule->state)});
  }
  TOCSIN_RETURN_IF_ERROR(commit_each(std::move(changes)));
  deferred_.clear();
  deferred_windows_ = 0;
  return {};
}

Status RuleRunner::commit_each(std::vector<SmallChange> changes) {
  std::vector<SmallChange> part;
  size_t bytes = 0;
  for (SmallChange& change : changes) {
    const size_t size = change.value ? change.value->size() : 0;
    if (!part.empty() && bytes + size > kWindowAlertBytesMax) {
      TOCSIN_RETURN_IF_ERROR(commit({}, std::exchange(part, {})));
      bytes = 0;
    }
    bytes += size;
    part.push_back(std::move(change));
  }
  return part.empty() ? Status{} : commit({}, std::move(part));
}

Status RuleRunner::commit(const std::vector<AlertEvent>& events, std::vector<SmallChange> changes) {
  if (!sequence_) {
    TOCSIN_TRY(sequence_, OutboxSequence::load(database_));
  }
  WriteRequest request;
  request.source = "rules";
  request.allow_reserved = true;
  request.urgent = true;
  request.changes = std::move(changes);
  const size_t entries = add_alerts(events, options_.routes, clock_.now(), *sequence_, request);
  TOCSIN_TRY(const WriteReport report, database_.write(std::move(request)));
  for (const RejectedRow& row : report.rejected) {
    log(LogLevel::kWarning, fmt::format("an alert was rejected by the database: {}", row.reason));
  }
  log_alerts(events);
  if (entries > 0 && options_.outbox_changed) options_.outbox_changed();
  if (options_.committed) options_.committed(events);
  return {};
}

Result<uint64_t> RuleRunner::newest_commit() const {
  TOCSIN_TRY(const Snapshot snapshot, database_.snapshot({}));
  return snapshot.commit_number;
}

// When the oldest events will be old enough to fill the `min` windows of the baseline.
Result<Timestamp> RuleRunner::ready_at(const ActiveRule& rule) const {
  TOCSIN_TRY(std::vector<std::string> measurements,
             measurements_of(rule.compiled, queries_, options_.zone));
  TOCSIN_TRY(const std::vector<SegmentInfo> segments,
             database_.segment_infos({std::move(measurements), TimeRange{}}));
  Timestamp oldest = kTimeMax;
  for (const SegmentInfo& segment : segments) oldest = std::min(oldest, segment.min_time);
  if (segments.empty()) return 0;
  return oldest + rule.compiled.range + rule.compiled.baseline_reach;
}

// Checks for late events every `late_settle`. Events seen at one check are acted upon at the next:
// by then they have been there for `late_settle`, and the rest of a late batch has most likely
// arrived.
Result<Timestamp> RuleRunner::reevaluate_late(ActiveRule& rule, const std::atomic<bool>* stop) {
  const Duration pause = std::max(options_.late_settle, kSecond);
  if (options_.late_max == 0) return kTimeMax;
  const Timestamp now = clock_.now();
  const Duration running = clock_.running();
  if (rule.late_check_at && running < *rule.late_check_at + pause)
    return now + (*rule.late_check_at + pause - running);
  TOCSIN_TRY(const uint64_t commit_number, newest_commit());
  if (rule.late_check_at) {
    TOCSIN_TRY(std::vector<Timestamp> ends, late_windows(rule, rule.late_check_commit));
    if (ends.size() > kLateWindowsMax) ends.resize(kLateWindowsMax);
    if (!ends.empty()) {
      TOCSIN_TRY(const std::vector<Evaluation> evaluations, evaluate_again(rule, ends, stop));
      RuleState state = rule.state;
      std::vector<AlertEvent> events =
          apply_late(rule.compiled.rule, apply_options(rule, state), evaluations, state);
      explain_alerts(rule.compiled, queries_, options_.zone, stop, events, state);
      for (const Timestamp end : ends) {
        note_evaluated(state.evaluated, rule.compiled.rule.interval, end, rule.late_check_commit);
      }
      TOCSIN_RETURN_IF_ERROR(finish(rule, std::move(state), events));
    }
  }
  rule.late_check_commit = commit_number;
  rule.late_check_at = running;
  return now + pause;
}

Result<std::vector<Evaluation>> RuleRunner::evaluate_again(ActiveRule& rule,
                                                           const std::vector<Timestamp>& ends,
                                                           const std::atomic<bool>* stop) const {
  std::vector<Evaluation> out;
  std::string failed;
  for (const Timestamp end : ends) {
    Result<Evaluation> evaluation = evaluate(rule, end, stop);
    if (evaluation) {
      out.push_back(*std::move(evaluation));
    } else if (is_transient(evaluation.error().code)) {
      return tl::unexpected<Error>(std::move(evaluation).error());
    } else {
      failed = std::move(evaluation).error().message;
    }
  }
  if (!failed.empty() && rule.late_error.empty()) {
    log(LogLevel::kWarning,
        fmt::format(
            "rule {}: {} of {} windows with late events cannot be re-evaluated and keep their "
            "earlier result: {}",
            rule.compiled.rule.name, ends.size() - out.size(), ends.size(), failed));
  }
  rule.late_error = std::move(failed);
  return out;
}

Result<std::vector<Timestamp>> RuleRunner::late_windows(ActiveRule& rule,
                                                        uint64_t settled_commit) const {
  const std::vector<EvaluatedRun>& runs = rule.state.evaluated;
  if (runs.empty()) return std::vector<Timestamp>{};
  TOCSIN_TRY(std::vector<std::string> measurements,
             measurements_of(rule.compiled, queries_, options_.zone));
  const TimeRange range{runs.front().first_end - rule.compiled.range, runs.back().last_end};
  TOCSIN_TRY(const std::vector<SegmentInfo> segments,
             database_.segment_infos({std::move(measurements), range}));
  return touched_windows(runs, rule.compiled.rule.interval, rule.compiled.range, segments,
                         settled_commit);
}

}  // namespace tocsin
