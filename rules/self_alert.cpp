// SELF alerts have the same life cycle as all others; only their rows do not come from a query.
#include "rules/self_alert.h"

#include "rules/alert_size.h"
#include "rules/apply.h"
#include "rules/rewind.h"

namespace tocsin {

Rule self_rule(std::string_view name) {
  Rule rule;
  rule.name = name;
  rule.type = "SELF";
  rule.group = "tocsin";
  return rule;
}

std::vector<AlertEvent> passing_self_alert(std::string_view name, const GroupValues& group,
                                           const std::string& summary, Timestamp now,
                                           const HoldBack& hold_back) {
  const Rule rule = self_rule(name);
  AlertEvent event = make_event(rule, fingerprint(name, group), group, {now, now}, now);
  event.started_at = now;
  event.summary = summary;
  event.annotations = {{"summary", summary}};
  if (hold_back) {
    event.hold_back(hold_back({rule, event.fingerprint, group, event.severity, now, {now, now}}));
    event.only_stored = !event.held_back().empty();
  }
  cut_alert(event);
  AlertEvent resolved = event;
  resolved.state = AlertState::kResolved;
  return {event, resolved};
}

std::vector<AlertEvent> standing_self_alerts(
    std::string_view name, const std::vector<std::pair<GroupValues, std::string>>& current,
    Timestamp now, const HoldBack& hold_back, RuleState& state) {
  rewind_instances(now - 1, state);  // an alert that fired while the clock was ahead must end too
  Evaluation evaluation;
  evaluation.window = {now, now};
  for (const auto& [group, summary] : current) {
    evaluation.rows[fingerprint(name, group)] = {
        group, Severity::kHigh, kNoNumber, kNoNumber, {{"summary", summary}}};
  }
  ApplyOptions options;
  options.written_at = now;
  options.held_back = hold_back;
  std::vector<AlertEvent> events = apply_evaluation(self_rule(name), options, evaluation, state);
  forget_before(kTimeMax, state);
  return events;
}

}  // namespace tocsin
