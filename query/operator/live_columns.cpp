// Finds the columns that later stages need; others are not read from the segments.
#include <algorithm>

#include "query/operator/operators.h"

namespace tocsin {
namespace {

void add_columns(const Expression& expression, std::vector<uint8_t>& live) {
  if (expression.kind == Expression::Kind::kColumn) live.at(expression.column) = 1;
  for (const Expression& argument : expression.arguments) add_columns(argument, live);
}

// Computes the live columns of a stage's input from those of its output.
struct LiveInput {
  const std::vector<uint8_t>& output;
  std::vector<uint8_t>& input;  // all zero

  void keep_all() const {
    for (size_t i = 0; i < std::min(input.size(), output.size()); ++i) input[i] = output[i];
  }
  void operator()(const FilterStage& stage) const {
    keep_all();
    add_columns(stage.condition, input);
  }
  void operator()(const LetStage& stage) const {
    keep_all();
    for (const uint32_t defined : stage.outputs) {
      if (defined < input.size()) input[defined] = 0;
    }
    for (size_t i = 0; i < stage.definitions.size(); ++i) {
      if (output.at(stage.outputs[i])) add_columns(stage.definitions[i].expression, input);
    }
  }
  void operator()(const StatsStage& stage) const {
    for (const GroupKey& key : stage.keys) input.at(key.column) = 1;
    for (const Aggregate& aggregate : stage.aggregates) {
      if (aggregate.argument) add_columns(*aggregate.argument, input);
      if (aggregate.where) add_columns(*aggregate.where, input);
      if (aggregate.time_column) input.at(*aggregate.time_column) = 1;
    }
  }
  void operator()(const SortStage& stage) const {
    keep_all();
    for (const SortKey& key : stage.keys) input.at(key.column) = 1;
  }
  void operator()(const TopStage& stage) const {
    keep_all();
    for (const SortKey& key : stage.keys) input.at(key.column) = 1;
  }
  void operator()(const LimitStage&) const { keep_all(); }
  void operator()(const DistinctStage& stage) const {
    for (const uint32_t column : stage.columns) input.at(column) = 1;
  }
  void operator()(const ProjectStage& stage) const {
    for (size_t i = 0; i < stage.columns.size(); ++i) {
      if (output.at(i)) input.at(stage.columns[i]) = 1;
    }
  }
  void operator()(const BaselineStage&) const { std::ranges::fill(input, uint8_t{1}); }
  void operator()(const FillStage&) const { std::ranges::fill(input, uint8_t{1}); }
  void operator()(const DiffStage& stage) const {
    add_columns(stage.target, input);
    for (const NamedExpression& column : stage.columns) add_columns(column.expression, input);
  }
  void operator()(const DetectStage&) const { std::ranges::fill(input, uint8_t{1}); }
  void operator()(const ChangepointStage&) const { std::ranges::fill(input, uint8_t{1}); }
  void operator()(const ForecastStage&) const { std::ranges::fill(input, uint8_t{1}); }
};

}  // namespace

std::vector<uint8_t> live_columns(const Plan& plan, size_t index) {
  std::vector<uint8_t> live(plan.output_columns().size(), 1);
  for (size_t at = plan.stages.size(); at > index; --at) {
    const auto& columns = at == 1 ? plan.source_columns : plan.stages[at - 2].columns;
    std::vector<uint8_t> input(columns.size(), 0);
    std::visit(LiveInput{live, input}, plan.stages[at - 1].operation);
    live = std::move(input);
  }
  return live;
}

}  // namespace tocsin
