// Prints a plan as text: one line per stage, with its output columns where they change.
#include <fmt/format.h>

#include "query/base/join.h"
#include "query/function/functions.h"
#include "query/parser/ast.h"
#include "query/parser/lexer.h"
#include "query/plan/analyze.h"
#include "query/plan/plan.h"

namespace tocsin {
namespace {

using Columns = std::vector<PlanColumn>;

std::string shown_name(const PlanColumn& column) {
  return column.sibling ? fmt::format("{} ({})", column.name, name_of(column.type)) : column.name;
}

// The expression as a syntax tree; conversions that the checker inserted are visible.
ast::Expression as_written(const Expression& expression, const Columns& input) {
  ast::Expression node;
  switch (expression.kind) {
    case Expression::Kind::kLiteral:
      node.kind = ast::Expression::Kind::kLiteral;
      node.literal = expression.literal;
      return node;
    case Expression::Kind::kColumn:
      node.kind = ast::Expression::Kind::kName;
      node.name = shown_name(input[expression.column]);
      return node;
    case Expression::Kind::kCall: break;
  }
  const bool is_operator = expression.function <= Function::kIcontains;
  node.kind = is_operator ? ast::Expression::Kind::kOperator : ast::Expression::Kind::kCall;
  node.operation = expression.function;
  node.name = name_of(expression.function);
  for (const Expression& argument : expression.arguments) {
    node.arguments.push_back(as_written(argument, input));
  }
  return node;
}

std::string print_columns(const Columns& columns) {
  return join(columns, [](const PlanColumn& column) {
    return fmt::format("{} {}", ast::print_name(shown_name(column)), name_of(column.type));
  });
}

class StagePrinter {
 public:
  StagePrinter(const Stage& stage, const Columns& input) : stage_(stage), input_(input) {}

  std::string operator()(const FilterStage& filter) const {
    return "where " + print_expression(filter.condition, input_);
  }
  std::string operator()(const LetStage& let) const {
    return "let " +
           join(let.definitions,
                [&](const NamedExpression& each) {
                  return ast::print_name(each.name) + " = " +
                         print_expression(each.expression, input_);
                }) +
           output();
  }
  std::string operator()(const StatsStage& stats) const {
    std::string out =
        "stats " + join(stats.aggregates, [&](const Aggregate& each) { return aggregate(each); });
    if (!stats.keys.empty()) {
      out += " by " + join(stats.keys, [&](const GroupKey& key) {
               return key.bucket > 0 ? fmt::format("time({})", format_duration(key.bucket))
                                     : name(key.column);
             });
    }
    return out + output();
  }
  std::string operator()(const BaselineStage& baseline) const {
    std::string out = fmt::format("baseline {} step {} min {}", format_duration(baseline.depth),
                                  format_duration(baseline.step), baseline.min_windows);
    if (baseline.excluding_alerts) out += " excluding alerts";
    if (!baseline.excluding_rule.empty()) out += " of " + ast::print_name(baseline.excluding_rule);
    for (const BaselineJudgement& each : baseline.judgements) {
      const bool has_of = each.kind == JudgementKind::kShare || each.kind == JudgementKind::kMean;
      out += each.kind == JudgementKind::kSilence ? " silence " : " unusual ";
      out += name(each.column) + (has_of ? " of " + name(each.of) : "");
    }
    if (baseline.novelty) {
      out += fmt::format(" novel {} by ({})", name(baseline.novelty->column),
                         join(baseline.novelty->keys,
                              [&](uint32_t key) { return name(baseline.key_columns[key]); }));
    }
    return out + output();
  }
  std::string operator()(const SortStage& sort) const { return "sort " + keys(sort.keys, false); }
  std::string operator()(const LimitStage& limit) const {
    return fmt::format("limit {}", limit.count);
  }
  std::string operator()(const TopStage& top) const {
    return fmt::format("top {} by {}", top.count, keys(top.keys, true));
  }
  std::string operator()(const DistinctStage& distinct) const {
    return "distinct " + names(distinct.columns);
  }
  std::string operator()(const ProjectStage& project) const {
    return "keep " + names(project.columns);
  }
  std::string operator()(const FillStage& fill) const {
    return fmt::format(
        "fill {} every {} by ({}) with ({})", name(fill.time_column), format_duration(fill.bucket),
        names(fill.group_columns),
        join(fill.values, [](const Value& value) { return print_expression(literal(value), {}); }));
  }
  std::string operator()(const DetectStage& detect) const {
    std::string out = "detect " + series(detect.series);
    if (detect.season > 0) out += " season " + format_duration(detect.season);
    if (detect.sensitivity == Sensitivity::kLow) out += " sensitivity low";
    if (detect.sensitivity == Sensitivity::kHigh) out += " sensitivity high";
    return out + fmt::format(" by ({})", names(detect.series.group_columns)) + output();
  }
  std::string operator()(const ChangepointStage& changepoint) const {
    return "changepoint " + series(changepoint.series) +
           fmt::format(" by ({})", names(changepoint.series.group_columns)) + output();
  }
  std::string operator()(const ForecastStage& forecast) const {
    std::string out =
        "forecast " + series(forecast.series) + " horizon " + format_duration(forecast.horizon);
    if (forecast.season > 0) out += " season " + format_duration(forecast.season);
    return out + fmt::format(" by ({})", names(forecast.series.group_columns)) + output();
  }
  std::string operator()(const DiffStage& diff) const {
    return "diff where " + print_expression(diff.target, input_) + " columns " +
           join(diff.columns,
                [](const NamedExpression& each) { return ast::print_name(each.name); }) +
           output();
  }

 private:
  std::string series(const SeriesInput& input) const {
    return fmt::format("{} every {}", name(input.value_column), format_duration(input.bucket));
  }
  static Expression literal(const Value& value) {
    Expression out;
    out.literal = value;
    return out;
  }
  std::string output() const { return " -> " + print_columns(stage_.columns); }
  std::string name(uint32_t column) const { return ast::print_name(shown_name(input_[column])); }
  std::string names(const std::vector<uint32_t>& columns) const {
    return join(columns, [&](uint32_t column) { return name(column); });
  }
  std::string keys(const std::vector<SortKey>& sort_keys, bool minus_is_ascending) const {
    return join(sort_keys, [&](const SortKey& key) {
      return (key.descending != minus_is_ascending ? "-" : "") + name(key.column);
    });
  }
  std::string aggregate(const Aggregate& each) const {
    std::string arguments = each.argument ? print_expression(*each.argument, input_) : "";
    if (each.kind == AggregateKind::kQuantile) arguments += fmt::format(", {}", each.quantile);
    if (each.kind == AggregateKind::kSample) arguments += fmt::format(", {}", each.sample_count);
    std::string out =
        fmt::format("{} = {}({})", ast::print_name(each.name), name_of(each.kind), arguments);
    if (each.where) out += " where " + print_expression(*each.where, input_);
    return out;
  }

  const Stage& stage_;
  const Columns& input_;
};

}  // namespace

std::string print_expression(const Expression& expression, const std::vector<PlanColumn>& input) {
  return ast::print_expression(as_written(expression, input));
}

std::string print_stage(const Stage& stage, const std::vector<PlanColumn>& input) {
  return std::visit(StagePrinter(stage, input), stage.operation);
}

std::string print_plan(const Plan& plan) {
  std::string out = "from " + join(plan.source, [](const SourceMeasurement& each) {
                      return ast::print_name(each.name);
                    });
  const std::vector<bool> used = used_source_columns(plan);
  Columns columns;
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) columns.push_back(plan.source_columns[i]);
  }
  out += " -> " + print_columns(columns) + "\n";
  const Columns* input = &plan.source_columns;
  for (const Stage& stage : plan.stages) {
    out += print_stage(stage, *input) + "\n";
    input = &stage.columns;
  }
  return out;
}

}  // namespace tocsin
