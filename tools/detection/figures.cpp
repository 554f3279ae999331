// Sums over labels and alerts.
#include "tools/detection/figures.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace tocsin::detection {
namespace {

using generate::Duty;

double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

void add_label(const JudgedLabel& judged, TimeRange evaluated, KindFigures& kind) {
  if (!evaluated.contains(judged.label.range.start)) return;
  ++kind.label_count;
  kind.weak_count += judged.label.duty == Duty::kWeak;
  kind.optional_count += judged.label.duty == Duty::kOptional;
  if (!judged.counts) return;
  ++kind.counted;
  kind.found += judged.found;
  kind.noticed += judged.noticed;
  if (judged.found) kind.delays.push_back(judged.delay);
}

void add_explanation(const Judgement& judgement, const JudgedLabel& judged, KindFigures& kind) {
  const auto first = std::ranges::find_if(judged.firings, [&](size_t index) {
    return judgement.firings[index].firing.type == judged.label.kind;
  });
  if (!judged.counts || first == judged.firings.end()) return;
  const auto right = explains_rightly(judged.label, judgement.firings[*first].firing);
  if (!right) return;
  Share& share = judged.label.cause.empty() ? kind.unnamed : kind.named;
  ++share.total;
  share.hits += *right;
}

void add_incidents(const Judgement& judgement, Figures& out) {
  std::set<std::tuple<std::string, Timestamp, Timestamp>> seen;
  for (const JudgedLabel& judged : judgement.labels) {
    if (judged.firings.empty()) continue;
    const generate::Label& label = judged.label;
    KindFigures& kind = out.kinds[label.kind];
    kind.incidents += seen.emplace(label.service, label.range.start, label.range.end).second;
    kind.incident_alerts += judged.firings.size();
  }
}

}  // namespace

double Share::value() const {
  return total == 0 ? 1 : static_cast<double>(hits) / static_cast<double>(total);
}

Interval wilson(const Share& share) {
  if (share.total == 0) return {};
  constexpr double kZ = 1.959964;
  const auto n = static_cast<double>(share.total);
  const double p = share.value();
  const double middle = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

double KindFigures::alerts_per_incident() const {
  return ratio(static_cast<double>(incident_alerts), static_cast<double>(incidents));
}

Duration KindFigures::delay(double quantile) const {
  if (delays.empty()) return 0;
  std::vector<Duration> sorted = delays;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = std::ceil(quantile * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

void KindFigures::add(const KindFigures& other) {
  label_count += other.label_count;
  weak_count += other.weak_count;
  optional_count += other.optional_count;
  found += other.found;
  noticed += other.noticed;
  counted += other.counted;
  right += other.right;
  part += other.part;
  wrong += other.wrong;
  incidents += other.incidents;
  incident_alerts += other.incident_alerts;
  for (const auto share : {&KindFigures::named, &KindFigures::unnamed}) {
    (this->*share).hits += (other.*share).hits;
    (this->*share).total += (other.*share).total;
  }
  delays.insert(delays.end(), other.delays.begin(), other.delays.end());
}

KindFigures Figures::all() const {
  KindFigures out;
  for (const auto& [name, kind] : kinds) out.add(kind);
  return out;
}

void Figures::add(const Figures& other) {
  for (const auto& [name, kind] : other.kinds) kinds[name].add(kind);
  service_days += other.service_days;
  days += other.days;
}

Figures figures_of(const Judgement& judgement, TimeRange evaluated, size_t service_count) {
  Figures out;
  out.days = static_cast<double>(evaluated.end - evaluated.start) / static_cast<double>(kDay);
  out.service_days = out.days * static_cast<double>(service_count);
  for (const JudgedLabel& judged : judgement.labels) {
    if (judged.label.duty == Duty::kQuiet) continue;
    KindFigures& kind = out.kinds[judged.label.kind];
    add_label(judged, evaluated, kind);
    add_explanation(judgement, judged, kind);
  }
  for (const JudgedFiring& judged : judgement.firings) {
    KindFigures& kind = out.kinds[judged.firing.type];
    kind.right += judged.verdict == Verdict::kRight;
    kind.part += judged.verdict == Verdict::kPart;
    kind.wrong += judged.verdict == Verdict::kFalse;
  }
  add_incidents(judgement, out);
  return out;
}

std::vector<std::string> missed_goals(const Figures& figures, bool clean) {
  std::vector<std::string> missed;
  const auto at_least = [&](const std::string& name, const Share& share, double goal) {
    if (share.value() >= goal) return;
    missed.push_back(fmt::format("{} {:.3f}", name, share.value()));
  };
  const auto at_most = [&](const char* name, double value, double goal) {
    if (value > goal) missed.push_back(fmt::format("{} {:.2f}", name, value));
  };
  for (const auto& [name, kind] : figures.kinds)
    at_least("recall " + name, kind.recall(), kRecallMin);
  const KindFigures all = figures.all();
  const auto wrong = static_cast<double>(all.wrong);
  if (!clean) at_least("precision", all.precision(), kPrecisionMin);
  at_most("alerts per incident", all.alerts_per_incident(), kAlertsPerIncidentMax);
  at_most("false per service and day", ratio(wrong, figures.service_days), kFalsePerServiceDayMax);
  if (clean) at_most("false per day", ratio(wrong, figures.days), kFalsePerDayMax);
  return missed;
}

}  // namespace tocsin::detection
