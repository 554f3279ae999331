// Makes the events of windows that were re-evaluated, without touching the life cycle.
#include <algorithm>

#include "rules/alert_size.h"
#include "rules/apply.h"

namespace tocsin {
namespace {

// Windows in which one instance matches only since late events came, by their ends.
struct LateFinding {
  GroupValues group;
  std::vector<std::pair<Timestamp, const Evaluation*>> windows;
};

bool covered(const Instance& instance, Timestamp end) {
  return std::any_of(instance.runs.begin(), instance.runs.end(), [&](const MatchRun& run) {
    return run.first_end <= end && end <= run.last_end;
  });
}

// Joins a late run with a known run that it touches, if that one fired or is still open: its alert
// has been reported already.
bool extends_known(Instance& instance, Timestamp first, Timestamp last, Duration interval) {
  for (MatchRun& run : instance.runs) {
    const bool touches = last + interval >= run.first_end && first <= run.last_end + interval;
    if (!touches || run.retracted || (run.fired_at == 0 && run.closed)) continue;
    run.first_end = std::min(run.first_end, first);
    if (run.closed) run.last_end = std::max(run.last_end, last);
    return true;
  }
  return false;
}

void add_run(Instance& instance, const MatchRun& run) {
  instance.runs.push_back(run);
  std::sort(instance.runs.begin(), instance.runs.end(),
            [](const MatchRun& a, const MatchRun& b) { return a.first_end < b.first_end; });
  // An open run belongs to the present and must stay last.
  std::stable_partition(instance.runs.begin(), instance.runs.end(),
                        [](const MatchRun& r) { return r.closed; });
}

// A run of late windows that fired.
struct LateFiring {
  const std::string& fingerprint;
  const LateFinding& finding;
  size_t fired = 0, end = 0;  // among the windows of the finding

  const Evaluation& evaluation(size_t at) const { return *finding.windows[at].second; }
  const ObservedRow& row(size_t at) const { return evaluation(at).rows.at(fingerprint); }
};

// Adds the windows [from, to) of the finding, which are consecutive, to the instance's runs.
void add_late_run(const Rule& rule, const std::string& fingerprint, const LateFinding& finding,
                  size_t from, size_t to, Instance& instance, std::vector<LateFiring>& out) {
  const Timestamp first = finding.windows[from].first;
  const Timestamp last = finding.windows[to - 1].first;
  if (extends_known(instance, first, last, rule.interval)) return;
  const auto starts = [&](size_t at) {
    return finding.windows[at].second->rows.at(fingerprint).starts;
  };
  while (from < to && !starts(from)) ++from;
  if (from == to) return;
  MatchRun run{finding.windows[from].first, last, 0, true, true, false};
  size_t fired = from;
  const auto held = [&](size_t at) { return finding.windows[at].first - run.first_end; };
  while (fired < to && (held(fired) < rule.hold || !starts(fired))) ++fired;
  if (fired < to) {
    const LateFiring firing{fingerprint, finding, fired, to};
    run.fired_at = finding.windows[fired].first;
    run.severity = firing.row(fired).severity;
    out.push_back(firing);
  }
  add_run(instance, run);
}

void add_late_runs(const Rule& rule, const std::string& fingerprint, const LateFinding& finding,
                   Instance& instance, std::vector<LateFiring>& out) {
  const size_t count = finding.windows.size();
  for (size_t from = 0; from < count;) {
    size_t to = from + 1;
    while (to < count &&
           finding.windows[to].first - finding.windows[to - 1].first <= rule.interval) {
      ++to;
    }
    add_late_run(rule, fingerprint, finding, from, to, instance, out);
    from = to;
  }
}

// Makes the events of a firing that was found late.
class LateReport {
 public:
  LateReport(const Rule& rule, const ApplyOptions& options, size_t bytes_max)
      : rule_(rule), options_(options), bytes_max_(bytes_max) {}

  // The firing; if it was held back, again in its first window in which it no longer was; and its
  // end.
  void add(const LateFiring& firing, const Instance& instance, std::vector<AlertEvent>& out) const {
    AlertEvent event = event_at(firing, firing.fired, instance);
    event.samples = samples_of(firing);
    cut_alert(event, bytes_max_);
    out.push_back(event);
    for (size_t at = firing.fired + 1; !event.held_back().empty() && at < firing.end; ++at) {
      AlertEvent later = event_at(firing, at, instance);
      if (!later.held_back().empty()) continue;
      later.samples = event.samples;
      event = std::move(later);
      cut_alert(event, bytes_max_);
      out.push_back(event);
    }
    event.state = AlertState::kResolved;
    event.time = firing.finding.windows[firing.end - 1].first + rule_.interval;
    event.samples.clear();
    out.push_back(std::move(event));
  }

 private:
  AlertEvent event_at(const LateFiring& firing, size_t at, const Instance& instance) const {
    const TimeRange window = firing.evaluation(at).window;
    const ObservedRow& row = firing.row(at);
    AlertEvent event =
        make_event(rule_, firing.fingerprint, firing.finding.group, window, options_.written_at);
    describe_by_row(row, event);
    event.state = AlertState::kFiring;
    event.started_at = firing.finding.windows[firing.fired].first;
    event.late = true;
    if (options_.query) event.query = options_.query(firing.finding.group, window);
    if (options_.held_back) {
      event.hold_back(options_.held_back({rule_, firing.fingerprint, firing.finding.group,
                                          row.severity, event.started_at, window}));
    }
    // Receivers know an instance by its fingerprint: resolving this finding would resolve the
    // current firing.
    event.only_stored = instance.life.phase == AlertState::kFiring || !event.held_back().empty();
    return event;
  }

  std::vector<std::string> samples_of(const LateFiring& firing) const {
    if (!options_.samples) return {};
    return options_.samples(firing.finding.group, firing.evaluation(firing.fired).window);
  }

  const Rule& rule_;
  const ApplyOptions& options_;
  const size_t bytes_max_;  // of one event
};

bool starts_in(const Evaluation& evaluation, const std::string& fingerprint) {
  const auto row = evaluation.rows.find(fingerprint);
  return row != evaluation.rows.end() && row->second.starts;
}

// Retracts runs of which all windows were re-evaluated and none could start an alert now.
void retract(const Rule& rule, const ApplyOptions& options,
             const std::map<Timestamp, const Evaluation*>& evaluations,
             const std::string& fingerprint, size_t bytes_max, Instance& instance,
             std::vector<AlertEvent>& out) {
  for (MatchRun& run : instance.runs) {
    if (!run.closed || run.retracted || run.fired_at == 0) continue;
    bool gone = true;
    for (Timestamp end = run.first_end; gone && end <= run.last_end; end += rule.interval) {
      const auto found = evaluations.find(end);
      gone = found != evaluations.end() && !starts_in(*found->second, fingerprint) &&
             !found->second->unknown.contains(fingerprint);
    }
    if (!gone) continue;
    run.retracted = true;
    const Evaluation& evaluation = *evaluations.begin()->second;
    const Duration range = evaluation.window.end - evaluation.window.start;
    AlertEvent event = make_event(rule, fingerprint, instance.group,
                                  {run.fired_at - range, run.fired_at}, options.written_at);
    event.state = AlertState::kRetracted;
    event.started_at = run.fired_at;
    event.late = true;
    event.summary = "late events show that it would not have fired";
    cut_alert(event, bytes_max);
    out.push_back(std::move(event));
  }
}

}  // namespace

std::vector<AlertEvent> apply_late(const Rule& rule, const ApplyOptions& options,
                                   const std::vector<Evaluation>& evaluations, RuleState& state) {
  std::map<Timestamp, const Evaluation*> by_end;
  std::map<std::string, LateFinding> findings;
  size_t window_count = 0;
  for (const Evaluation& evaluation : evaluations) {
    by_end[evaluation.window.end] = &evaluation;
    for (const auto& [fingerprint, row] : evaluation.rows) {
      const auto known = state.instances.find(fingerprint);
      if (known != state.instances.end() && covered(known->second, evaluation.window.end)) continue;
      LateFinding& finding = findings[fingerprint];
      finding.group = row.group;
      finding.windows.emplace_back(evaluation.window.end, &evaluation);
      ++window_count;
    }
  }
  std::vector<AlertEvent> events;
  if (by_end.empty()) return events;
  // A window adds at most two events, and a firing that is sent later one more.
  const size_t bytes_max =
      alert_bytes_max(3 * window_count + state.instances.size(), options.forwarder_count);
  for (auto& [fingerprint, instance] : state.instances) {
    retract(rule, options, by_end, fingerprint, bytes_max, instance, events);
  }
  std::vector<LateFiring> firings;
  for (auto& [fingerprint, finding] : findings) {
    Instance& instance = state.instances[fingerprint];
    instance.group = stored_group(finding.group);
    std::sort(finding.windows.begin(), finding.windows.end());
    add_late_runs(rule, fingerprint, finding, instance, firings);
  }
  const LateReport report(rule, options, bytes_max);
  for (const LateFiring& firing : firings) {
    report.add(firing, state.instances.at(firing.fingerprint), events);
  }
  return events;
}

}  // namespace tocsin
