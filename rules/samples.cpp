// Fetches a few events as evidence for an alert: runs the rule's query up to its first stats, with
// filters for the group in place of the stats.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "db/base/json.h"
#include "query/format/format.h"
#include "rules/alert_size.h"
#include "rules/evaluate.h"

namespace tocsin {
namespace {

constexpr Duration kSampleTimeout = 10 * kSecond;

constexpr size_t kEvidenceTextBytesMax = kSampleBytesMax / 2;  // of one value
constexpr size_t kOmittedBytesMax = 64;  // of the entry that counts omitted columns

// JSON as in query results, but long texts are cut.
std::string evidence_json(Value value) {
  if (auto* text = std::get_if<std::string>(&value.data))
    *text = cut_text(*text, kEvidenceTextBytesMax);
  return json_of(value);
}

// One row as JSON, without nulls. Columns that would exceed kSampleBytesMax are only counted.
std::string json_line(const ResultTable& table, size_t row) {
  std::string out = "{";
  size_t omitted = 0;
  for (const ResultColumn& column : table.columns) {
    const Value value = column.at(row);
    if (value.is_null()) continue;
    const std::string entry = json_quote(column.name) + ':' + evidence_json(value);
    if (out.size() + entry.size() + kOmittedBytesMax > kSampleBytesMax) {
      ++omitted;
      continue;
    }
    if (out.size() > 1) out += ',';
    out += entry;
  }
  if (omitted > 0) {
    out += fmt::format("{}\"…\":\"{} more column{}\"", out.size() > 1 ? "," : "", omitted,
                       omitted == 1 ? "" : "s");
  }
  return out + '}';
}

Expression call(Function function, std::vector<Expression> arguments) {
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
  if (value.is_null()) return call(Function::kNot, {call(Function::kExists, {left})});
  Expression right;
  right.type = value.type;
  right.literal = value;
  return call(Function::kEqual, {left, right});
}

void filter(Plan& plan, Expression condition) {
  Stage stage;
  stage.columns = plan.output_columns();
  stage.operation = FilterStage{std::move(condition)};
  plan.stages.push_back(std::move(stage));
}

// Keeps the rows with that value of a column and its siblings: it is in the one of its type. A null
// is in all of them.
void filter_by_value(Plan& plan, const std::vector<PlanColumn>& columns, const std::string& name,
                     const Value& value) {
  std::optional<uint32_t> holder;
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name != name) continue;
    if (value.is_null()) filter(plan, equals(i, columns[i].type, value));
    if (!holder || columns[i].type == value.type) holder = i;
  }
  if (holder && !value.is_null()) filter(plan, equals(*holder, columns[*holder].type, value));
}

// Replaces the first stats and everything after it by filters: for the group, and for the first
// aggregate `where`.
void cut_to_events(Plan& plan, const GroupValues& group, size_t count) {
  const auto stats = std::find_if(plan.stages.begin(), plan.stages.end(), [](const Stage& stage) {
    return std::holds_alternative<StatsStage>(stage.operation);
  });
  if (stats == plan.stages.end()) return;
  const StatsStage first = std::get<StatsStage>(stats->operation);
  plan.stages.erase(stats, plan.stages.end());
  const std::vector<PlanColumn> columns = plan.output_columns();
  for (const auto& [name, value] : group) filter_by_value(plan, columns, name, value);
  const auto picking = std::find_if(first.aggregates.begin(), first.aggregates.end(),
                                    [](const Aggregate& each) { return each.where.has_value(); });
  if (picking != first.aggregates.end()) filter(plan, *picking->where);
  Stage limit;
  limit.columns = plan.output_columns();
  limit.operation = LimitStage{count};
  plan.stages.push_back(std::move(limit));
}

}  // namespace

Result<std::vector<std::string>> sample_events(const CompiledRule& compiled,
                                               const QueryEngine& queries, TimeRange window,
                                               const GroupValues& group, size_t count,
                                               const TimeZone& zone) {
  std::vector<std::string> out;
  if (count == 0) return out;
  QueryOptions options;
  options.now = window.end;
  options.zone = zone;
  options.parameters = compiled.parameters;
  options.rule_mode = true;
  options.timeout = kSampleTimeout;
  TOCSIN_TRY(Plan plan, queries.prepare(compiled.rule.query_of(0), options));
  cut_to_events(plan, group, count);
  TOCSIN_TRY(const ResultTable table, queries.execute(plan, options));
  for (size_t row = 0; row < table.row_count; ++row) out.push_back(json_line(table, row));
  return out;
}

}  // namespace tocsin
