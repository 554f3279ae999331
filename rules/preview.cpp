#include "rules/preview.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "db/base/floor.h"
#include "query/query.h"
#include "rules/evaluate.h"
#include "rules/rule_set.h"

namespace tocsin {
namespace {

std::string text_of(const GroupValues& group) {
  std::string out;
  for (const auto& [name, value] : group)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ", ", name, display(value));
  return out;
}

PreviewRow preview_of(const ObservedRow& row) {
  const auto summary = row.annotations.find("summary");
  return {row.severity, text_of(row.group),
          summary == row.annotations.end() ? "" : summary->second};
}

RulePreview preview_rule(const CompiledRule& compiled, const QueryEngine& queries,
                         const PreviewOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  const Timestamp end =
      floor_div(options.now - options.delay, compiled.rule.interval) * compiled.rule.interval;
  RulePreview out{compiled.rule.name, {end - compiled.range, end}};
  EvaluateOptions evaluate;
  evaluate.zone = options.zone;
  evaluate.was_learning = true;
  evaluate.cancelled = options.stop;
  const Result<Evaluation> evaluation = evaluate_rule(compiled, queries, end, evaluate);
  out.duration = std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count();
  if (!evaluation) {
    out.error = evaluation.error().message;
    return out;
  }
  out.event_count = evaluation->rows_matched;
  out.learning = evaluation->learning;
  for (const auto& [fingerprint, row] : evaluation->rows) {
    if (row.starts) out.rows.push_back(preview_of(row));
  }
  std::stable_sort(out.rows.begin(), out.rows.end(), [](const PreviewRow& a, const PreviewRow& b) {
    return a.severity > b.severity;
  });
  return out;
}

}  // namespace

std::vector<RulePreview> preview_rules(const Database& database, const std::vector<RuleFile>& files,
                                       const PreviewOptions& options) {
  const QueryEngine queries(database);
  const RuleSet rules =
      load_rule_set(files, {}, queries, {options.parameters, options.zone, options.now});
  std::vector<RulePreview> out;
  for (const CompiledRule& compiled : rules.rules) {
    if (options.stop && *options.stop) break;
    out.push_back(preview_rule(compiled, queries, options));
  }
  return out;
}

}  // namespace tocsin
