#include "query/check/source.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "db/base/text.h"
#include "db/schema/own_columns.h"
#include "query/base/limits.h"
#include "query/check/expression.h"

namespace tocsin {
namespace {

constexpr size_t kFirstStoredIndex = 2;  // after `time` and `measurement`

// Whether a stored column of type `stored` can be read as a column of type `table`.
bool fits(ValueType stored, ValueType table) {
  return stored == table || (is_number(stored) && table == ValueType::kF64);
}

// A column of the table, merged over the measurements in the order in which they are listed.
struct MergedColumn {
  std::string name;
  ValueType first = ValueType::kNull;
  bool all_numbers = true;
  bool all_the_same = true;
  const Measurement* last = nullptr;  // the newest that has the column

  ValueType type() const { return all_numbers && !all_the_same ? ValueType::kF64 : first; }
};

// No stored column has these names, because db renames them on ingest; a damaged catalog might.
bool is_builtin(const Column& column) {
  return column.name == "time" || column.name == "measurement";
}

// Stored columns of one name are one column and its siblings. The type of the former follows from
// the first column of that name in each measurement.
class SourceTable {
 public:
  explicit SourceTable(CheckContext& context) : context_(context) {}

  bool add(const Measurement& measurement, TextSpan span);
  void write(const std::vector<const Measurement*>& measurements, Plan& plan);

 private:
  uint32_t place(const Measurement& measurement, const Column& column, Plan& plan);

  CheckContext& context_;
  std::vector<MergedColumn> columns_;
  std::unordered_map<std::string, size_t> index_;
  std::set<const Measurement*> with_siblings_;
  std::map<std::pair<size_t, ValueType>, uint32_t> siblings_;  // by column and type: in the plan
};

bool SourceTable::add(const Measurement& measurement, TextSpan span) {
  for (const Column& column : measurement.columns) {
    if (is_builtin(column)) continue;
    const ValueType type = type_of(column);
    const auto [entry, is_new] = index_.try_emplace(column.name, columns_.size());
    if (is_new) columns_.push_back({column.name, type});
    MergedColumn& merged = columns_[entry->second];
    if (std::exchange(merged.last, &measurement) == &measurement) {
      with_siblings_.insert(&measurement);
      continue;
    }
    merged.all_numbers = merged.all_numbers && is_number(type);
    merged.all_the_same = merged.all_the_same && type == merged.first;
  }
  if (columns_.size() <= kSourceColumnCountMax) return true;
  return context_.fault(
      span,
      fmt::format("these measurements have more than {} columns together", kSourceColumnCountMax),
      "query fewer measurements");
}

void SourceTable::write(const std::vector<const Measurement*>& measurements, Plan& plan) {
  plan.source_columns = {{"time", ValueType::kTime}, {"measurement", ValueType::kString}};
  for (const MergedColumn& column : columns_)
    plan.source_columns.push_back({column.name, column.type()});
  for (const Measurement* measurement : measurements) {
    SourceMeasurement& source = plan.source.emplace_back();
    source.name = measurement->name;
    for (const Column& column : measurement->columns) {
      if (!is_builtin(column)) source.columns.push_back(place(*measurement, column, plan));
    }
    std::sort(source.columns.begin(), source.columns.end());
    source.columns.erase(std::unique(source.columns.begin(), source.columns.end()),
                         source.columns.end());
  }
}

// The plan's column for a stored column; adds it if it is a new sibling.
uint32_t SourceTable::place(const Measurement& measurement, const Column& column, Plan& plan) {
  const size_t index = index_.at(column.name);
  const ValueType type = columns_[index].type();
  const bool chosen = !with_siblings_.contains(&measurement) ||
                      find_column(measurement, column.name, type) == &column;
  if (chosen && fits(type_of(column), type)) {
    return static_cast<uint32_t>(index + kFirstStoredIndex);
  }
  const auto [found, is_new] =
      siblings_.try_emplace({index, type_of(column)}, plan.source_columns.size());
  if (is_new) plan.source_columns.push_back({column.name, type_of(column), false, true});
  return found->second;
}

bool unknown_measurement(CheckContext& context, const ast::Name& name, const Catalog& catalog) {
  std::vector<std::string> names;
  for (const auto& [known, measurement] : catalog.measurements) names.push_back(known);
  std::string hint = did_you_mean(nearest_name(name.text, names));
  if (hint.empty() && names.empty()) hint = "the database has no measurements yet";
  if (hint.empty()) hint = "the measurements are " + list_names(names);
  return context.fault(name.span, fmt::format("no measurement `{}`", name.text), hint);
}

// The measurements of a source.
struct FoundMeasurements {
  std::vector<const Measurement*> all;
  std::deque<Measurement> own;  // Tocsin's own, with columns that no row has yet
};

// One of Tocsin's own measurements: it can be queried before its first row, and has all its columns
// from the start.
Measurement own_measurement(const std::string& name, const Measurement* stored) {
  Measurement result;
  if (stored) result = *stored;
  result.name = name;
  for (const OwnColumn& column : own_columns(name)) {
    if (!result.find(column.name))
      result.columns.push_back({0, column.name, column.type, column.kind});
  }
  return result;
}

bool find_measurements(CheckContext& context, const ast::Source& source, const Catalog& catalog,
                       FoundMeasurements& found) {
  for (const ast::Name& name : source.measurements) {
    const Measurement* measurement = catalog.find(name.text);
    const bool own = is_reserved_measurement(name.text);
    if (!measurement && !own && !context.options.rule_mode) {
      return unknown_measurement(context, name, catalog);
    }
    const bool repeated =
        std::ranges::any_of(found.all, [&](const auto* each) { return each->name == name.text; });
    if (!measurement && !(own && context.options.rule_mode)) {
      context.schema_warnings.push_back(fmt::format("there is no measurement `{}` yet", name.text));
    }
    if (repeated || (!measurement && !own)) continue;
    if (own) measurement = &found.own.emplace_back(own_measurement(name.text, measurement));
    found.all.push_back(measurement);
  }
  if (!source.measurements.empty()) return true;
  for (const auto& [name, measurement] : catalog.measurements) {
    if (!is_reserved_measurement(name)) found.all.push_back(&measurement);
  }
  std::sort(found.all.begin(), found.all.end(),
            [](const Measurement* a, const Measurement* b) { return a->id < b->id; });
  return true;
}

// Computes a sum of times and durations, including `now`.
bool check_time(CheckContext& context, const ast::Expression& expression, Timestamp& out) {
  Expression checked;
  const Scope nothing;
  if (!check_expression(context, nothing, expression, checked)) return false;
  if (checked.type != ValueType::kTime) {
    return context.fault(
        expression.span,
        fmt::format("`between` needs times, but this is {}", describe(checked.type)),
        "write a time like 2026-11-24T10:04:05Z, or `now - 1h`");
  }
  const Value value = evaluate_expression(checked, {}, context.scalar);
  if (value.is_null()) {
    return context.fault(expression.span,
                         "this time is outside the supported range, 1677-09-21 to 2262-04-11");
  }
  out = std::get<int64_t>(value.data);
  return true;
}

bool check_range(CheckContext& context, const ast::Source& source, Plan& plan) {
  if (source.last) {
    Duration length = 0;
    if (!check_duration(context, *source.last, "`last`", length)) return false;
    plan.range = {0, context.now};
    if (__builtin_sub_overflow(context.now, length, &plan.range.start)) {
      return fault_too_early(context, source.last->span);
    }
    plan.range_given = true;
  }
  if (source.start) {
    if (!check_time(context, *source.start, plan.range.start)) return false;
    if (!check_time(context, *source.end, plan.range.end)) return false;
    plan.range_given = true;
    if (plan.range.start >= plan.range.end) {
      return context.fault(
          {source.start->span.start, source.end->span.end},
          fmt::format("this range is empty: {} is not before {}",
                      format_time_short(plan.range.start), format_time_short(plan.range.end)),
          "write the earlier time first");
    }
  }
  return true;
}

// The measurements that have none of these source columns, as `bpm`, or `bpm` and 2 more; empty if
// there are none.
std::string list_lacking(const Plan& plan, const std::vector<uint32_t>& family) {
  std::string first;
  size_t count = 0;
  for (const SourceMeasurement& source : plan.source) {
    const auto has = [&](uint32_t index) {
      return std::ranges::binary_search(source.columns, index);
    };
    if (std::ranges::any_of(family, has)) continue;
    if (count++ == 0) first = fmt::format("`{}`", source.name);
  }
  return count > 1 ? fmt::format("{} and {} more", first, count - 1) : first;
}

std::string list_sources(const std::vector<const Measurement*>& found) {
  if (found.size() > 4) return fmt::format("these {} measurements", found.size());
  std::string out;
  for (const Measurement* measurement : found) {
    out += fmt::format("{}`{}`", out.empty() ? "" : ", ", measurement->name);
  }
  return out;
}

}  // namespace

bool check_source(CheckContext& context, const ast::Source& source, const Catalog& catalog,
                  const std::vector<std::string>& unknown, Plan& plan, Scope& scope) {
  FoundMeasurements measurements;
  if (!find_measurements(context, source, catalog, measurements)) return false;
  const std::vector<const Measurement*>& found = measurements.all;
  if (!check_range(context, source, plan)) return false;
  SourceTable table(context);
  for (const Measurement* measurement : found) {
    if (!table.add(*measurement, source.span)) return false;
  }
  table.write(found, plan);
  const size_t known = plan.source_columns.size();
  for (const std::string& name : unknown) plan.source_columns.push_back({name, ValueType::kString});
  scope.open = true;
  for (size_t i = 0; i < plan.source_columns.size(); ++i) {
    const PlanColumn& from = plan.source_columns[i];
    ScopeColumn column{from.name, from.type, i >= known, false};
    column.sibling = from.sibling;
    scope.add(std::move(column));
  }
  for (uint32_t i = kFirstStoredIndex; i < known; ++i) {
    if (scope.at(i).sibling) continue;
    const std::vector<uint32_t> family = scope.family(i);
    const std::string lacking = list_lacking(plan, family);
    for (const uint32_t member : family) scope.set_lacking(member, lacking);
  }
  context.source_names = list_sources(found);
  context.source_columns = scope.names();
  if (!found.empty()) {
    for (const std::string& name : unknown) {
      const std::string owners = context.owners_of(name);
      context.schema_warnings.push_back(
          fmt::format("no column `{}` in {} yet: it is null{}", name, context.source_names,
                      owners.empty() ? "" : fmt::format("; it is a column of {}", owners)));
    }
  }
  return true;
}

}  // namespace tocsin
