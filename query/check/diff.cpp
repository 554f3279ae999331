// The stage diff: which rows are the target, and which columns are compared.
#include "query/plan/diff.h"

#include <algorithm>

#include "query/check/stages.h"

namespace tocsin {
namespace {

Expression time_from(uint32_t column, Timestamp start) {
  Expression time;
  time.kind = Expression::Kind::kColumn;
  time.type = ValueType::kTime;
  time.column = column;
  Expression limit;
  limit.type = ValueType::kTime;
  limit.literal = Value::time(start);
  Expression out;
  out.kind = Expression::Kind::kCall;
  out.type = ValueType::kBool;
  out.function = Function::kGreaterEqual;
  out.arguments = {std::move(time), std::move(limit)};
  return out;
}

bool replaces_time(const Plan& plan) {
  return std::ranges::any_of(plan.stages, [](const Stage& stage) {
    const auto* let = std::get_if<LetStage>(&stage.operation);
    return let && std::ranges::any_of(let->definitions, [](const NamedExpression& each) {
             return each.name == "time";
           });
  });
}

}  // namespace

bool StageChecker::diff_target(const ast::Diff& diff, DiffStage& out) {
  if (diff.condition) {
    return check_condition(context_, scope_, *diff.condition, "`diff where`", out.target);
  }
  if (!plan_.range_given) {
    return context_.fault(span_, "`diff against` needs a time range, but the query has none",
                          "write `from … last 1h` or `from … between A and B`");
  }
  Duration depth = 0;
  if (!check_duration(context_, *diff.depth, "`diff against last`", depth)) return false;
  TimeRange range = plan_.range;
  if (__builtin_sub_overflow(range.start, depth, &range.start)) {
    return fault_too_early(context_, diff.depth->span);
  }
  uint32_t time = 0;
  if (!time_column(span_, "`diff against`", time)) return false;
  if (replaces_time(plan_)) {
    return context_.fault(span_,
                          "`diff against` needs the time of the rows, but a `let` replaced it",
                          "give the computed column another name");
  }
  out.target = time_from(time, plan_.range.start);
  out.ranges = {range};
  return true;
}

bool StageChecker::stage(const ast::Diff& diff) {
  if (!only_rows_) {
    return context_.fault(span_,
                          "`diff` compares rows, so only `where`, `let`, `keep` and `drop` may "
                          "come before it",
                          "to compare groups with their usual level, use `baseline`");
  }
  DiffStage out;
  if (!diff_target(diff, out)) return false;
  const std::vector<PlanColumn> columns = scope_.plan_columns();
  std::vector<uint32_t> named;
  if (!column_list(diff.columns, named)) return false;
  for (const uint32_t index : named) {
    if (!columns[index].sibling) out.columns.push_back(compared_column(columns, index));
  }
  if (named.empty()) out.columns = compared_columns(columns, out.target);
  if (out.columns.empty()) {
    return context_.fault(span_, "there is no column to compare",
                          "keep a column with texts, booleans or integers, or name one after "
                          "`columns`");
  }
  Scope output;
  for (const PlanColumn& column : diff_output()) {
    output.add(ScopeColumn{column.name, column.type, false, false});
  }
  scope_ = std::move(output);
  return emit(std::move(out));
}

}  // namespace tocsin
