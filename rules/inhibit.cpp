// Decides which alerts of a window are inhibited, and by which.
#include "rules/inhibit.h"

#include <algorithm>
#include <optional>

#include "rules/template.h"

namespace tocsin {
namespace {

std::vector<std::string> values_of(const std::vector<std::string>& names,
                                   const MatchLabels& labels) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(label_of(labels, name));
  return out;
}

// Whether a firing of the rule is over for alerts of the window.
bool is_over(const MatchRun& run, const Rule& rule, TimeRange window) {
  return run.closed && window.start >= run.last_end + rule.interval &&
         window.end > run.last_end + rule.keep_firing_for;
}

// The severity of the instance's last firing that reaches the window.
std::optional<Severity> firing_in(const Instance& instance, const Rule& rule, TimeRange window) {
  std::optional<Severity> out;
  for (const MatchRun& run : instance.runs) {
    if (run.fired_at == 0 || run.retracted || run.fired_at > window.end) continue;
    if (!is_over(run, rule, window)) out = run.closed ? run.severity : instance.life.severity;
  }
  return out;
}

}  // namespace

MatchLabels match_labels(const Rule& rule, const GroupValues& group, Severity severity) {
  MatchLabels labels = rule.labels;
  for (const auto& [name, value] : group) {
    if (!value.is_null()) labels[name] = display(value);
  }
  labels["alertname"] = rule.name;
  labels["type"] = rule.type;
  labels["severity"] = name_of(severity);
  return labels;
}

void Inhibitors::add(const Rule& rule, const RuleState& state) {
  for (const auto& [fingerprint, instance] : state.instances) {
    const auto severity = firing_in(instance, rule, window_);
    if (!severity) continue;
    const MatchLabels labels = match_labels(rule, instance.group, *severity);
    for (size_t i = 0; i < rules_.size(); ++i) {
      if (!all_match(rules_[i].source, labels)) continue;
      sources_[i][values_of(rules_[i].equal, labels)].push_back(
          {fingerprint, rule.name, all_match(rules_[i].target, labels)});
    }
  }
}

std::vector<std::string> Inhibitors::of(const Rule& rule, const std::string& fingerprint,
                                        const GroupValues& group, Severity severity) const {
  const MatchLabels labels = match_labels(rule, group, severity);
  std::set<std::string> names;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (sources_[i].empty() || !all_match(rules_[i].target, labels)) continue;
    const auto found = sources_[i].find(values_of(rules_[i].equal, labels));
    if (found == sources_[i].end()) continue;
    const bool is_source = all_match(rules_[i].source, labels);
    for (const Source& source : found->second) {
      if (source.fingerprint == fingerprint || (is_source && source.is_target)) continue;
      names.insert(source.rule);
    }
  }
  std::vector<std::string> out(names.begin(), names.end());
  if (out.size() > kInhibitedByMax) out.resize(kInhibitedByMax);
  return out;
}

}  // namespace tocsin
