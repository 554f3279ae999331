// Decides which label explains an alert.
#include "tools/detection/match.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace tocsin::detection {
namespace {

using generate::Duty;
using generate::Label;

bool covers(const Label& label, const Firing& firing) {
  return label.service.empty() || label.service == firing.service;
}

/// The rule for quiet labels: the alert begins within them.
bool is_in(const Label& label, const Firing& firing) {
  return label.duty == Duty::kQuiet && covers(label, firing) &&
         label.range.contains(firing.range.start);
}

bool overlaps(const Label& label, const Firing& firing) {
  return covers(label, firing) && label.range.start < firing.range.end &&
         firing.window_start < label.range.end + kAftermath;
}

/// An alert that was there before the incident says nothing about it.
bool explains(const Label& label, const Firing& firing) {
  if (label.duty == Duty::kQuiet || !overlaps(label, firing)) return false;
  if (firing.range.start < label.range.start) return false;
  const bool only_its_kind = label.duty == Duty::kOptional && label.permanent;
  return label.kind == firing.type || !only_its_kind;
}

bool counts(const Label& label, TimeRange evaluated) {
  return label.duty == Duty::kRequired && label.range.start >= evaluated.start &&
         label.range.end <= evaluated.end;
}

size_t find_cause(const std::vector<JudgedLabel>& labels, const Firing& firing) {
  size_t best = JudgedFiring::kNoLabel;
  std::pair<bool, Timestamp> best_rank;
  for (size_t i = 0; i < labels.size(); ++i) {
    const Label& label = labels[i].label;
    if (!explains(label, firing)) continue;
    const std::pair<bool, Timestamp> rank{label.kind == firing.type, label.range.start};
    if (best != JudgedFiring::kNoLabel && rank <= best_rank) continue;
    best = i;
    best_rank = rank;
  }
  return best;
}

// A message may be named as `template(message)` or as a rule's `pattern`. Its placeholders, as in
// `took {ms} ms`, are cut off with the rest of it.
bool is_named(const std::string& cause, const std::string& explanation) {
  constexpr std::string_view kMessage = "message=";
  if (!cause.starts_with(kMessage))
    return explanation.find(" have " + cause + " (") != std::string::npos;
  const std::string text = cause.substr(kMessage.size(), cause.find('{') - kMessage.size());
  return explanation.find(" have template(message)=" + text) != std::string::npos ||
         explanation.find(" have pattern=" + text) != std::string::npos;
}

void add_firing(Judgement& out, JudgedFiring& judged) {
  const Firing& firing = judged.firing;
  judged.label = find_cause(out.labels, firing);
  if (judged.label == JudgedFiring::kNoLabel) {
    const auto quiet = std::find_if(out.labels.begin(), out.labels.end(),
                                    [&](const auto& one) { return is_in(one.label, firing); });
    if (quiet != out.labels.end()) judged.label = static_cast<size_t>(quiet - out.labels.begin());
    return;
  }
  JudgedLabel& cause = out.labels[judged.label];
  cause.noticed = true;
  const bool same_kind = cause.label.kind == firing.type;
  judged.verdict = same_kind ? Verdict::kRight : Verdict::kPart;
  if (!same_kind || cause.found) return;
  cause.found = true;
  cause.delay = firing.told - cause.label.range.start;
}

/// The next incident of a service may begin while the alert about the previous one still fires.
void find_still_firing(Judgement& out) {
  for (JudgedLabel& judged : out.labels) {
    for (const JudgedFiring& other : out.firings) {
      if (judged.found) break;
      judged.found = other.verdict == Verdict::kRight && other.firing.type == judged.label.kind &&
                     overlaps(judged.label, other.firing);
      judged.noticed = judged.noticed || judged.found;
    }
  }
}

}  // namespace

Firing firing_of(const AlertEvent& event, Duration delay) {
  Firing firing;
  firing.rule = event.rule;
  firing.type = event.type;
  firing.service = event.service;
  firing.severity = name_of(event.severity);
  firing.summary = event.summary;
  if (!event.explanation.empty()) {
    const auto text = event.annotations.find("explanation");
    firing.explanation = event.explanation == "[]" || text == event.annotations.end()
                             ? std::string()
                             : text->second.substr(0, text->second.find('\n'));
  }
  firing.value = event.value;
  firing.baseline = event.baseline;
  firing.window_start = event.window_from;
  firing.told = event.late ? event.written_at : event.time + delay;
  firing.range = {event.time, kTimeMax};
  return firing;
}

std::optional<bool> explains_rightly(const Label& label, const Firing& firing) {
  static constexpr std::array kKinds = {"FAILURE_RATE_SPIKE",  "HIGH_RESPONSE_TIME",
                                        "LOG_VOLUME_ANOMALY",  "NEW_PATTERN",
                                        "SERVICE_DEGRADATION", "TRANSACTION_TIMEOUT"};
  static constexpr std::array kNames = {"host=", "transaction=", "version=", "message="};
  if (std::ranges::find(kKinds, label.kind) == kKinds.end()) return std::nullopt;
  if (label.cause.empty()) return firing.explanation && firing.explanation->empty();
  if (std::ranges::none_of(kNames, [&](const char* name) { return label.cause.starts_with(name); }))
    return std::nullopt;
  return firing.explanation && is_named(label.cause, *firing.explanation);
}

Judgement judge(std::vector<Label> labels, std::vector<Firing> firings, TimeRange evaluated) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const Label& a, const Label& b) { return a.range.start < b.range.start; });
  std::stable_sort(firings.begin(), firings.end(),
                   [](const Firing& a, const Firing& b) { return a.range.start < b.range.start; });
  Judgement out;
  for (Label& label : labels) {
    JudgedLabel& judged = out.labels.emplace_back();
    judged.counts = counts(label, evaluated);
    judged.label = std::move(label);
  }
  for (Firing& firing : firings) {
    JudgedFiring& judged = out.firings.emplace_back();
    judged.firing = std::move(firing);
    add_firing(out, judged);
    if (judged.verdict != Verdict::kFalse) {
      out.labels[judged.label].firings.push_back(out.firings.size() - 1);
    }
  }
  find_still_firing(out);
  return out;
}

}  // namespace tocsin::detection
