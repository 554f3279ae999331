#include "query/plan/analyze.h"

#include <algorithm>
#include <optional>

namespace tocsin {
namespace {

// By column of a stage's input: the source column or group key that it holds, if any.
using Origins = std::vector<std::optional<uint32_t>>;

Origins project(const Origins& origins, const std::vector<uint32_t>& columns) {
  Origins out;
  for (const uint32_t column : columns) out.push_back(origins[column]);
  return out;
}

// The origins after a stage other than stats, which keeps, moves, replaces or adds columns.
Origins after(const Stage& stage, Origins origins) {
  if (const auto* keep = std::get_if<ProjectStage>(&stage.operation)) {
    return project(origins, keep->columns);
  }
  if (const auto* distinct = std::get_if<DistinctStage>(&stage.operation)) {
    return project(origins, distinct->columns);
  }
  if (const auto* changepoint = std::get_if<ChangepointStage>(&stage.operation)) {
    origins = project(origins, changepoint->series.group_columns);
  }
  origins.resize(stage.columns.size());
  if (const auto* let = std::get_if<LetStage>(&stage.operation)) {
    for (const uint32_t output : let->outputs) origins[output].reset();
  }
  return origins;
}

class UseMarker {
 public:
  explicit UseMarker(const Plan& plan) : used_(plan.source_columns.size(), false) {
    for (uint32_t i = 0; i < used_.size(); ++i) origins_.emplace_back(i);
  }

  void stage(const Stage& stage) {
    std::visit([&](const auto& operation) { mark(operation); }, stage.operation);
    if (std::holds_alternative<StatsStage>(stage.operation) ||
        std::holds_alternative<DiffStage>(stage.operation)) {
      origins_.assign(stage.columns.size(), std::nullopt);
    } else {
      origins_ = after(stage, std::move(origins_));
    }
  }

  std::vector<bool> finish() {
    for (uint32_t i = 0; i < origins_.size(); ++i) column(i);
    return std::move(used_);
  }

 private:
  void column(uint32_t index) {
    if (index < origins_.size() && origins_[index]) used_[*origins_[index]] = true;
  }
  void columns(const std::vector<uint32_t>& indexes) {
    for (const uint32_t index : indexes) column(index);
  }
  void expression(const Expression& node) {
    if (node.kind == Expression::Kind::kColumn) column(node.column);
    for (const Expression& argument : node.arguments) expression(argument);
  }
  void keys(const std::vector<SortKey>& sort_keys) {
    for (const SortKey& key : sort_keys) column(key.column);
  }

  void mark(const FilterStage& filter) { expression(filter.condition); }
  void mark(const LetStage& let) {
    for (const NamedExpression& definition : let.definitions) expression(definition.expression);
  }
  void mark(const StatsStage& stats) {
    for (const GroupKey& key : stats.keys) column(key.column);
    for (const Aggregate& aggregate : stats.aggregates) {
      if (aggregate.argument) expression(*aggregate.argument);
      if (aggregate.where) expression(*aggregate.where);
      if (reads_time(aggregate.kind)) column(aggregate.time_column);
    }
  }
  void mark(const BaselineStage& baseline) {
    columns(baseline.key_columns);
    for (const BaselineColumn& value : baseline.columns) column(value.column);
    for (const BaselineJudgement& judgement : baseline.judgements) {
      column(judgement.column);
      column(judgement.of);
    }
    if (baseline.novelty) column(baseline.novelty->column);
  }
  void mark(const SortStage& sort) { keys(sort.keys); }
  void mark(const LimitStage&) {}
  void mark(const TopStage& top) { keys(top.keys); }
  void mark(const DistinctStage& distinct) { columns(distinct.columns); }
  void mark(const ProjectStage&) {}  // a kept column counts only if something later uses it
  void mark(const FillStage& fill) {
    column(fill.time_column);
    columns(fill.group_columns);
  }
  void mark(const SeriesInput& series) {
    column(series.time_column);
    column(series.value_column);
    columns(series.group_columns);
  }
  void mark(const DetectStage& detect) { mark(detect.series); }
  void mark(const ChangepointStage& changepoint) { mark(changepoint.series); }
  void mark(const ForecastStage& forecast) { mark(forecast.series); }
  void mark(const DiffStage& diff) {
    expression(diff.target);
    for (const NamedExpression& each : diff.columns) expression(each.expression);
  }

  std::vector<bool> used_;
  Origins origins_;
};

}  // namespace

PlanSummary summarize_plan(const Plan& plan) {
  PlanSummary summary;
  Origins origins(plan.source_columns.size());
  for (const Stage& stage : plan.stages) {
    summary.has_baseline =
        summary.has_baseline || std::holds_alternative<BaselineStage>(stage.operation);
    const auto* stats = std::get_if<StatsStage>(&stage.operation);
    if (!stats) {
      origins = after(stage, std::move(origins));
      continue;
    }
    summary.has_stats = true;
    summary.group_keys.clear();
    origins.assign(stage.columns.size(), std::nullopt);
    for (uint32_t i = 0; i < stats->keys.size(); ++i) {
      if (stage.columns[i].sibling) continue;
      origins[i] = static_cast<uint32_t>(summary.group_keys.size());
      summary.group_keys.push_back(stats->keys[i].name);
    }
    summary.buckets_time = std::any_of(stats->keys.begin(), stats->keys.end(),
                                       [](const GroupKey& key) { return key.bucket > 0; });
  }
  if (!summary.has_stats) return summary;
  for (uint32_t key = 0; key < summary.group_keys.size(); ++key) {
    const auto found = std::find(origins.begin(), origins.end(), std::optional(key));
    if (found == origins.end()) {
      summary.group_columns.clear();
      return summary;
    }
    summary.group_columns.push_back(static_cast<uint32_t>(found - origins.begin()));
  }
  summary.keys_survive = true;
  return summary;
}

std::vector<bool> used_source_columns(const Plan& plan) {
  UseMarker marker(plan);
  for (const Stage& stage : plan.stages) marker.stage(stage);
  return marker.finish();
}

}  // namespace tocsin
