#include "query/operator/baseline_prefix.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "db/base/check.h"
#include "query/base/limits.h"

namespace tocsin {
namespace {

// The columns of a stage's output, followed by the window.
std::vector<PlanColumn> windowed_columns(const Plan& plan, size_t stage) {
  std::vector<PlanColumn> columns = plan.stages[stage].columns;
  columns.push_back({"", ValueType::kI64});
  return columns;
}

// A program over a windowed table. The window is not a column of the language.
Program windowed_program(const Plan& plan, size_t stage) {
  Program program(windowed_columns(plan, stage));
  program.columns.pop_back();
  return program;
}

}  // namespace

Result<BaselinePrefix> BaselinePrefix::of(const Plan& plan, size_t end) {
  BaselinePrefix prefix;
  prefix.plan = &plan;
  prefix.baseline = &std::get<BaselineStage>(plan.stages.at(end).operation);
  prefix.end = end;
  bool has_stats = false;
  bool others = false;
  for (size_t i = 0; i < end; ++i) {
    const auto& operation = plan.stages[i].operation;
    if (std::holds_alternative<StatsStage>(operation)) {
      has_stats = true;
      prefix.last_stats = i;
      prefix.filters_groups = false;
    } else if (std::holds_alternative<FilterStage>(operation)) {
      prefix.filters_groups = true;
    } else if (!std::holds_alternative<LetStage>(operation)) {
      others = true;
    }
  }
  if (!has_stats || others) {
    return fail(ErrorCode::kInvalid,
                "`baseline` needs a `stats` before it; the only other stages before it may be "
                "`where` and `let`");
  }
  prefix.calls_now = tocsin::calls_now(plan, end);
  const auto add_value = [&](uint32_t column) {
    if (std::ranges::find(prefix.value_columns, column) == prefix.value_columns.end()) {
      prefix.value_columns.push_back(column);
    }
  };
  for (const BaselineColumn& column : prefix.baseline->columns) add_value(column.column);
  for (const BaselineJudgement& judgement : prefix.baseline->judgements) {
    add_value(judgement.column);
    add_value(judgement.of);
  }
  if (prefix.baseline->novelty) add_value(prefix.baseline->novelty->column);
  const auto& columns = plan.stages[prefix.last_stats].columns;
  for (size_t k = 0; k < prefix.stats().keys.size(); ++k) {
    prefix.key_types.push_back(columns.at(k).type);
  }
  return prefix;
}

Result<Windows> baseline_windows(const BaselinePrefix& prefix) {
  const TimeRange range = prefix.plan->range;
  const Duration depth = prefix.baseline->depth;
  Duration length = 0;
  if (!prefix.plan->range_given || range.end <= range.start ||
      __builtin_sub_overflow(range.end, range.start, &length)) {
    return fail(ErrorCode::kInvalid,
                "`baseline` needs a time range: `last …` or `between … and …`");
  }
  Windows windows;
  windows.range = range;
  windows.now = prefix.plan->now;
  windows.step = prefix.baseline->step == 0 ? length : prefix.baseline->step;
  if (length > windows.step || length > depth) {
    return fail(ErrorCode::kInvalid,
                fmt::format("the range ({}) must not be longer than the baseline ({}) or its step "
                            "({})",
                            format_duration(length), format_duration(depth),
                            format_duration(windows.step)));
  }
  Timestamp oldest = 0;
  if (__builtin_sub_overflow(range.start, depth, &oldest)) oldest = kTimeMin;
  const uint64_t count = (static_cast<uint64_t>(range.start) - static_cast<uint64_t>(oldest)) /
                         static_cast<uint64_t>(windows.step);
  if (count > kBaselineWindowCountMax) {
    return fail(ErrorCode::kLimit,
                fmt::format("`baseline {}` in steps of {} has {} windows, but at most {} are "
                            "allowed; use a longer range or step",
                            format_duration(depth), format_duration(windows.step), count,
                            kBaselineWindowCountMax));
  }
  windows.past_count = static_cast<uint32_t>(count);
  windows.wanted.assign(windows.count(), 1);
  return windows;
}

Result<PrefixTables> run_prefix(Execution& execution, const BaselinePrefix& prefix,
                                const Scan& scan, const Windows& windows) {
  const Plan& plan = *prefix.plan;
  PrefixTables tables(execution);
  Program program(plan.source_columns);
  size_t at = 0;
  while (program.add_stage(plan.stages[at])) ++at;
  StatsPlan first =
      StatsPlan::compile(std::get<StatsStage>(plan.stages[at].operation), true, plan.zone, program);
  if (at < prefix.last_stats) {  // leaves out keys that the next stats does not need
    const std::vector<uint8_t> live = live_columns(plan, at + 1);
    first.ordered = false;
    first.live_keys.assign(live.begin(), live.begin() + static_cast<ptrdiff_t>(first.keys.size()));
  }
  TOCSIN_TRY(Table table,
             source_stats(execution, scan, program, first, &windows, &tables.counts, nullptr));
  while (at < prefix.last_stats) {
    Program between = windowed_program(plan, at);
    for (++at; between.add_stage(plan.stages[at]);) ++at;
    const StatsPlan stats = StatsPlan::compile(std::get<StatsStage>(plan.stages[at].operation),
                                               true, plan.zone, between);
    TOCSIN_RETURN_IF_ERROR(tables.gauge.set(table.memory_bytes()));
    TOCSIN_TRY(table, table_stats(execution, table, between, stats, &windows));
  }
  TOCSIN_RETURN_IF_ERROR(tables.gauge.set(table.memory_bytes() * (prefix.filters_groups ? 2 : 1)));
  if (prefix.filters_groups) tables.groups = table;
  TOCSIN_TRY(tables.rows, run_after_stats(execution, prefix, std::move(table), windows));
  TOCSIN_RETURN_IF_ERROR(
      tables.gauge.set(tables.groups.memory_bytes() + tables.rows.memory_bytes()));
  return tables;
}

Result<Table> run_after_stats(Execution& execution, const BaselinePrefix& prefix, Table groups,
                              const Windows& windows) {
  Program program = windowed_program(*prefix.plan, prefix.last_stats);
  for (size_t at = prefix.last_stats + 1; at < prefix.end; ++at) {
    TOCSIN_CHECK(program.add_stage(prefix.plan->stages[at]));
  }
  return table_rows(execution, std::move(groups), program, {}, &windows);
}

Result<std::vector<uint32_t>> number_groups(Execution& execution, const Table& table,
                                            std::span<const uint32_t> key_columns,
                                            GroupTable& groups) {
  MemoryGauge gauge(execution);
  const size_t bytes_before = groups.memory_bytes();
  std::vector<uint32_t> result(table.row_count);
  TableSource source(table);
  std::vector<Vector> keys(key_columns.size());
  std::vector<const Vector*> key_pointers;
  for (const Vector& key : keys) key_pointers.push_back(&key);
  std::vector<uint32_t> rows;
  for (size_t start = 0; start < table.row_count; start += kVectorRows) {
    const size_t count = std::min(kVectorRows, table.row_count - start);
    rows.resize(count);
    for (uint32_t i = 0; i < count; ++i) rows[i] = i;
    for (size_t k = 0; k < keys.size(); ++k) {
      TOCSIN_RETURN_IF_ERROR(source.read(key_columns[k], start, count, rows, keys[k]));
    }
    groups.assign(key_pointers, rows, std::span(result).subspan(start, count));
    TOCSIN_RETURN_IF_ERROR(execution.check());
    const size_t grown = std::max(groups.memory_bytes(), bytes_before) - bytes_before;
    TOCSIN_RETURN_IF_ERROR(gauge.set(result.size() * sizeof(result[0]) + grown));
  }
  return result;
}

Result<std::vector<std::shared_ptr<const WindowRecord>>> make_records(
    Execution& execution, const BaselinePrefix& prefix, const PrefixTables& tables,
    const Windows& windows, GroupTable& groups, std::vector<uint32_t>& row_groups,
    MemoryGauge& gauge) {
  const size_t groups_bytes_before = groups.memory_bytes();
  TOCSIN_TRY(row_groups,
             number_groups(execution, tables.rows, prefix.baseline->key_columns, groups));
  // A row has its group in `row_groups` and in its record, its place, and its values.
  const size_t row_bytes = 3 * sizeof(uint32_t) + prefix.value_columns.size() * sizeof(double);
  const size_t removed_count_max =
      tables.groups.row_count - std::min(tables.groups.row_count, tables.rows.row_count);
  // In a hash set: a pointer in its table, and a node with a pointer and the element.
  constexpr size_t kSetBytes = 2 * sizeof(void*) + 2 * sizeof(uint64_t);
  const size_t set_bytes = prefix.filters_groups ? tables.rows.row_count * kSetBytes : 0;
  TOCSIN_RETURN_IF_ERROR(gauge.set(
      windows.count() * WindowRecord().memory_bytes() + tables.rows.row_count * row_bytes +
      removed_count_max * sizeof(uint32_t) + set_bytes +
      std::max(groups.memory_bytes(), groups_bytes_before) - groups_bytes_before));
  std::vector<std::shared_ptr<WindowRecord>> records(windows.count());
  for (uint32_t k = 0; k < records.size(); ++k) {
    if (!windows.wanted[k]) continue;
    records[k] = std::make_shared<WindowRecord>();
    if (tables.counts.source_rows.empty()) continue;  // no segment was read
    records[k]->source_rows = tables.counts.source_rows[k];
    records[k]->matched_rows = tables.counts.matched_rows[k];
  }

  const std::vector<int64_t>& window_of = tables.rows.columns.back().i64;
  std::vector<uint32_t> places(tables.rows.row_count);  // of each row in its record
  for (const int64_t window : window_of) ++records[static_cast<size_t>(window)]->kept_count;
  for (const auto& record : records) {
    if (record) record->groups.reserve(std::exchange(record->kept_count, 0));
  }
  for (size_t row = 0; row < places.size(); ++row) {
    WindowRecord& record = *records[static_cast<size_t>(window_of[row])];
    places[row] = record.kept_count++;
    record.groups.push_back(row_groups[row]);
  }
  for (const auto& record : records) {
    if (record) record->values.resize(record->kept_count * prefix.value_columns.size());
  }
  for (size_t c = 0; c < prefix.value_columns.size(); ++c) {
    const TableColumn& column = tables.rows.columns.at(prefix.value_columns[c]);
    for (size_t row = 0; row < places.size(); ++row) {
      WindowRecord& record = *records[static_cast<size_t>(window_of[row])];
      record.values[c * record.kept_count + places[row]] = number_at(column, row);
    }
  }

  if (prefix.filters_groups) {
    const auto pair_of = [](uint32_t group, int64_t window) {
      return uint64_t{group} << 32 | static_cast<uint64_t>(window);
    };
    std::unordered_set<uint64_t> kept;
    for (size_t row = 0; row < places.size(); ++row) {
      kept.insert(pair_of(row_groups[row], window_of[row]));
    }
    std::vector<uint32_t> keys(prefix.key_types.size());
    for (uint32_t k = 0; k < keys.size(); ++k) keys[k] = k;
    TOCSIN_TRY(const auto all_groups, number_groups(execution, tables.groups, keys, groups));
    const std::vector<int64_t>& all_windows = tables.groups.columns.back().i64;
    for (size_t row = 0; row < all_groups.size(); ++row) {
      if (kept.contains(pair_of(all_groups[row], all_windows[row]))) continue;
      records[static_cast<size_t>(all_windows[row])]->groups.push_back(all_groups[row]);
    }
  }
  return std::vector<std::shared_ptr<const WindowRecord>>(records.begin(), records.end());
}

}  // namespace tocsin
