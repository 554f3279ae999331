// Checks the queries and expressions of a rule. Each expression becomes one more column of the
// rule's query, so that severities and annotations are computed by the query engine.
#include <algorithm>

#include <fmt/format.h>

#include "query/complete/place.h"
#include "query/parser/grammar.h"
#include "query/plan/analyze.h"
#include "rules/alert_size.h"
#include "rules/evaluate.h"

namespace tocsin {
namespace {

constexpr size_t kExpressionCountMax = 200;

class Compiler {
 public:
  Compiler(const Rule& rule, const QueryEngine& queries, const std::map<std::string, Value>& common,
           const TimeZone& zone, Timestamp now, std::vector<std::string>& errors)
      : queries_(queries), errors_(errors) {
    out_.rule = rule;
    out_.parameters = common;
    for (const auto& [name, value] : rule.parameters) out_.parameters[name] = value;
    options_.parameters = out_.parameters;
    options_.rule_mode = true;
    options_.zone = zone;
    options_.now = now;
  }

  std::optional<CompiledRule> compile() {
    const size_t errors_before = errors_.size();
    if (!check_query()) return std::nullopt;
    add_expressions();
    if (errors_.size() == errors_before) build_query();
    if (errors_.size() != errors_before) return std::nullopt;
    return std::move(out_);
  }

 private:
  void error(FilePosition at, std::string_view message) {
    errors_.push_back(fmt::format("{}:{}:{}: {}: {}", out_.rule.file, at.line, at.column,
                                  out_.rule.name, message));
  }

  void error(const RuleText& text, size_t offset, const Diagnostic& found) {
    error(text.at(std::min(offset, text.text.size())),
          found.hint.empty() ? found.message : found.message + "; " + found.hint);
  }

  // Checks the query alone and reads its group keys, window and baseline from the plan.
  bool check_query() {
    const RuleText& text = out_.rule.expr;
    Diagnostic found;
    const Result<Plan> plan = queries_.prepare(out_.rule.query_of(0), options_, &found);
    if (!plan) {
      error(text, out_.rule.offset_in_expr(0, found.offset), found);
      return false;
    }
    if (!out_.rule.parts.empty() && !out_.rule.uses_parts()) {
      error(text.at(0), "the rule has `parts`, but its query does not use `$part`");
      return false;
    }
    const PlanSummary summary = summarize_plan(*plan);
    if (const char* fault = fault_of(*plan, summary)) {
      error(text.at(0), fault);
      return false;
    }
    check_baseline_keys(*plan, summary.group_keys);
    out_.keys = summary.group_keys;
    out_.range = plan->range.end - plan->range.start;
    for (const Stage& stage : plan->stages) {
      const auto* baseline = std::get_if<BaselineStage>(&stage.operation);
      if (!baseline) continue;
      // Days may be longer than 24 hours.
      out_.baseline_depth = baseline->depth + (baseline->local_days ? kDay : 0);
      out_.baseline_reach = baseline->step * static_cast<Duration>(baseline->min_windows);
      out_.excluding_alerts = baseline->excluding_alerts && baseline->excluding_rule.empty();
    }
    std::vector<std::string> warnings = plan->warnings;
    if (text.text.find("$noise_tolerance") != std::string::npos) {
      warnings.emplace_back(
          "`$noise_tolerance` was for the shipped rules of earlier versions; after a `baseline`, "
          "`unusual` and `surprise >= $surprise_min` replace it");
    }
    out_.warnings = located(warnings);
    out_.schema_warnings = located(plan->schema_warnings);
    check_names();
    return true;
  }

  std::vector<std::string> located(const std::vector<std::string>& warnings) const {
    std::vector<std::string> out;
    for (const std::string& warning : warnings) {
      out.push_back(fmt::format("{}:{}: {}: {}", out_.rule.file, out_.rule.expr.at(0).line,
                                out_.rule.name, warning));
    }
    return out;
  }

  static const char* fault_of(const Plan& plan, const PlanSummary& summary) {
    if (!summary.has_stats) {
      return "the query has no stats: a rule needs `| stats … by …`; each group is one alert";
    }
    if (summary.buckets_time) {
      return "the query groups by time(…), so every bucket would be a separate alert; remove it "
             "from the last `by`";
    }
    if (!summary.keys_survive) {
      return "a stage drops or replaces a `by` column; alerts are identified by these columns";
    }
    if (!plan.range_given || plan.range.end <= plan.range.start) {
      return "the query has no time range: write `from … last 5m`";
    }
    return nullptr;
  }

  // An instance must be a group of the baseline, or several whole ones: else it could not be said
  // whether it has a baseline, and which past windows `excluding alerts` leaves out.
  void check_baseline_keys(const Plan& plan, const std::vector<std::string>& instance_keys) {
    const StatsStage* stats = nullptr;
    for (const Stage& stage : plan.stages) {
      if (std::holds_alternative<BaselineStage>(stage.operation)) break;
      if (const auto* found = std::get_if<StatsStage>(&stage.operation)) stats = found;
    }
    const bool has_baseline = std::any_of(
        plan.stages.begin(), plan.stages.end(),
        [](const auto& s) { return std::holds_alternative<BaselineStage>(s.operation); });
    if (!has_baseline || !stats) return;
    for (const std::string& key : instance_keys) {
      const bool known = std::any_of(stats->keys.begin(), stats->keys.end(),
                                     [&](const GroupKey& each) { return each.name == key; });
      if (known) continue;
      error(out_.rule.expr.at(0),
            fmt::format("the `by` columns of a stats after the baseline must be among those of the "
                        "stats before it, and `{}` is not",
                        key));
    }
  }

  void check_names() {
    for (const std::string& key : out_.keys) {
      if (!out_.rule.labels.contains(key)) continue;
      error(out_.rule.position,
            fmt::format("the label `{}` is also a `by` column; rename it or remove it", key));
    }
    size_t bytes = 0;
    for (const std::string& key : out_.keys) bytes += key.size();
    for (const auto& [name, value] : out_.rule.labels) bytes += name.size();
    for (const auto& [name, text] : out_.rule.annotations) bytes += name.size();
    if (bytes <= kAlertNameBytesMax) return;
    error(out_.rule.position,
          fmt::format("the names of labels, annotations and `by` columns have {} bytes together; "
                      "at most {} are allowed",
                      bytes, kAlertNameBytesMax));
  }

  void add_expressions() {
    const Rule& rule = out_.rule;
    if (!rule.value.empty()) out_.value = add(rule.value, Kind::kValue);
    if (!rule.baseline.empty()) {
      out_.baseline = add(rule.baseline, Kind::kValue);
    } else if (!rule.value.empty() && out_.baseline_depth > 0) {
      out_.baseline = add_usual_baseline(rule.value.text);
    }
    if (!rule.starts_when.empty()) out_.starts_when = add(rule.starts_when, Kind::kCondition);
    if (!rule.forget_when.empty()) out_.forget_when = add(rule.forget_when, Kind::kCondition);
    for (const SeverityCase& each : rule.severities) {
      out_.conditions.push_back(each.condition.empty() ? CompiledRule::kNone
                                                       : add(each.condition, Kind::kCondition));
    }
    for (const auto& [name, text] : rule.annotations) add_annotation(name, text);
    if (expressions_.size() > kExpressionCountMax) {
      error(rule.position, fmt::format("the rule has {} expressions; the maximum is {}",
                                       expressions_.size(), kExpressionCountMax));
    }
  }

  void add_annotation(const std::string& name, const RuleText& text) {
    std::vector<TemplateProblem> problems;
    CompiledAnnotation annotation{name, Template::parse(text, problems), {}};
    for (const TemplateProblem& problem : problems) error(problem.position, problem.message);
    for (const TemplatePart& part : annotation.text.parts()) {
      annotation.expressions.push_back(part.expression.empty() ? CompiledRule::kNone
                                                               : add(part.expression, Kind::kAny));
    }
    out_.annotations.push_back(std::move(annotation));
  }

  enum class Kind { kAny, kValue, kCondition };

  size_t add(const RuleText& text, Kind kind) {
    Diagnostic found;
    if (!parse_expression(text.text, options_.zone, found)) {
      error(text, found.offset, found);
      return CompiledRule::kNone;
    }
    const std::string with = with_columns({text.text});
    const Result<Plan> plan = queries_.prepare(with, options_, &found);
    if (!plan) {
      const size_t start = with.size() - kColumnEnd.size() - text.text.size();
      error(text, found.offset > start ? found.offset - start : 0, found);
      return CompiledRule::kNone;
    }
    const PlanColumn column = last_column(plan->output_columns());
    if (column.always_null) return append(text.text);  // of a type that is not known yet
    const ValueType type = column.type;
    if (kind == Kind::kCondition && type != ValueType::kBool) {
      error(text.at(0),
            fmt::format("`when` needs a condition, but this is of type {}", name_of(type)));
    }
    const bool numeric =
        is_number(type) || type == ValueType::kDuration || type == ValueType::kBool;
    if (kind == Kind::kValue && !numeric) {
      error(text.at(0), fmt::format("expected a number, but this is of type {}", name_of(type)));
    }
    return append(text.text);
  }

  // The last column may have siblings after it.
  static PlanColumn last_column(const std::vector<PlanColumn>& columns) {
    size_t last = columns.size() - 1;
    while (columns[last].sibling) --last;
    return columns[last];
  }

  // `baseline(rate)` for a value `rate`, if that is a valid expression.
  size_t add_usual_baseline(const std::string& value) {
    const std::string text = "baseline(" + value + ")";
    Diagnostic ignored;
    if (!parse_expression(text, options_.zone, ignored)) return CompiledRule::kNone;
    if (!queries_.prepare(with_columns({text}), options_)) return CompiledRule::kNone;
    return append(text);
  }

  size_t append(const std::string& text) {
    expressions_.push_back(text);
    return expressions_.size() - 1;
  }

  // An expression may end with a `#` comment; the newline ends it.
  static constexpr std::string_view kColumnEnd = "\n)";
  std::string with_columns(const std::vector<std::string>& expressions, size_t part = 0) const {
    std::string query = without_semicolon(out_.rule.query_of(part));
    for (size_t i = 0; i < expressions.size(); ++i) {
      query += fmt::format("{}`tocsin.{}` = ({}{}", i == 0 ? "\n| let " : ",\n      ", i,
                           expressions[i], kColumnEnd);
    }
    return query;
  }

  void build_query() {
    for (size_t part = 0; part < out_.rule.query_count(); ++part) {
      out_.queries.push_back(with_columns(expressions_, part));
      Diagnostic found;
      const Result<Plan> plan = queries_.prepare(out_.queries.back(), options_, &found);
      if (!plan) {
        error(out_.rule.expr.at(0), found.message);
      } else if (summarize_plan(*plan).group_keys != out_.keys) {
        error(out_.rule.expr.at(0),
              "the `by` columns of the last stats differ between the parts; write `let part = "
              "$part`, and group by `part`");
      }
    }
  }

  const QueryEngine& queries_;
  std::vector<std::string>& errors_;
  QueryOptions options_;
  CompiledRule out_;
  std::vector<std::string> expressions_;
};

}  // namespace

std::optional<CompiledRule> compile_rule(const Rule& rule, const QueryEngine& queries,
                                         const std::map<std::string, Value>& parameters,
                                         const TimeZone& zone, Timestamp now,
                                         std::vector<std::string>& errors) {
  return Compiler(rule, queries, parameters, zone, now, errors).compile();
}

}  // namespace tocsin
