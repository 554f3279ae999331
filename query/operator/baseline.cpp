// baseline: adds to each group's row statistics of the group's rows in earlier windows.
//
// A group's windows start with the first one in which it has a row (without keys, with the oldest
// window). Windows in which the query's measurements have no rows do not count, nor do those that
// an exclusion overlaps. In any other window in which the group has no row, a row with zero counts
// is made up, to which the later lets and wheres apply as usual. A window does not count either if
// a where removed its row.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "db/base/check.h"
#include "query/operator/baseline_prefix.h"
#include "query/operator/group_parts.h"
#include "query/operator/judgement.h"
#include "query/operator/novelty.h"
#include "query/plan/fingerprint.h"

namespace tocsin {
namespace {

/// A window is read in microseconds; asking for the time takes nearly as long.
constexpr uint32_t kWindowsPerCheck = 64;

using Records = std::vector<std::shared_ptr<const WindowRecord>>;

// Finalizer of splitmix64 (Sebastiano Vigna, public domain) with two different increments.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::vector<WindowKey> window_keys(const Windows& windows, const Scan& scan) {
  std::vector<WindowKey> keys(windows.count());
  for (uint32_t k = 0; k < keys.size(); ++k) keys[k].window = windows.window(k);
  // Uses all segments, not the scan's units, which depend on the range and not on the window alone.
  for (const auto& segment : scan.snapshot.segments) {
    const SegmentInfo& info = segment->info();
    const uint64_t a = mix(info.id + 0x9e3779b97f4a7c15);
    const uint64_t b = mix(info.id + 0xd1b54a32d192ed03);
    windows.for_each_overlapping(info.min_time, info.max_time, [&](uint32_t k) {
      keys[k].segments[0] += a;
      keys[k].segments[1] += b;
    });
  }
  return keys;
}

bool empty_is_zero(AggregateKind kind) {
  return kind == AggregateKind::kCount || kind == AggregateKind::kCountDistinct ||
         kind == AggregateKind::kSum;
}

Value zero_of(ValueType type) {
  switch (type) {
    case ValueType::kU64: return Value::of(uint64_t{0});
    case ValueType::kF64: return Value::of(0.0);
    case ValueType::kDuration: return Value::duration(0);
    default: return Value::of(int64_t{0});
  }
}

/// Whether a group has a row in the range itself, and whether a `where` removed it.
enum class Current : uint8_t { kAbsent, kKept, kRemoved };

/// One group in the past windows.
struct GroupPast {
  uint32_t first_window = 0;      ///< the oldest with a row (without keys, of all); 0: none
  uint32_t present = 0;           ///< windows with a row, kept or removed, that are not excluded
  uint32_t missing = 0;           ///< windows for which a row is made up
  std::vector<uint8_t> excluded;  ///< by window; empty: none
  std::vector<uint32_t> present_windows;  ///< filled only if made-up rows depend on now()
  /// Made-up rows: the row of the made-up table, and the number of windows it represents.
  std::vector<std::pair<uint32_t, uint32_t>> made_up;

  bool excludes(uint32_t k) const { return !excluded.empty() && excluded[k]; }
};

class Baseline {
 public:
  Baseline(Execution& execution, const BaselinePrefix& prefix, const Windows& windows,
           const Records& records, GroupTable& groups)
      : execution_(execution),
        prefix_(prefix),
        windows_(windows),
        records_(records),
        groups_(groups),
        gauge_(execution) {}

  /// `rows` are the prefix's rows of all computed windows, `row_groups` their groups.
  Result<Table> run(const Table& rows, std::span<const uint32_t> row_groups) {
    find_current();
    TOCSIN_RETURN_IF_ERROR(find_exclusions());
    past_.resize(groups_.group_count());
    current_.resize(groups_.group_count(), Current::kAbsent);
    TOCSIN_RETURN_IF_ERROR(count_memory(0));
    TOCSIN_RETURN_IF_ERROR(find_past());
    TOCSIN_RETURN_IF_ERROR(make_up_rows());
    const size_t row_bytes = rows.memory_bytes() / std::max<size_t>(rows.row_count, 1);
    TOCSIN_RETURN_IF_ERROR(count_memory(records_[0]->kept_count * row_bytes));
    add_current_rows(rows, row_groups);
    TOCSIN_RETURN_IF_ERROR(gather_values());
    TOCSIN_RETURN_IF_ERROR(add_columns());
    for (const uint32_t key : prefix_.baseline->key_columns) {
      result_.pending_order.push_back({key, false});
    }
    return std::move(result_);
  }

 private:
  // Counts what is kept by group, and `more` bytes.
  Status count_memory(size_t more) {
    constexpr size_t kGroupBytes =
        sizeof(GroupPast) + sizeof(Current) + 2 * sizeof(size_t) + sizeof(uint32_t);
    constexpr size_t kMadeUpBytes = sizeof(uint32_t) + sizeof(GroupPast::made_up[0]);
    return gauge_.set(past_.size() * kGroupBytes + past_bytes_ + more + made_up_.memory_bytes() +
                      made_up_.row_count * kMadeUpBytes);
  }

  void find_current() {
    current_.assign(groups_.group_count(), Current::kAbsent);
    const WindowRecord& record = *records_[0];
    for (size_t i = 0; i < record.groups.size(); ++i) {
      current_[record.groups[i]] = i < record.kept_count ? Current::kKept : Current::kRemoved;
    }
  }

  // Excludes windows of all groups that agree with an exclusion in the keys that it names.
  Status find_exclusions() {
    past_.resize(groups_.group_count());
    if (!prefix_.baseline->excluding_alerts) return {};
    StringArena arena;
    std::vector<uint32_t> keys;  // of `parts`
    std::optional<GroupParts> parts;
    for (const Exclusion& exclusion : execution_.options().exclusions) {
      const auto named = keys_of(exclusion);
      Table key;
      if (!named || !make_key(exclusion, *named, arena, key)) continue;
      if (!parts || keys != *named) {
        keys = *named;
        TOCSIN_TRY(parts, part_groups(execution_, groups_, prefix_.key_types, keys));
      }
      const size_t known = parts->groups.size();
      std::vector<uint32_t> columns(keys.size());
      std::iota(columns.begin(), columns.end(), 0);
      TOCSIN_TRY(const auto part, number_groups(execution_, key, columns, parts->numbers));
      if (part.front() >= known) continue;  // no group has these values
      for (const uint32_t group : parts->groups[part.front()]) {
        exclude(past_[group], exclusion.intervals);
      }
      TOCSIN_RETURN_IF_ERROR(count_memory(0));
    }
    return {};
  }

  // The keys that the exclusion names, each followed by its siblings. Nothing if it names another
  // column.
  std::optional<std::vector<uint32_t>> keys_of(const Exclusion& exclusion) const {
    const auto& columns = prefix_.plan->stages[prefix_.last_stats].columns;
    const size_t key_count = prefix_.key_types.size();
    std::vector<uint32_t> keys;
    for (const auto& [name, value] : exclusion.group) {
      uint32_t k = 0;
      while (k < key_count && (columns[k].sibling || columns[k].name != name)) ++k;
      if (k == key_count) return std::nullopt;
      do keys.push_back(k++);
      while (k < key_count && columns[k].sibling);
    }
    return keys;
  }

  // One row with the values of the exclusion in these keys. A value is in the column of its type,
  // be it a sibling. False if the values do not fit the keys.
  bool make_key(const Exclusion& exclusion, std::span<const uint32_t> keys, StringArena& arena,
                Table& key) const {
    const auto& columns = prefix_.plan->stages[prefix_.last_stats].columns;
    key.row_count = 1;
    size_t next = 0;
    const Value* value = nullptr;  // null once a column has it
    for (const uint32_t k : keys) {
      if (!columns[k].sibling) {
        if (value) return false;
        value = &exclusion.group[next++].second;
      }
      TableColumn& column = key.columns.emplace_back(prefix_.key_types[k]);
      const bool here = value && value->type == column.type && !value->is_null();
      column.append(here ? *value : Value::null(), arena);
      if (here || (value && value->is_null())) value = nullptr;
    }
    return !value;
  }

  void exclude(GroupPast& past, std::span<const TimeRange> intervals) {
    past_bytes_ += windows_.count() - past.excluded.size();
    past.excluded.resize(windows_.count());
    for (const TimeRange& interval : intervals) {
      if (interval.end <= interval.start) continue;
      windows_.for_each_overlapping(interval.start, interval.end - 1,
                                    [&](uint32_t k) { past.excluded[k] = 1; });
    }
  }

  Status find_past() {
    // By window k: the number of windows among 1 to k in which anything was collected.
    std::vector<uint32_t> observed(windows_.count());
    for (uint32_t k = 1; k < windows_.count(); ++k) {
      if (k % kWindowsPerCheck == 0) TOCSIN_RETURN_IF_ERROR(execution_.check());
      const WindowRecord& record = *records_[k];
      observed[k] = observed[k - 1] + (record.source_rows != 0);
      for (const uint32_t group : record.groups) {
        GroupPast& past = past_[group];
        past.first_window = k;
        if (past.excludes(k)) continue;
        ++past.present;
        if (!prefix_.calls_now) continue;
        past.present_windows.push_back(k);
        past_bytes_ += 2 * sizeof(uint32_t);  // with what the vector reserves
      }
      if (k % kWindowsPerCheck == 0) TOCSIN_RETURN_IF_ERROR(count_memory(0));
    }
    for (GroupPast& past : past_) {
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      // Without keys, `stats` returns a row in every window, even if no row matched.
      if (prefix_.key_types.empty()) past.first_window = windows_.past_count;
      uint32_t counted = observed[past.first_window];
      for (uint32_t k = 1; k <= past.first_window && !past.excluded.empty(); ++k) {
        counted -= past.excluded[k] && records_[k]->source_rows != 0;
      }
      past.missing = counted - past.present;
    }
    return {};
  }

  bool is_shown(uint32_t group) const {
    if (current_[group] != Current::kAbsent) return current_[group] == Current::kKept;
    return past_[group].first_window != 0 || prefix_.key_types.empty();
  }

  // Makes up the missing rows of the stats and runs the later stages over them. Processes some
  // groups at a time, because there may be a row for each group and window.
  Status make_up_rows() {
    constexpr size_t kRowsMin = 64 * 1024;
    MissingRows missing;
    for (uint32_t group = 0; group < past_.size(); ++group) {
      if (is_shown(group)) find_missing(group, missing);
      const bool is_last = group + 1 == past_.size();
      if (!is_last && missing.groups.size() < kRowsMin) continue;
      TOCSIN_RETURN_IF_ERROR(execution_.check());
      TOCSIN_RETURN_IF_ERROR(make_up(std::exchange(missing, {})));
    }
    if (past_.empty()) return make_up({});  // sets the columns of made_up_
    return {};
  }

  /// The group and the window of each missing row.
  struct MissingRows {
    std::vector<uint32_t> groups, windows;

    void add(uint32_t group, uint32_t window) {
      groups.push_back(group);
      windows.push_back(window);
    }
  };

  void find_missing(uint32_t group, MissingRows& missing) const {
    const GroupPast& past = past_[group];
    const bool now_missing = current_[group] == Current::kAbsent;
    if (!prefix_.calls_now) {  // the rows of all windows are equal
      if (now_missing || past.missing != 0) missing.add(group, 0);
      return;
    }
    if (now_missing) missing.add(group, 0);
    auto present = past.present_windows.begin();
    for (uint32_t k = 1; k <= past.first_window; ++k) {
      const bool is_present = present != past.present_windows.end() && *present == k;
      if (is_present) ++present;
      if (is_present || past.excludes(k) || records_[k]->source_rows == 0) continue;
      missing.add(group, k);
    }
  }

  Status make_up(const MissingRows& missing) {
    const size_t before = made_up_.row_count;
    TOCSIN_TRY(Table rows,
               run_after_stats(execution_, prefix_, empty_groups(missing.groups, missing.windows),
                               windows_));
    TOCSIN_TRY(const auto groups,
               number_groups(execution_, rows, prefix_.baseline->key_columns, groups_));
    for (uint32_t i = 0; i < rows.row_count; ++i) {
      const auto row = static_cast<uint32_t>(before + i);
      GroupPast& past = past_[groups[i]];
      if (!prefix_.calls_now) {
        past.made_up.emplace_back(row, past.missing);
      } else if (rows.columns.back().i64[i] != 0) {
        past.made_up.emplace_back(row, 1);
      }
    }
    made_up_groups_.insert(made_up_groups_.end(), groups.begin(), groups.end());
    append_table(made_up_, std::move(rows));
    return count_memory(0);
  }

  Table empty_groups(std::span<const uint32_t> groups, std::span<const uint32_t> windows) const {
    const StatsStage& stats = prefix_.stats();
    Table table;
    table.row_count = groups.size();
    auto arena = std::make_shared<StringArena>();
    for (size_t k = 0; k < stats.keys.size(); ++k) {
      TableColumn& column = table.columns.emplace_back(prefix_.key_types[k]);
      groups_.append_key(k, groups, column);
      // The result must not point into the remembered group table.
      for (std::string_view& text : column.text) text = arena->keep(text);
    }
    for (const Aggregate& aggregate : stats.aggregates) {
      TableColumn& column = table.columns.emplace_back(aggregate.type);
      const Value value = empty_is_zero(aggregate.kind) ? zero_of(aggregate.type) : Value::null();
      for (size_t i = 0; i < groups.size(); ++i) column.append(value, *arena);
    }
    TableColumn& window = table.columns.emplace_back(ValueType::kI64);
    window.valid.assign(groups.size(), 1);
    window.i64.assign(windows.begin(), windows.end());
    table.arenas.push_back(std::move(arena));
    return table;
  }

  // Adds the rows of the range: first those of the query, then the made-up rows of groups without
  // one.
  void add_current_rows(const Table& rows, std::span<const uint32_t> row_groups) {
    std::vector<uint32_t> real;
    for (uint32_t row = 0; row < rows.row_count; ++row) {
      if (rows.columns.back().i64[row] != 0) continue;
      real.push_back(row);
      result_groups_.push_back(row_groups[row]);
    }
    result_ = rows.gather(real);
    result_.share_arenas(made_up_);
    for (uint32_t row = 0; row < made_up_.row_count; ++row) {
      const uint32_t group = made_up_groups_[row];
      if (made_up_.columns.back().i64[row] != 0 || current_[group] != Current::kAbsent) continue;
      for (size_t c = 0; c < result_.columns.size(); ++c) {
        result_.columns[c].append_from(made_up_.columns[c], row);
      }
      ++result_.row_count;
      result_groups_.push_back(group);
    }
    result_.columns.pop_back();  // the window
  }

  // Sorts the values of all kept rows by group. Group g has the places [starts_[g], starts_[g +
  // 1]).
  Status gather_values() {
    const size_t column_count =
        prefix_.baseline->columns.empty() ? 0 : prefix_.value_columns.size();
    starts_.assign(groups_.group_count() + 1, 0);
    const auto each_kept = [&](auto f) -> Status {
      for (uint32_t k = 1; k < windows_.count(); ++k) {
        if (k % kWindowsPerCheck == 0) TOCSIN_RETURN_IF_ERROR(execution_.check());
        const WindowRecord& record = *records_[k];
        for (uint32_t i = 0; i < record.kept_count; ++i) {
          if (!past_[record.groups[i]].excludes(k)) f(record, i);
        }
      }
      return {};
    };
    TOCSIN_RETURN_IF_ERROR(each_kept(
        [&](const WindowRecord& record, uint32_t i) { ++starts_[record.groups[i] + 1]; }));
    for (size_t group = 1; group < starts_.size(); ++group) starts_[group] += starts_[group - 1];
    TOCSIN_RETURN_IF_ERROR(
        count_memory(result_.memory_bytes() + starts_.back() * column_count * sizeof(double)));
    values_.assign(column_count, std::vector<double>(starts_.back()));
    std::vector<size_t> next(starts_.begin(), starts_.end() - 1);
    return each_kept([&](const WindowRecord& record, uint32_t i) {
      const size_t place = next[record.groups[i]]++;
      for (size_t c = 0; c < column_count; ++c) {
        values_[c][place] = record.values[c * record.kept_count + i];
      }
    });
  }

  // Collects the values of a column for a group's statistics.
  void collect(uint32_t group, size_t value_column, std::vector<double>& out) const {
    out.clear();
    const std::vector<double>& all = values_[value_column];
    for (size_t i = starts_[group]; i < starts_[group + 1]; ++i) {
      if (!std::isnan(all[i])) out.push_back(all[i]);
    }
    const TableColumn& column = made_up_.columns.at(prefix_.value_columns[value_column]);
    for (const auto& [row, window_count] : past_[group].made_up) {
      const double value = number_at(column, row);
      if (!std::isnan(value)) out.insert(out.end(), window_count, value);
    }
  }

  Status add_columns() {
    const auto& output = prefix_.plan->stages[prefix_.end].columns;
    const size_t before = result_.columns.size();
    std::vector<double> values;
    for (size_t i = 0; i < prefix_.baseline->columns.size(); ++i) {
      const BaselineColumn& wanted = prefix_.baseline->columns[i];
      const auto found = std::ranges::find(prefix_.value_columns, wanted.column);
      const auto value_column = static_cast<size_t>(found - prefix_.value_columns.begin());
      TableColumn& column = result_.columns.emplace_back(output.at(before + i).type);
      for (const uint32_t group : result_groups_) {
        TOCSIN_RETURN_IF_ERROR(execution_.check());
        collect(group, value_column, values);
        append_number(statistic(wanted, values), column);
      }
    }
    TOCSIN_RETURN_IF_ERROR(add_judgements());
    TOCSIN_RETURN_IF_ERROR(add_novelty());
    return count_memory(result_.memory_bytes());
  }

  Status add_judgements() {
    if (prefix_.baseline->judgements.empty()) return {};
    std::vector<JudgedGroup> groups;
    for (const uint32_t group : result_groups_) {
      const GroupPast& past = past_[group];
      groups.push_back({group, past.first_window, past.excluded});
    }
    TOCSIN_TRY(std::vector<TableColumn> columns,
               judge_groups(execution_, prefix_, windows_, records_, groups));
    for (TableColumn& column : columns) result_.columns.push_back(std::move(column));
    return {};
  }

  Status add_novelty() {
    if (!prefix_.baseline->novelty) return {};
    TOCSIN_TRY(std::vector<TableColumn> columns,
               judge_novelty(execution_, prefix_, windows_, records_, groups_, result_groups_));
    for (TableColumn& column : columns) result_.columns.push_back(std::move(column));
    return {};
  }

  double statistic(const BaselineColumn& wanted, std::span<double> values) const {
    if (wanted.statistic == BaselineStatistic::kWindows) return static_cast<double>(values.size());
    if (values.empty() || values.size() < prefix_.baseline->min_windows) return std::nan("");
    switch (wanted.statistic) {
      case BaselineStatistic::kMean: return mean_of(values);
      case BaselineStatistic::kMedian: return quantile_of(values, 0.5);
      case BaselineStatistic::kStddev: return stddev_of(values);
      case BaselineStatistic::kMad: return mad_of(values);
      case BaselineStatistic::kMin: return *std::ranges::min_element(values);
      case BaselineStatistic::kMax: return *std::ranges::max_element(values);
      case BaselineStatistic::kQuantile: return quantile_of(values, wanted.quantile);
      case BaselineStatistic::kWindows: break;
    }
    return std::nan("");
  }

  Execution& execution_;
  const BaselinePrefix& prefix_;
  const Windows& windows_;
  const Records& records_;
  GroupTable& groups_;
  MemoryGauge gauge_;
  size_t past_bytes_ = 0;         // of the lists in past_
  std::vector<Current> current_;  // by group
  std::vector<GroupPast> past_;   // by group
  Table made_up_;
  std::vector<uint32_t> made_up_groups_;
  Table result_;
  std::vector<uint32_t> result_groups_;  // by row
  std::vector<size_t> starts_;
  std::vector<std::vector<double>> values_;  // by value column
};

/// Trims the memory when destroyed. Requires: the mutex of `series` is not held then.
struct TrimAtEnd {
  WindowMemory& memory;
  std::shared_ptr<WindowSeries> series;
  uint64_t tick;
  ~TrimAtEnd() { memory.trim(series, tick); }
};

}  // namespace

Result<Table> run_baseline(Execution& execution, const Database& database, size_t at,
                           WindowMemory* memory) {
  TOCSIN_TRY(const BaselinePrefix prefix, BaselinePrefix::of(execution.plan(), at));
  TOCSIN_TRY(Windows windows, baseline_windows(prefix));
  TOCSIN_TRY(const Scan scan, open_scan(database, execution, windows.span()));
  WindowMemory own;
  if (!memory || !execution.options().remember) memory = &own;

  const std::vector<WindowKey> keys = window_keys(windows, scan);
  const uint64_t tick = memory->next_tick();
  const auto series =
      memory->series(fingerprint_of(execution.plan(), at, prefix.value_columns), prefix.key_types);
  const TrimAtEnd trim{*memory, series, tick};  // even if the query fails
  Records records(windows.count());
  {
    const MutexLock lock(series->mutex);
    for (uint32_t k = 1; k < windows.count(); ++k) {  // not window 0, which needs all columns
      records[k] = series->find(keys[k], tick);
      if (!records[k]) continue;
      windows.wanted[k] = 0;
      ++execution.windows_remembered;
    }
  }
  TOCSIN_TRY(const PrefixTables tables, run_prefix(execution, prefix, scan, windows));
  TOCSIN_RETURN_IF_ERROR(check_intact(scan));

  const MutexLock lock(series->mutex);
  std::vector<uint32_t> row_groups;
  MemoryGauge records_gauge(execution);
  TOCSIN_TRY(const Records made, make_records(execution, prefix, tables, windows, series->groups,
                                              row_groups, records_gauge));
  // Window 0 can be remembered as a past window only if now() was its end.
  const bool is_past_too = !prefix.calls_now || windows.now == windows.range.end;
  uint64_t matched_rows = 0;
  for (uint32_t k = 0; k < windows.count(); ++k) {
    if (made[k]) records[k] = made[k];
    if (made[k] && (k > 0 || is_past_too)) series->insert(keys[k], made[k], tick);
    matched_rows += records[k]->matched_rows;
  }
  execution.rows_matched = matched_rows;
  return Baseline(execution, prefix, windows, records, series->groups).run(tables.rows, row_groups);
}

}  // namespace tocsin
