#include "rules/inhibit_order.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tocsin {
namespace {

// The value of a label in all alerts of the rule; nothing if it differs between them.
std::optional<std::string> fixed_label(const CompiledRule& rule, const std::string& name) {
  if (name == "severity") return std::nullopt;
  const bool is_key = std::find(rule.keys.begin(), rule.keys.end(), name) != rule.keys.end();
  const MatchLabels labels = match_labels(rule.rule, {}, Severity::kMedium);
  const auto found = labels.find(name);
  if (found != labels.end()) return found->second;
  if (is_key) return std::nullopt;
  return "";
}

// Whether alerts of the rule with this severity may match.
bool may_match_as(const std::vector<LabelMatcher>& matchers, const CompiledRule& rule,
                  Severity severity) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const LabelMatcher& matcher) {
    if (matcher.name == "severity") return matcher.matches(name_of(severity));
    const auto value = fixed_label(rule, matcher.name);
    return !value || matcher.matches(*value);
  });
}

bool may_match(const std::vector<LabelMatcher>& matchers, const CompiledRule& rule) {
  return std::any_of(rule.rule.severities.begin(), rule.rule.severities.end(),
                     [&](const auto& each) { return may_match_as(matchers, rule, each.severity); });
}

bool may_be_equal(const std::vector<std::string>& labels, const CompiledRule& a,
                  const CompiledRule& b) {
  return std::all_of(labels.begin(), labels.end(), [&](const std::string& label) {
    const auto of_a = fixed_label(a, label), of_b = fixed_label(b, label);
    return !of_a || !of_b || *of_a == *of_b;
  });
}

}  // namespace

InhibitOrder::Effect InhibitOrder::add(const InhibitRule& inhibit) {
  std::vector<size_t> sources, targets;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (may_match(inhibit.source, rules_[i])) sources.push_back(i);
    if (may_match(inhibit.target, rules_[i])) targets.push_back(i);
  }
  Effect effect{!sources.empty(), !targets.empty(), {}};
  const std::vector<std::set<size_t>> before = targets_;
  std::vector<std::pair<size_t, size_t>> added;
  for (const size_t source : sources) {
    for (const size_t target : targets) {
      if (!may_be_equal(inhibit.equal, rules_[source], rules_[target])) continue;
      if (targets_[source].insert(target).second) added.emplace_back(source, target);
    }
  }
  if (sorted().size() == rules_.size()) return effect;
  for (const auto& [source, target] : added) {
    if (source == target) continue;
    const std::vector<size_t> back = path(target, source);
    if (back.empty()) continue;
    effect.cycle.push_back(rules_[source].rule.name);
    for (const size_t rule : back) effect.cycle.push_back(rules_[rule].rule.name);
    break;
  }
  targets_ = before;
  return effect;
}

// The shortest way along `targets_`, with both ends; empty if there is none.
std::vector<size_t> InhibitOrder::path(size_t from, size_t to) const {
  std::vector<size_t> came_from(rules_.size(), rules_.size());
  std::vector<size_t> reached = {from};
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const size_t next : targets_[reached[i]]) {
      if (next == from || came_from[next] != rules_.size()) continue;
      came_from[next] = reached[i];
      reached.push_back(next);
    }
  }
  if (came_from[to] == rules_.size()) return {};
  std::vector<size_t> out = {to};
  while (out.back() != from) out.push_back(came_from[out.back()]);
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<size_t> InhibitOrder::sorted() const {
  std::vector<size_t> waiting_for(rules_.size());  // rules that must come before
  for (size_t source = 0; source < rules_.size(); ++source) {
    for (const size_t target : targets_[source]) waiting_for[target] += target != source;
  }
  std::set<size_t> ready;
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (waiting_for[i] == 0) ready.insert(i);
  }
  std::vector<size_t> out;
  while (!ready.empty()) {
    const size_t next = *ready.begin();
    ready.erase(ready.begin());
    out.push_back(next);
    for (const size_t target : targets_[next]) {
      if (target != next && --waiting_for[target] == 0) ready.insert(target);
    }
  }
  return out;
}

}  // namespace tocsin
