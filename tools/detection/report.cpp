// Tables of figures, and lists of what went wrong.
#include "tools/detection/report.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/json.h"

namespace tocsin::detection {
namespace {

constexpr const char* kColumns =
    "  {:<20}{:>7}{:>6}{:>6}{:>6}{:>8} {:>11} {:>8}{:>8}{:>7}{:>6}{:>6}{:>7} "
    "{:>11}{:>8}{:>8}{:>7}\n";

std::string interval_text(const Share& share) {
  const Interval interval = wilson(share);
  return fmt::format("{:.3f}-{:.3f}", interval.low, interval.high);
}

std::string share_text(const Share& share) {
  return share.total == 0 ? "-" : fmt::format("{:.3f}", share.value());
}

std::string delay_text(const KindFigures& kind, double quantile) {
  if (kind.delays.empty()) return "-";
  return fmt::format("{:.0f}m", static_cast<double>(kind.delay(quantile)) / kMinute);
}

std::string row(const std::string& name, const KindFigures& kind) {
  return fmt::format(fmt::runtime(kColumns), name, kind.label_count, kind.weak_count,
                     kind.optional_count, kind.counted, share_text(kind.recall()),
                     interval_text(kind.recall()), share_text({kind.noticed, kind.counted}),
                     kind.alerts(), kind.right, kind.part, kind.wrong, share_text(kind.precision()),
                     interval_text(kind.precision()), delay_text(kind, 0.5), delay_text(kind, 0.95),
                     kind.incidents == 0 ? "-" : fmt::format("{:.2f}", kind.alerts_per_incident()));
}

double per(double part, double whole) { return whole == 0 ? 0 : part / whole; }

std::string period(TimeRange range) {
  return fmt::format("{} to {}", format_time_short(range.start),
                     range.end == kTimeMax ? "the end" : format_time_short(range.end));
}

std::string number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.4g}", value); }

std::string firing_line(const Firing& firing) {
  return fmt::format("{}  {} {} {} {}: value {}, baseline {}: {}\n", period(firing.range),
                     firing.type, firing.service, firing.severity, firing.rule,
                     number(firing.value), number(firing.baseline), firing.summary);
}

std::string label_line_of(const generate::Label& label) {
  return fmt::format("{}  {} {}{}{}\n", period(label.range), label.kind, label.service,
                     label.cause.empty() ? "" : "  ", label.cause);
}

std::string kind_json(const KindFigures& kind) {
  const Interval recall = wilson(kind.recall()), precision = wilson(kind.precision());
  return fmt::format(
      R"({{"labels":{},"weak":{},"optional":{},"counted":{},"found":{},"noticed":{},"recall":{},)"
      R"("recall_low":{},"recall_high":{},"alerts":{},"right":{},"part":{},"false":{},)"
      R"("precision":{},"precision_low":{},"precision_high":{},"delay_p50_s":{},"delay_p95_s":{},)"
      R"("incidents":{},"alerts_per_incident":{},"explained":{},"explained_right":{},)"
      R"("without_cause":{},"without_cause_right":{}}})",
      kind.label_count, kind.weak_count, kind.optional_count, kind.counted, kind.found,
      kind.noticed, json_number(kind.recall().value()), json_number(recall.low),
      json_number(recall.high), kind.alerts(), kind.right, kind.part, kind.wrong,
      json_number(kind.precision().value()), json_number(precision.low),
      json_number(precision.high), kind.delay(0.5) / kSecond, kind.delay(0.95) / kSecond,
      kind.incidents, json_number(kind.alerts_per_incident()), kind.named.total, kind.named.hits,
      kind.unnamed.total, kind.unnamed.hits);
}

}  // namespace

std::string figures_table(const Figures& figures) {
  std::string out = fmt::format(fmt::runtime(kColumns), "kind", "labels", "weak", "opt", "count",
                                "recall", "95 %", "noticed", "alerts", "right", "part", "false",
                                "precis.", "95 %", "delay", "p95", "al/inc");
  for (const auto& [name, kind] : figures.kinds) out += row(name, kind);
  const KindFigures all = figures.all();
  out += row("all", all);
  const auto wrong = static_cast<double>(all.wrong);
  out += fmt::format(
      "  {:.1f} % of the labels do not count; {:.4f} false alerts per service and day ({:.2f} a "
      "day)\n",
      100 * per(static_cast<double>(all.label_count - all.counted),
                static_cast<double>(all.label_count)),
      per(wrong, figures.service_days), per(wrong, figures.days));
  if (all.named.total + all.unnamed.total > 0) {
    out += fmt::format(
        "  explanations: {} of {} name the cause first; {} of {} without a cause name nothing\n",
        all.named.hits, all.named.total, all.unnamed.hits, all.unnamed.total);
  }
  return out;
}

std::string goals_line(const Figures& figures, bool clean) {
  const std::vector<std::string> missed = missed_goals(figures, clean);
  return missed.empty() ? "pass" : fmt::format("FAIL: {}", fmt::join(missed, ", "));
}

std::string details(const Judgement& judgement) {
  std::string out;
  for (const JudgedLabel& judged : judgement.labels) {
    if (!judged.counts || judged.found) continue;
    out += judged.noticed ? "  other  " : "  missed ";
    out += label_line_of(judged.label);
  }
  for (const JudgedFiring& judged : judgement.firings) {
    if (judged.verdict != Verdict::kFalse) continue;
    out += "  false  " + firing_line(judged.firing);
    if (judged.label == JudgedFiring::kNoLabel) continue;
    out += "    quiet: " + label_line_of(judgement.labels[judged.label].label);
  }
  for (const JudgedFiring& judged : judgement.firings) {
    if (judged.verdict != Verdict::kRight || !judgement.labels[judged.label].counts) continue;
    const generate::Label& label = judgement.labels[judged.label].label;
    if (explains_rightly(label, judged.firing).value_or(true)) continue;
    out += "  unclear " + label_line_of(label) +
           fmt::format("    explanation: {}\n", judged.firing.explanation.value_or("none"));
  }
  for (const JudgedLabel& judged : judgement.labels) {
    if (judged.firings.size() < 2) continue;
    out += fmt::format("  {} alerts: {}", judged.firings.size(), label_line_of(judged.label));
    for (const size_t index : judged.firings)
      out += "    " + firing_line(judgement.firings[index].firing);
  }
  return out;
}

std::string figures_json(const Figures& figures) {
  std::string kinds;
  for (const auto& [name, kind] : figures.kinds) {
    kinds += fmt::format("{}{}:{}", kinds.empty() ? "" : ",", json_quote(name), kind_json(kind));
  }
  return fmt::format(R"({{"service_days":{},"days":{},"all":{},"kinds":{{{}}}}})",
                     json_number(figures.service_days), json_number(figures.days),
                     kind_json(figures.all()), kinds);
}

}  // namespace tocsin::detection
