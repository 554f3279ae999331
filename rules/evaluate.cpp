// Runs a rule's query for one window and turns its rows into observations.
#include "rules/evaluate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "db/base/log.h"
#include "query/format/format.h"
#include "rules/alert_size.h"
#include "rules/state.h"

namespace tocsin {
namespace {

// Bounds of an evaluation's time limit, which is the rule's interval: a slower rule could never
// keep up.
constexpr Duration kTimeoutMin = 30 * kSecond;
constexpr Duration kTimeoutMax = 5 * kMinute;

QueryOptions query_options(const CompiledRule& compiled, Timestamp now, const TimeZone& zone) {
  QueryOptions options;
  options.now = now;
  options.zone = zone;
  options.parameters = compiled.parameters;
  options.rule_mode = true;
  options.timeout = std::clamp(compiled.rule.interval, kTimeoutMin, kTimeoutMax);
  return options;
}

double number_of(const Value& value) {
  if (value.is_null()) return kNoNumber;
  switch (value.type) {
    case ValueType::kBool: return std::get<bool>(value.data) ? 1 : 0;
    case ValueType::kI64: return static_cast<double>(std::get<int64_t>(value.data));
    case ValueType::kU64: return static_cast<double>(std::get<uint64_t>(value.data));
    case ValueType::kF64: return std::get<double>(value.data);
    case ValueType::kDuration: return static_cast<double>(std::get<int64_t>(value.data)) / 1e9;
    default: return kNoNumber;
  }
}

// A column of a result and its siblings. In a row, at most one of them has a value.
class NamedColumns {
 public:
  NamedColumns(const ResultTable& table, const std::string& name) {
    for (const ResultColumn& column : table.columns) {
      if (column.name == name) columns_.push_back(&column);
    }
  }

  bool empty() const { return columns_.empty(); }
  Value at(size_t row) const {
    const ResultColumn* column = holder(row);
    return column ? column->at(row) : Value::null();
  }
  bool is_sibling(size_t row) const {
    const ResultColumn* column = holder(row);
    return column && column->sibling;
  }

 private:
  const ResultColumn* holder(size_t row) const {
    for (const ResultColumn* column : columns_) {
      if (column->valid[row] != 0) return column;
    }
    return nullptr;
  }

  std::vector<const ResultColumn*> columns_;
};

// Reads the values of the rule's group keys. Each has the type that it is stored with, so that an
// instance stays the same when its column gets values of another type.
class GroupReader {
 public:
  GroupReader(const CompiledRule& compiled, const ResultTable& table) : compiled_(compiled) {
    for (const std::string& key : compiled.keys) columns_.emplace_back(table, key);
  }

  GroupValues at(size_t row) const {
    GroupValues out;
    for (size_t i = 0; i < columns_.size(); ++i) {
      out.emplace_back(compiled_.keys[i], columns_[i].at(row));
    }
    return out;
  }

  // The instance's fingerprint. The number 30 and the text "30" in one column are two groups.
  std::string id(size_t row) const {
    GroupValues group = at(row);
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].is_sibling(row)) continue;
      Value& value = group[i].second;
      value = Value::of(plain_text(value, true) + '\0' + name_of(value.type));
    }
    return fingerprint(compiled_.rule.name, group);
  }

 private:
  const CompiledRule& compiled_;
  std::vector<NamedColumns> columns_;  // by key
};

// Turns rows of a result into observations.
class RowReader {
 public:
  RowReader(const CompiledRule& compiled, const ResultTable& table)
      : compiled_(compiled), groups_(compiled, table) {
    while (true) {
      NamedColumns columns(table, fmt::format("tocsin.{}", expressions_.size()));
      if (columns.empty()) break;
      expressions_.push_back(std::move(columns));
    }
  }

  std::string id(size_t row) const { return groups_.id(row); }

  ObservedRow read(size_t row) const {
    ObservedRow out;
    out.group = groups_.at(row);
    out.value = number_of(expression(compiled_.value, row));
    out.baseline = number_of(expression(compiled_.baseline, row));
    out.severity = severity(row);
    out.starts = compiled_.starts_when == CompiledRule::kNone || holds(compiled_.starts_when, row);
    out.forget = holds(compiled_.forget_when, row);
    return out;
  }

  std::map<std::string, std::string> annotations(size_t row) const {
    std::map<std::string, std::string> out;
    for (const CompiledAnnotation& annotation : compiled_.annotations) {
      const std::string text = annotation.text.render(
          [&](size_t part) { return expression(annotation.expressions[part], row); });
      out[annotation.name] = cut_text(text, kAnnotationBytesMax);
    }
    return out;
  }

 private:
  Value expression(size_t index, size_t row) const {
    if (index == CompiledRule::kNone) return Value::null();
    return expressions_[index].at(row);
  }

  bool holds(size_t index, size_t row) const { return expression(index, row) == Value::of(true); }

  Severity severity(size_t row) const {
    for (size_t i = 0; i < compiled_.conditions.size(); ++i) {
      if (compiled_.conditions[i] == CompiledRule::kNone || holds(compiled_.conditions[i], row)) {
        return compiled_.rule.severities[i].severity;
      }
    }
    return Severity::kMedium;
  }

  const CompiledRule& compiled_;
  const GroupReader groups_;
  std::vector<NamedColumns> expressions_;
};

// Drops rows beyond kInstanceCountMax. Known instances are kept first, then rows that may start an
// alert, then the most severe rows, then those with the largest values.
void keep_worst(const CompiledRule& compiled, const std::set<std::string>& known,
                std::map<std::string, ObservedRow>& rows) {
  if (rows.size() <= kInstanceCountMax) return;
  std::vector<std::string> order;
  for (const auto& [fingerprint, row] : rows) order.push_back(fingerprint);
  const auto rank = [&](const std::string& fingerprint) {
    const ObservedRow& row = rows.at(fingerprint);
    return std::make_tuple(known.contains(fingerprint), row.starts, row.severity,
                           std::isnan(row.value) ? 0 : std::fabs(row.value));
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const std::string& a, const std::string& b) { return rank(a) > rank(b); });
  log(LogLevel::kWarning,
      fmt::format("rule {}: {} alerts in one window; only the {} most severe are kept",
                  compiled.rule.name, rows.size(), kInstanceCountMax));
  for (size_t i = kInstanceCountMax; i < order.size(); ++i) rows.erase(order[i]);
}

// The plan up to its baseline: all groups, including those that later stages filter out.
std::optional<Plan> plan_of_groups(const Plan& plan) {
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    if (!std::holds_alternative<BaselineStage>(plan.stages[i].operation)) continue;
    Plan groups = plan;
    groups.stages.resize(i + 1);
    return groups;
  }
  return std::nullopt;
}

// Whether a baseline statistic that the rule uses is null in the row.
bool lacks_baseline(const BaselineStage& stage, const ResultTable& table, size_t row) {
  size_t added = stage.columns.size();
  for (const BaselineJudgement& judgement : stage.judgements) added += judgement.column_count();
  if (stage.novelty) added += BaselineNovelty::kColumnCount;
  const ResultColumn* next = table.columns.data() + (table.columns.size() - added);
  for (size_t i = 0; i < stage.columns.size(); ++i, ++next) {
    if (next->at(row).is_null()) return true;
  }
  for (const BaselineJudgement& judgement : stage.judgements) {
    if (next[BaselineJudgement::kUsual].at(row).is_null()) return true;
    next += judgement.column_count();
  }
  return stage.novelty && next[BaselineNovelty::kBefore].at(row).is_null();
}

// Finds the active instances that have no row because their baseline is missing, and whether the
// rule is still learning. If a stats follows the baseline, an instance has several groups there; it
// is enough that one of them has a baseline.
Status find_unknown(const CompiledRule& compiled, const QueryEngine& queries, const Plan& plan,
                    const QueryOptions& query, const EvaluateOptions& options, Evaluation& out) {
  const bool all_seen = std::all_of(options.active.begin(), options.active.end(),
                                    [&](const auto& id) { return out.rows.contains(id); });
  out.learning = options.was_learning && out.rows.empty();
  if (all_seen && !out.learning) return {};
  const std::optional<Plan> groups = plan_of_groups(plan);
  if (!groups) return {};
  TOCSIN_TRY(const ResultTable table, queries.execute(*groups, query));
  const auto& stage = std::get<BaselineStage>(groups->stages.back().operation);
  const GroupReader reader(compiled, table);
  for (size_t row = 0; row < table.row_count; ++row) {
    if (!lacks_baseline(stage, table, row)) {
      out.learning = false;
      continue;
    }
    const std::string id = reader.id(row);
    if (options.active.contains(id) && !out.rows.contains(id)) out.unknown.insert(id);
  }
  for (size_t row = 0; row < table.row_count && !out.unknown.empty(); ++row) {
    if (!lacks_baseline(stage, table, row)) out.unknown.erase(reader.id(row));
  }
  return {};
}

// Runs the query of one part.
Result<Evaluation> evaluate_part(const CompiledRule& compiled, size_t part,
                                 const QueryEngine& queries, Timestamp end,
                                 const EvaluateOptions& options) {
  QueryOptions query = query_options(compiled, end, options.zone);
  query.exclusions = options.exclusions;
  query.keep_siblings = true;
  query.cancelled = options.cancelled;
  TOCSIN_TRY(const Plan plan, queries.prepare(compiled.queries[part], query));
  TOCSIN_TRY(const ResultTable table, queries.execute(plan, query));
  Evaluation out;
  out.window = plan.range;
  out.rows_matched = table.rows_matched;
  const RowReader reader(compiled, table);
  std::map<std::string, size_t> rows;  // of the table, by fingerprint
  for (size_t row = 0; row < table.row_count; ++row) {
    const std::string id = reader.id(row);
    if (out.rows.emplace(id, reader.read(row)).second) rows.emplace(id, row);
  }
  keep_worst(compiled, options.active, out.rows);
  for (auto& [id, observed] : out.rows) observed.annotations = reader.annotations(rows.at(id));
  if (compiled.baseline_depth > 0) {
    TOCSIN_RETURN_IF_ERROR(find_unknown(compiled, queries, plan, query, options, out));
  }
  return out;
}

// An instance is unknown if it is in every part, and the parts before come first.
void add_part(Evaluation part, Evaluation& out) {
  out.rows.merge(part.rows);
  std::erase_if(out.unknown, [&](const std::string& id) { return !part.unknown.contains(id); });
  out.rows_matched = std::max(out.rows_matched, part.rows_matched);
  out.learning = out.learning && part.learning;
}

}  // namespace

Result<Evaluation> evaluate_rule(const CompiledRule& compiled, const QueryEngine& queries,
                                 Timestamp end, const EvaluateOptions& options) {
  TOCSIN_TRY(Evaluation out, evaluate_part(compiled, 0, queries, end, options));
  for (size_t part = 1; part < compiled.queries.size(); ++part) {
    TOCSIN_TRY(Evaluation one, evaluate_part(compiled, part, queries, end, options));
    add_part(std::move(one), out);
  }
  if (compiled.queries.size() > 1) {
    for (const auto& [id, row] : out.rows) out.unknown.erase(id);
    keep_worst(compiled, options.active, out.rows);
  }
  return out;
}

Result<std::vector<std::string>> measurements_of(const CompiledRule& compiled,
                                                 const QueryEngine& queries, const TimeZone& zone) {
  TOCSIN_TRY(const Plan plan, queries.prepare(compiled.queries[0],
                                              query_options(compiled, SystemClock().now(), zone)));
  std::vector<std::string> out;
  for (const SourceMeasurement& measurement : plan.source) out.push_back(measurement.name);
  return out;
}

}  // namespace tocsin
