// Advances the instances of a rule by one window.
#include "rules/apply.h"

#include <algorithm>
#include <cmath>
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
    case LifecycleEvent::kResolved: return AlertState::kResolved;
    case LifecycleEvent::kInactive: return AlertState::kInactive;
  }
  return AlertState::kInactive;
}

// Keeps the instance's runs of matches in step with its life cycle.
void note_run(const Observation& seen, const Transition& moved, Instance& instance) {
  std::vector<MatchRun>& runs = instance.runs;
  const bool open = !runs.empty() && !runs.back().closed;
  if (seen.match == Match::kYes) {
    if (!open) runs.push_back({seen.window_end, seen.window_end});
    runs.back().last_end = seen.window_end;
  }
  for (const LifecycleEvent event : moved.events) {
    if (event == LifecycleEvent::kFiring) runs.back().fired_at = seen.window_end;
    const bool over = event == LifecycleEvent::kResolved || event == LifecycleEvent::kInactive;
    if (over && open) runs.back().closed = true;
  }
}

bool is_active(const Instance& instance) { return instance.life.phase != AlertState::kInactive; }

// Advances one instance by one window. `row` is null unless the instance matches.
class InstanceStep {
 public:
  InstanceStep(const Rule& rule, const ApplyOptions& options, TimeRange window, size_t bytes_max)
      : rule_(rule), options_(options), window_(window), bytes_max_(bytes_max) {}

  void apply(const std::string& fingerprint, const ObservedRow* row, bool unknown,
             Instance& instance, std::vector<AlertEvent>& out) const {
    Observation seen{window_.end, Match::kNo, Severity::kMedium};
    if (unknown) seen.match = Match::kUnknown;
    if (row) seen = {window_.end, Match::kYes, row->severity};
    const LifecycleState before = instance.life;
    const RuleTiming timing{rule_.hold, rule_.keep_firing_for, options_.new_level_after};
    const Transition moved = advance(before, seen, timing);
    note_run(seen, moved, instance);
    instance.life = moved.state;
    for (const LifecycleEvent what : moved.events) {
      out.push_back(event_of(fingerprint, what, row, before, instance));
    }
    if (!is_active(instance)) instance.last_event = {};
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
    const LifecycleState& life = row ? instance.life : before;
    const bool pending = life.phase == AlertState::kPending;
    event.started_at = pending ? life.pending_since : life.firing_since;
    if (!pending) event.severity = life.severity;
    event.notified = life.notified;
    if (what == LifecycleEvent::kFiring && options_.samples) {
      event.samples = options_.samples(group, window_);
    } else if (what != LifecycleEvent::kResolved) {
      event.samples = instance.last_event.samples;
      event.explanation = instance.last_event.explanation;
    }
    if (what == LifecycleEvent::kNewLevel) {
      event.annotations["note"] = "new level: firing for " +
                                  format_duration(options_.new_level_after) +
                                  "; from now on these windows count in the baseline";
    }
    if (what == LifecycleEvent::kResolved && before.new_level) {
      event.annotations["note"] = "no longer unusual, which need not be a recovery: it fired for " +
                                  format_duration(options_.new_level_after) +
                                  ", and since then its windows count in the baseline";
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
    if (known == state.instances.end() || !is_active(known->second)) out.push_back(&row);
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

// Inactive instances, oldest last match first.
std::vector<std::pair<Timestamp, std::string>> inactive_by_age(const RuleState& state) {
  std::vector<std::pair<Timestamp, std::string>> out;
  for (const auto& [fingerprint, instance] : state.instances) {
    if (!is_active(instance)) out.emplace_back(last_end_of(instance), fingerprint);
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

std::vector<AlertEvent> apply_evaluation(const Rule& rule, const ApplyOptions& options,
                                         const Evaluation& evaluation, RuleState& state) {
  std::vector<AlertEvent> events;
  const size_t bytes_max =
      alert_bytes_max(instance_count(evaluation, state), options.forwarder_count);
  const InstanceStep step(rule, options, evaluation.window, bytes_max);
  for (auto& [fingerprint, instance] : state.instances) {
    if (!is_active(instance)) continue;
    const auto row = evaluation.rows.find(fingerprint);
    step.apply(fingerprint, row == evaluation.rows.end() ? nullptr : &row->second,
               evaluation.unknown.contains(fingerprint), instance, events);
  }
  for (const RowEntry* entry : new_instance_rows(evaluation, state)) {
    const auto& [fingerprint, row] = *entry;
    Instance& instance = state.instances[fingerprint];
    instance.group = stored_group(row.group);
    step.apply(fingerprint, &row, false, instance, events);
  }
  std::stable_sort(events.begin(), events.end(), [](const AlertEvent& a, const AlertEvent& b) {
    return a.fingerprint < b.fingerprint;
  });
  return events;
}

std::vector<Exclusion> exclusions_of(const RuleState& state, const std::vector<std::string>& keys,
                                     Duration range, Duration exclude_max) {
  std::vector<Exclusion> out;
  for (const auto& [fingerprint, instance] : state.instances) {
    Exclusion exclusion;
    for (const std::string& key : keys) {
      for (const auto& [name, value] : instance.group) {
        if (name == key) exclusion.group.push_back(value);
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

Timestamp forget_before(Timestamp oldest, RuleState& state) {
  for (auto& [fingerprint, instance] : state.instances) {
    std::erase_if(instance.runs,
                  [&](const MatchRun& run) { return run.closed && run.last_end < oldest; });
  }
  std::erase_if(state.instances, [](const auto& entry) {
    return !is_active(entry.second) && entry.second.runs.empty();
  });
  if (state.instances.size() <= kInstanceCountMax) return 0;
  Timestamp newest = 0;
  for (const auto& [last_end, fingerprint] : inactive_by_age(state)) {
    if (state.instances.size() <= kInstanceCountMax) break;
    state.instances.erase(fingerprint);
    newest = last_end;
  }
  return newest;
}

}  // namespace tocsin
