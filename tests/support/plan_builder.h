// Builds plans for tests of the executor that should not depend on the language.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "db/base/check.h"
#include "db/database.h"
#include "query/base/value.h"
#include "query/plan/plan.h"

namespace tocsin {

class PlanBuilder {
 public:
  /// All columns of the measurements, with the type in the first measurement that has them.
  PlanBuilder(const Database& database, const std::vector<std::string>& measurements,
              TimeRange range = {}) {
    plan.range = range;
    plan.range_given = range != TimeRange{};
    plan.now = range.end;
    plan.source_columns = {{"time", ValueType::kTime}, {"measurement", ValueType::kString}};
    for (const std::string& name : measurements) {
      SourceMeasurement source{name, {}};
      const Measurement* stored = database.catalog()->find(name);
      if (stored) {
        for (const Column& column : stored->columns) source.columns.push_back(source_index(column));
      }
      std::ranges::sort(source.columns);
      plan.source.push_back(std::move(source));
    }
  }

  const std::vector<PlanColumn>& columns() const { return plan.output_columns(); }
  uint32_t index(const std::string& name) const {
    for (uint32_t i = 0; i < columns().size(); ++i) {
      if (columns()[i].name == name) return i;
    }
    TOCSIN_CHECK(!"no such column");
    return 0;
  }
  Expression column(const std::string& name) const {
    Expression e;
    e.kind = Expression::Kind::kColumn;
    e.column = index(name);
    e.type = columns()[e.column].type;
    return e;
  }
  static Expression literal(Value value) {
    Expression e;
    e.type = value.type;
    e.literal = std::move(value);
    return e;
  }
  static Expression call(Function function, ValueType type, std::vector<Expression> arguments) {
    Expression e;
    e.kind = Expression::Kind::kCall;
    e.function = function;
    e.type = type;
    e.arguments = std::move(arguments);
    return e;
  }
  static Expression test(Function function, std::vector<Expression> arguments) {
    return call(function, ValueType::kBool, std::move(arguments));
  }

  PlanBuilder& where(Expression condition) {
    auto output = columns();
    return add(FilterStage{std::move(condition)}, std::move(output));
  }
  PlanBuilder& let(const std::string& name, Expression expression) {
    auto output = columns();
    uint32_t at = 0;
    while (at < output.size() && output[at].name != name) ++at;
    if (at == output.size()) output.push_back({});
    output[at] = {name, expression.type};
    return add(LetStage{{{name, std::move(expression)}}, {at}}, std::move(output));
  }
  static Aggregate aggregate(AggregateKind kind, const std::string& name, ValueType type,
                             std::optional<Expression> argument = std::nullopt) {
    Aggregate a;
    a.kind = kind;
    a.name = name;
    a.type = type;
    a.argument = std::move(argument);
    return a;
  }
  static Aggregate count(const std::string& name = "n") {
    return aggregate(AggregateKind::kCount, name, ValueType::kI64);
  }
  /// `bucket` groups by `time`; 0: no bucket.
  PlanBuilder& stats(std::vector<Aggregate> aggregates, const std::vector<std::string>& by,
                     Duration bucket = 0) {
    StatsStage stage;
    std::vector<PlanColumn> output;
    if (bucket != 0) {
      stage.keys.push_back({"time", index("time"), bucket});
      output.push_back({"time", ValueType::kTime});
    }
    for (const std::string& name : by) {
      stage.keys.push_back({name, index(name), 0});
      output.push_back(columns()[index(name)]);
    }
    for (const Aggregate& a : aggregates) output.push_back({a.name, a.type});
    stage.aggregates = std::move(aggregates);
    return add(std::move(stage), std::move(output));
  }
  PlanBuilder& sort(const std::vector<std::pair<std::string, bool>>& keys) {
    SortStage stage;
    for (const auto& [name, descending] : keys) stage.keys.push_back({index(name), descending});
    auto output = columns();
    return add(std::move(stage), std::move(output));
  }
  PlanBuilder& limit(uint64_t count) {
    auto output = columns();
    return add(LimitStage{count}, std::move(output));
  }
  PlanBuilder& keep(const std::vector<std::string>& names) {
    ProjectStage stage;
    std::vector<PlanColumn> output;
    for (const std::string& name : names) {
      stage.columns.push_back(index(name));
      output.push_back(columns()[index(name)]);
    }
    return add(std::move(stage), std::move(output));
  }
  PlanBuilder& distinct(const std::vector<std::string>& names) {
    DistinctStage stage;
    std::vector<PlanColumn> output;
    for (const std::string& name : names) {
      stage.columns.push_back(index(name));
      output.push_back(columns()[index(name)]);
    }
    return add(std::move(stage), std::move(output));
  }
  /// `statistics`: input columns, and the statistic to compute for each.
  PlanBuilder& baseline(BaselineStage stage,
                        std::vector<std::pair<std::string, BaselineColumn>> statistics) {
    for (const Stage& before : plan.stages) {
      const auto* stats = std::get_if<StatsStage>(&before.operation);
      if (!stats) continue;
      stage.key_columns.clear();
      for (const GroupKey& key : stats->keys) stage.key_columns.push_back(index(key.name));
    }
    auto output = columns();
    for (auto& [name, column] : statistics) {
      column.column = index(name);
      const bool windows = column.statistic == BaselineStatistic::kWindows;
      output.push_back({column.name, windows ? ValueType::kI64 : ValueType::kF64});
      stage.columns.push_back(column);
    }
    return add(std::move(stage), std::move(output));
  }
  PlanBuilder& add(decltype(Stage::operation) operation, std::vector<PlanColumn> output) {
    plan.stages.push_back({std::move(operation), std::move(output), {}});
    return *this;
  }

  Plan plan;

 private:
  uint32_t source_index(const Column& column) {
    for (uint32_t i = 2; i < plan.source_columns.size(); ++i) {
      if (plan.source_columns[i].name == column.name) return i;
    }
    plan.source_columns.push_back({column.name, type_of(column)});
    return static_cast<uint32_t>(plan.source_columns.size() - 1);
  }
};

}  // namespace tocsin
