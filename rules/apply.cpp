// Advances the instances of a rule by one window.
#include "rules/apply.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "rules/alert_size.h"
#include "rules/template.h"

namespace tocsin {
namespace {

AlertState state_of(LifecycleEvent event) {
  switch (event) {
    case LifecycleEvent::kPending: return AlertState::kPending;
    case LifecycleEvent::kFiring:
    case LifecycleEvent::kEscalated:
    case LifecycleEvent::kNewLevel: return AlertState::kFiring;
    case LifecycleEvent::kResolved:
    case LifecycleEvent::kForgotten: return AlertState::kResolved;
    case LifecycleEvent::kInactive: return AlertState::kInactive;
  }
  return AlertState::kInactive;
}

// Keeps the instance's runs of matches in step with its life cycle. What matches after it was
// forgotten is a run that never fires, so that late events do not bring it back.
void note_run(const Observation& seen, const Transition& moved, Instance& instance) {
  std::vector<MatchRun>& runs = instance.runs;
  const LifecycleState& after = moved.state;
  const bool is_active = after.phase != AlertState::kInactive;
  const bool matches = seen.match == Match::kYes && (is_active || after.forgotten);
  if (matches) {
    if (runs.empty() || runs.back().closed) runs.push_back({seen.window_end, seen.window_end});
    runs.back().last_end = seen.window_end;
    if (is_active) runs.back().severity = after.severity;
  }
  bool is_over = !is_active && seen.match == Match::kNo;
  for (const LifecycleEvent event : moved.events) {
    if (event == LifecycleEvent::kFiring) runs.back().fired_at = seen.window_end;
    is_over |= event == LifecycleEvent::kForgotten;
  }
  if (is_over && !runs.empty()) runs.back().closed = true;
}

bool is_active(const Instance& instance) { return instance.life.phase != AlertState::kInactive; }
// Whether every window counts for it, also without a row.
bool is_watched(const Instance& instance) { return is_active(instance) || instance.life.forgotten; }

// One instance in one window.
struct Stepped {
  const ObservedRow* row = nullptr;  // null unless it matches
  LifecycleState before;
  HeldBack held_before;  // in the previous window
  std::vector<AlertEvent> events;
};

// Advances one instance by one window.
class InstanceStep {
 public:
  InstanceStep(const Rule& rule, const ApplyOptions& options, TimeRange window, size_t bytes_max)
      : rule_(rule), options_(options), window_(window), bytes_max_(bytes_max) {}

  Stepped apply(const std::string& fingerprint, const ObservedRow* row, bool unknown,
                Instance& instance) const {
    Observation seen{window_.end, Match::kNo, Severity::kMedium};
    if (unknown) seen.match = Match::kUnknown;
    if (row) seen = {window_.end, Match::kYes, row->severity, row->starts, row->forget};
    Stepped out{row, instance.life, instance.last_event.held_back(), {}};
    const RuleTiming timing{rule_.hold, rule_.keep_firing_for, options_.new_level_after};
    const Transition moved = advance(out.before, seen, timing);
    note_run(seen, moved, instance);
    instance.life = moved.state;
    if (is_active(instance)) instance.forgotten_at = 0;
    for (const LifecycleEvent what : moved.events) {
      if (what == LifecycleEvent::kForgotten) instance.forgotten_at = window_.end;
      out.events.push_back(event_of(fingerprint, what, row, out.before, instance));
    }
    if (!is_active(instance)) instance.last_event = {};
    return out;
  }

  // Decides which events of a firing instance are sent, and adds one if something is sent late
  // because it is no longer held back.
  void hold_back(const std::string& fingerprint, Instance& instance, Stepped& stepped) const {
    LifecycleState& life = instance.life;
    if (life.phase != AlertState::kFiring) return;
    HeldBack by;
    if (options_.held_back) {
      by = options_.held_back(
          {rule_, fingerprint, instance.group, life.severity, life.firing_since, window_});
    }
    const bool was_firing = stepped.before.phase == AlertState::kFiring;
    life.notified = was_firing ? stepped.before.notified : std::set<Severity>{};
    const bool starts = stepped.row && stepped.row->starts;
    if (by.empty() && life.notified.empty() && !starts) by = instance.last_event.held_back();
    bool sent = false;
    for (AlertEvent& event : stepped.events) {
      if (by.empty()) life.notified.insert(event.severity);
      event.only_stored = !by.empty();
      event.notified = life.notified;
      event.hold_back(by);
      sent |= by.empty();
    }
    instance.last_event.hold_back(by);
    const bool rises = starts && !life.notified.contains(life.severity);
    const bool reminds = was_firing && !stepped.held_before.acknowledged_by.empty() && !sent;
    if (by.empty() && (rises || reminds)) {
      life.notified.insert(life.severity);
      stepped.events.push_back(
          event_of(fingerprint, LifecycleEvent::kEscalated, stepped.row, life, instance));
      if (reminds) {
        stepped.events.back().annotations["note"] = "still firing: the acknowledgement of " +
                                                    stepped.held_before.acknowledged_by +
                                                    " has ended";
      }
    }
    instance.last_event.notified = life.notified;
  }

 private:
  AlertEvent event_of(const std::string& fingerprint, LifecycleEvent what, const ObservedRow* row,
                      const LifecycleState& before, Instance& instance) const {
    const GroupValues& group = row ? row->group : instance.group;
    AlertEvent event = make_event(rule_, fingerprint, group, window_, options_.written_at);
    // Readers order by time: after the clock was ahead, a resolution must still be the last event.
    event.time = std::max(event.time, instance.last_event.time);
    if (row) {
      describe_by_row(*row, event);
    } else {  // it no longer matches: repeat its last values
      event.severity = instance.last_event.severity;
      event.value = instance.last_event.value;
      event.baseline = instance.last_event.baseline;
      event.summary = instance.last_event.summary;
      event.annotations = instance.last_event.annotations;
    }
    event.state = state_of(what);
    const LifecycleState& life = is_active(instance) ? instance.life : before;
    const bool pending = life.phase == AlertState::kPending;
    event.started_at = pending ? life.pending_since : life.firing_since;
    if (!pending) event.severity = life.severity;
    event.notified = life.notified;
    event.hold_back(instance.last_event.held_back());
    if (event.state == AlertState::kResolved) not_sent_unless_notified(event);
    if (what == LifecycleEvent::kFiring && options_.samples) {
      event.samples = options_.samples(group, window_);
    } else if (event.state != AlertState::kResolved) {
      event.samples = instance.last_event.samples;
      event.explanation = instance.last_event.explanation;
    }
    if (what == LifecycleEvent::kNewLevel) {
      event.annotations["note"] = "new level: firing for " +
                                  format_duration(options_.new_level_after) +
                                  "; from now on these windows count in the baseline";
    }
    if (what == LifecycleEvent::kForgotten) event.annotations[kEndedAnnotation] = kForgottenNote;
    if (what == LifecycleEvent::kResolved && before.new_level) {
      event.annotations["note"] = "no longer unusual, which need not be a recovery: it fired for " +
                                  format_duration(options_.new_level_after) +
                                  ", and since then its windows count in the baseline";
    }
    if (options_.query) {
      const Duration length = window_.end - window_.start;
      const Timestamp start = event.state == AlertState::kResolved
                                  ? std::min(event.started_at - length, window_.start)
                                  : window_.start;
      event.query = options_.query(group, {start, window_.end});
    }
    cut_alert(event, bytes_max_);
    instance.last_event = event;
    return event;
  }

  const Rule& rule_;
  const ApplyOptions& options_;
  const TimeRange window_;
  const size_t bytes_max_;  // of one event
};

using RowEntry = std::pair<const std::string, ObservedRow>;

// Ascending: less severe, smaller value.
bool is_milder(const RowEntry* a, const RowEntry* b) {
  const auto rank = [](const ObservedRow& row) {
    return std::make_tuple(row.severity, std::isnan(row.value) ? 0 : std::fabs(row.value));
  };
  return rank(a->second) < rank(b->second);
}

// Rows of instances that are not active yet: the most severe ones, as far as the active instances
// leave room.
std::vector<const RowEntry*> new_instance_rows(const Evaluation& evaluation,
                                               const RuleState& state) {
  size_t active = 0;
  for (const auto& [fingerprint, instance] : state.instances) active += is_active(instance) ? 1 : 0;
  std::vector<const RowEntry*> out;
  for (const RowEntry& row : evaluation.rows) {
    const auto known = state.instances.find(row.first);
    const bool is_new = known == state.instances.end() || !is_watched(known->second);
    if (is_new && row.second.starts) out.push_back(&row);
  }
  const size_t room = kInstanceCountMax - std::min(active, kInstanceCountMax);
  if (out.size() <= room) return out;
  std::stable_sort(out.begin(), out.end(),
                   [](const RowEntry* a, const RowEntry* b) { return is_milder(b, a); });
  out.resize(room);
  return out;
}

// Active instances and those that may become active in this window.
size_t instance_count(const Evaluation& evaluation, const RuleState& state) {
  const auto active = std::count_if(state.instances.begin(), state.instances.end(),
                                    [](const auto& entry) { return is_active(entry.second); });
  return static_cast<size_t>(active) + evaluation.rows.size();
}

Timestamp last_end_of(const Instance& instance) {
  Timestamp last = 0;
  for (const MatchRun& run : instance.runs) last = std::max(last, run.last_end);
  return last;
}

// Inactive instances, oldest last match first; last those that would fire again if they were
// removed, because they were forgotten and still match.
std::vector<std::tuple<bool, Timestamp, std::string>> inactive_by_age(const RuleState& state) {
  std::vector<std::tuple<bool, Timestamp, std::string>> out;
  for (const auto& [fingerprint, instance] : state.instances) {
    if (is_active(instance)) continue;
    out.emplace_back(instance.life.forgotten, last_end_of(instance), fingerprint);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

AlertEvent make_event(const Rule& rule, const std::string& fingerprint, const GroupValues& group,
                      TimeRange window, Timestamp written_at) {
  AlertEvent event;
  event.time = event.window_to = window.end;
  event.window_from = window.start;
  event.written_at = written_at;
  event.rule = rule.name;
  event.type = rule.type;
  event.fingerprint = fingerprint;
  event.value = event.baseline = kNoNumber;
  event.labels = rule.labels;
  for (const auto& [name, value] : group) {
    if (!value.is_null()) event.labels[name] = display(value);
    if (name == "service" && !value.is_null()) event.service = display(value);
  }
  return event;
}

void describe_by_row(const ObservedRow& row, AlertEvent& event) {
  event.severity = row.severity;
  event.value = row.value;
  event.baseline = row.baseline;
  event.annotations = row.annotations;
  const auto summary = row.annotations.find("summary");
  event.summary = summary == row.annotations.end() ? "" : summary->second;
}

void not_sent_unless_notified(AlertEvent& event) {
  event.only_stored = event.notified.empty();
  if (!event.only_stored) event.hold_back({});
}

std::vector<AlertEvent> apply_evaluation(const Rule& rule, const ApplyOptions& options,
                                         const Evaluation& evaluation, RuleState& state) {
  const size_t bytes_max =
      alert_bytes_max(instance_count(evaluation, state), options.forwarder_count);
  const InstanceStep step(rule, options, evaluation.window, bytes_max);
  std::map<std::string, Stepped> stepped;  // by fingerprint
  for (auto& [fingerprint, instance] : state.instances) {
    if (!is_watched(instance)) continue;
    const auto row = evaluation.rows.find(fingerprint);
    stepped[fingerprint] =
        step.apply(fingerprint, row == evaluation.rows.end() ? nullptr : &row->second,
                   evaluation.unknown.contains(fingerprint), instance);
  }
  for (const RowEntry* entry : new_instance_rows(evaluation, state)) {
    const auto& [fingerprint, row] = *entry;
    Instance& instance = state.instances[fingerprint];
    instance.group = stored_group(row.group);
    stepped[fingerprint] = step.apply(fingerprint, &row, false, instance);
  }
  std::vector<AlertEvent> events;
  for (auto& [fingerprint, each] : stepped) {
    step.hold_back(fingerprint, state.instances.at(fingerprint), each);
    std::move(each.events.begin(), each.events.end(), std::back_inserter(events));
  }
  return events;
}

std::vector<Exclusion> exclusions_of(const RuleState& state, const std::vector<std::string>& keys,
                                     Duration range, Duration exclude_max) {
  std::vector<Exclusion> out;
  for (const auto& [fingerprint, instance] : state.instances) {
    Exclusion exclusion;
    for (const std::string& key : keys) {
      for (const auto& [name, value] : instance.group) {
        if (name == key) exclusion.group.emplace_back(name, value);
      }
    }
    if (exclusion.group.size() != keys.size()) continue;  // from an earlier version of the rule
    for (const MatchRun& run : instance.runs) {
      if (run.fired_at == 0 || run.retracted) continue;
      const Timestamp end = std::min(run.last_end, run.fired_at + exclude_max);
      exclusion.intervals.push_back({run.first_end - range, end});
    }
    if (!exclusion.intervals.empty()) out.push_back(std::move(exclusion));
  }
  return out;
}

void unlist_forgotten(Timestamp oldest, RuleState& state) {
  for (auto& [fingerprint, instance] : state.instances) {
    if (instance.forgotten_at < oldest) instance.forgotten_at = 0;
  }
}

Timestamp forget_before(Timestamp oldest, RuleState& state) {
  for (auto& [fingerprint, instance] : state.instances) {
    std::erase_if(instance.runs,
                  [&](const MatchRun& run) { return run.closed && run.last_end < oldest; });
  }
  std::erase_if(state.instances, [](const auto& entry) {
    const Instance& instance = entry.second;
    return !is_watched(instance) && instance.forgotten_at == 0 && instance.runs.empty();
  });
  if (state.instances.size() <= kInstanceCountMax) return 0;
  Timestamp newest = 0;
  for (const auto& [forgotten, last_end, fingerprint] : inactive_by_age(state)) {
    if (state.instances.size() <= kInstanceCountMax) break;
    state.instances.erase(fingerprint);
    newest = last_end;
  }
  return newest;
}

}  // namespace tocsin
