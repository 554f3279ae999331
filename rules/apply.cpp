// One window's observations meet the rule's instances.
#include "rules/apply.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/template.h"

namespace tocsin {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

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

// One instance in one window. `row` is null unless it matches.
class InstanceStep {
 public:
  InstanceStep(const Rule& rule, const ApplyOptions& options, TimeRange window)
      : rule_(rule), options_(options), window_(window) {}

  void take(const std::string& fingerprint, const ObservedRow* row, bool unknown,
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
      out.push_back(tell(fingerprint, what, row, before, instance));
    }
  }

 private:
  AlertEvent tell(const std::string& fingerprint, LifecycleEvent what, const ObservedRow* row,
                  const LifecycleState& before, Instance& instance) const {
    AlertEvent event = make_event(rule_, fingerprint, instance.group, window_, options_.written_at);
    if (row) {
      describe_by_row(*row, event);
    } else {  // it matches no more: what was true last
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
    event.told = life.told;
    if (what == LifecycleEvent::kFiring && options_.samples) {
      event.samples = options_.samples(instance.group, window_);
    } else if (what != LifecycleEvent::kResolved) {
      event.samples = instance.last_event.samples;
    }
    if (what == LifecycleEvent::kNewLevel) {
      event.annotations["note"] = "new level: firing for " +
                                  format_duration(options_.new_level_after) +
                                  ", the baseline takes these windows in from now on";
    }
    instance.last_event = event;
    return event;
  }

  const Rule& rule_;
  const ApplyOptions& options_;
  const TimeRange window_;
};

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
  event.value = event.baseline = kNone;
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
  for (const auto& [fingerprint, row] : evaluation.rows) {
    state.instances.try_emplace(fingerprint).first->second.group = row.group;
  }
  std::vector<AlertEvent> events;
  const InstanceStep step(rule, options, evaluation.window);
  for (auto& [fingerprint, instance] : state.instances) {
    const auto row = evaluation.rows.find(fingerprint);
    step.take(fingerprint, row == evaluation.rows.end() ? nullptr : &row->second,
              evaluation.unknown.contains(fingerprint), instance, events);
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
        if (name == key) exclusion.group.push_back(value);
      }
    }
    if (exclusion.group.size() != keys.size()) continue;  // of an earlier version of the rule
    for (const MatchRun& run : instance.runs) {
      if (run.fired_at == 0 || run.retracted) continue;
      const Timestamp end = std::min(run.last_end, run.fired_at + exclude_max);
      exclusion.intervals.push_back({run.first_end - range, end});
    }
    if (!exclusion.intervals.empty()) out.push_back(std::move(exclusion));
  }
  return out;
}

void forget_before(Timestamp oldest, RuleState& state) {
  for (auto& [fingerprint, instance] : state.instances) {
    std::erase_if(instance.runs,
                  [&](const MatchRun& run) { return run.closed && run.last_end < oldest; });
  }
  std::erase_if(state.instances, [](const auto& entry) {
    return entry.second.life.phase == AlertState::kInactive && entry.second.runs.empty();
  });
}

}  // namespace tocsin
