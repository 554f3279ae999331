#include "rules/group_rows.h"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

Expression group_test(Function function, std::vector<Expression> arguments) {
  Expression out;
  out.kind = Expression::Kind::kCall;
  out.type = ValueType::kBool;
  out.function = function;
  out.arguments = std::move(arguments);
  return out;
}

// Whether the column equals the value, of which it has the type; a null equals null.
Expression equals(uint32_t column, ValueType type, const Value& value) {
  Expression left;
  left.kind = Expression::Kind::kColumn;
  left.type = type;
  left.column = column;
  if (value.is_null()) return group_test(Function::kNot, {group_test(Function::kExists, {left})});
  Expression right;
  right.type = value.type;
  right.literal = value;
  return group_test(Function::kEqual, {left, right});
}

// Keeps the rows with that value of a column and its siblings: it is in the one of its type. A null
// is in all of them.
void filter_by_value(Plan& plan, const std::vector<PlanColumn>& columns, const std::string& name,
                     const Value& value) {
  std::optional<uint32_t> holder;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name != name) continue;
    if (value.is_null()) add_filter(plan, equals(i, columns[i].type, value));
    if (!holder || columns[i].type == value.type) holder = i;
  }
  if (holder && !value.is_null()) add_filter(plan, equals(*holder, columns[*holder].type, value));
}

}  // namespace

void add_filter(Plan& plan, Expression condition) {
  Stage stage;
  stage.columns = plan.output_columns();
  stage.operation = FilterStage{std::move(condition)};
  plan.stages.push_back(std::move(stage));
}

QueryOptions window_options(const CompiledRule& compiled, TimeRange window, const TimeZone& zone) {
  QueryOptions options;
  options.now = window.end;
  options.zone = zone;
  options.parameters = compiled.parameters;
  options.rule_mode = true;
  return options;
}

Result<GroupRows> rows_of_group(const CompiledRule& compiled, const QueryEngine& queries,
                                const QueryOptions& options, const GroupValues& group) {
  GroupRows out;
  TOCSIN_TRY(out.plan, queries.prepare(compiled.rule.query_of(0), options));
  std::vector<Stage>& stages = out.plan.stages;
  const auto stats = std::ranges::find_if(stages, [](const Stage& stage) {
    return std::holds_alternative<StatsStage>(stage.operation);
  });
  if (stats == stages.end()) return fail(ErrorCode::kInvalid, "the rule's query has no stats");
  out.stats = std::get<StatsStage>(stats->operation);
  for (const Stage& stage : stages) {
    if (const auto* baseline = std::get_if<BaselineStage>(&stage.operation)) {
      out.baseline = *baseline;
    }
  }
  stages.erase(stats, stages.end());
  const std::vector<PlanColumn> columns = out.plan.output_columns();
  for (const auto& [name, value] : group) filter_by_value(out.plan, columns, name, value);
  return out;
}

}  // namespace tocsin
