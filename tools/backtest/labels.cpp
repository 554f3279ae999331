#include "tools/backtest/labels.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <simdjson.h>

#include "config/yaml.h"
#include "db/base/ascii.h"
#include "net/parse/framer.h"
#include "query/format/text_table.h"
#include "tools/detection/match.h"

namespace tocsin::backtesting {
namespace {

using detection::Figures;
using detection::Firing;
using detection::KindFigures;
using generate::Duty;
using generate::Label;

std::string text_of(const simdjson::dom::element& object, const char* key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

bool flag_of(const simdjson::dom::element& object, const char* key, bool otherwise) {
  bool flag = otherwise;
  return object[key].get(flag) == simdjson::SUCCESS ? flag : otherwise;
}

Result<Timestamp> time_of(const simdjson::dom::element& object, const char* key) {
  const std::string text = text_of(object, key);
  if (text.empty())
    return fail(ErrorCode::kInvalid, fmt::format("expected a time under `{}`", key));
  return parse_time(text);
}

Result<Label> label_of(const simdjson::dom::element& object) {
  Label label;
  label.kind = text_of(object, "kind");
  label.service = text_of(object, "service");
  label.cause = text_of(object, "cause");
  label.permanent = flag_of(object, "permanent", false);
  TOCSIN_TRY(label.range.start, time_of(object, "start"));
  TOCSIN_TRY(label.range.end, time_of(object, "end"));
  if (flag_of(object, "quiet", false)) {
    label.duty = Duty::kQuiet;
  } else if (label.kind.empty()) {
    return fail(ErrorCode::kInvalid, "expected the type of an alert under `kind`");
  } else if (!flag_of(object, "counts", true)) {
    label.duty = text_of(object, "reason") == "optional" ? Duty::kOptional : Duty::kWeak;
  }
  return label;
}

Firing firing_of(const BacktestFiring& firing, Duration delay) {
  Firing out = detection::firing_of(firing.start, delay);
  out.severity = name_of(firing.severity);
  if (firing.end != 0) out.range.end = firing.end;
  return out;
}

Figures all_figures(const std::vector<Label>& labels, const BacktestReport& report, TimeRange range,
                    Duration delay) {
  std::vector<Firing> firings;
  for (const BacktestFiring& firing : report.firings) {
    if (firing.held_back.empty()) firings.push_back(firing_of(firing, delay));
  }
  return detection::figures_of(detection::judge(labels, std::move(firings), range), range, 1);
}

std::string share_text(const detection::Share& share) {
  return share.total == 0 ? "-" : fmt::format("{:.3f}", share.value());
}

std::vector<std::string> row_of(const std::string& name, const KindFigures& figures) {
  const bool found = !figures.delays.empty();
  return {name,
          std::to_string(figures.counted),
          std::to_string(figures.found),
          share_text(figures.recall()),
          std::to_string(figures.alerts()),
          share_text(figures.precision()),
          fmt::format("{:.3f}", f1_of(figures)),
          found ? format_duration(figures.delay(0.5)) : "-",
          found ? format_duration(figures.delay(0.95)) : "-"};
}

}  // namespace

Result<std::vector<Label>> read_labels(const std::string& path) {
  TOCSIN_TRY(const std::string text, read_text_file(path));
  std::vector<Label> labels;
  simdjson::dom::parser parser;
  std::string_view rest = text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = trimmed(next_simple_line(rest));
    if (line.empty()) continue;
    simdjson::dom::element object;
    const auto error = parser.parse(simdjson::padded_string(line)).get(object);
    Result<Label> label =
        error ? fail(ErrorCode::kInvalid, simdjson::error_message(error)) : label_of(object);
    if (!label) return fail(label.error(), fmt::format("{}:{}", path, number));
    labels.push_back(*std::move(label));
  }
  return labels;
}

KindFigures figures_of_all(const std::vector<Label>& labels, const BacktestReport& report,
                           TimeRange range, Duration delay) {
  return all_figures(labels, report, range, delay).all();
}

double f1_of(const KindFigures& figures) {
  const double precision = figures.alerts() == 0 ? 0 : figures.precision().value();
  const double recall = figures.counted == 0 ? 0 : figures.recall().value();
  return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
}

std::string figures_text(const std::vector<Label>& labels, const BacktestReport& report,
                         TimeRange range, Duration delay) {
  const Figures figures = all_figures(labels, report, range, delay);
  TextTable table({"kind", "labels", "found", "recall", "firings", "precision", "F1",
                   "delay median", "delay p95"});
  for (const auto& [kind, of_kind] : figures.kinds) table.add(row_of(kind, of_kind));
  table.add(row_of("all", figures.all()));
  return table.text();
}

}  // namespace tocsin::backtesting
