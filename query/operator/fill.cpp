// fill: adds a row for each bucket in which a group has none.
#include <algorithm>

#include <fmt/format.h>

#include "query/operator/operators.h"

namespace tocsin {
namespace {

constexpr size_t kFilledRowsMax = 4'000'000;
constexpr size_t kRowsBetweenChecks = 64 * 1024;

/// More changes of the clock than a zone has in all of the supported time: each may add a bucket or
/// remove one.
constexpr uint64_t kClockChangesMax = 10'000;

tl::unexpected<Error> too_many_rows(const FillStage& stage) {
  return fail(ErrorCode::kLimit,
              fmt::format("`fill` would make more than {} rows for buckets of {}; use a wider "
                          "bucket, a shorter range, or fewer groups",
                          kFilledRowsMax, format_duration(stage.bucket)));
}

// Every bucket of the plan's range or, without one, from the first to the last in the table.
Result<std::vector<Timestamp>> buckets_of(const Execution& execution, const TableColumn& times,
                                          size_t row_count, const FillStage& stage) {
  const Plan& plan = execution.plan();
  Timestamp start = kTimeMax;
  Timestamp end = kTimeMin;  // exclusive
  if (plan.range_given) {
    start = bucket_start(plan.range.start, stage.bucket, plan.zone);
    end = plan.range.end;
  } else {
    for (size_t row = 0; row < row_count; ++row) {
      if (times.is_null(row)) continue;
      start = std::min(start, times.i64[row]);
      end = std::max(end, times.i64[row] == kTimeMax ? kTimeMax : times.i64[row] + 1);
    }
  }
  std::vector<Timestamp> buckets;
  if (start >= end) return buckets;
  const uint64_t length = static_cast<uint64_t>(end) - static_cast<uint64_t>(start);
  const uint64_t expected = length / static_cast<uint64_t>(stage.bucket);
  if (expected > kFilledRowsMax + kClockChangesMax) return too_many_rows(stage);
  buckets.reserve(expected + 1);
  for (Timestamp t = start; t < end; t = next_bucket_start(t, stage.bucket, plan.zone)) {
    if (buckets.size() == kFilledRowsMax) return too_many_rows(stage);
    if (buckets.size() % kRowsBetweenChecks == 0) TOCSIN_RETURN_IF_ERROR(execution.check());
    buckets.push_back(t);
  }
  return buckets;
}

class Filler {
 public:
  Filler(Execution& execution, const Table& input, const FillStage& stage)
      : execution_(execution), gauge_(execution), input_(input), stage_(stage) {
    auto arena = std::make_shared<StringArena>();
    for (size_t i = 0; i < input.columns.size(); ++i) {
      const ValueType type = input.columns[i].type;
      result_.columns.emplace_back(type);
      added_.emplace_back(type).append(stage.values.at(i), *arena);
    }
    result_.share_arenas(input);
    result_.arenas.push_back(std::move(arena));
  }

  /// Makes room for the rows. kLimit if they need too much memory.
  Status reserve(size_t row_count) {
    size_t row_bytes = 0;
    for (const TableColumn& column : added_) row_bytes += column.row_bytes();
    TOCSIN_RETURN_IF_ERROR(gauge_.set(row_bytes * row_count + result_.memory_bytes()));
    for (TableColumn& column : result_.columns) column.reserve(row_count);
    return {};
  }

  // Adds the rows [start, end) of one group, which ascend in time, and the missing buckets.
  Status add_group(size_t start, size_t end, const std::vector<Timestamp>& buckets) {
    const TableColumn& times = input_.columns[stage_.time_column];
    size_t row = start;
    const auto add_until = [&](auto stop) {
      for (; row < end && !times.is_null(row) && stop(times.i64[row]); ++row) add_row(row);
    };
    for (const Timestamp bucket : buckets) {
      add_until([&](Timestamp t) { return t < bucket; });
      const size_t before = row;
      add_until([&](Timestamp t) { return t == bucket; });
      if (row == before) add_missing(start, bucket);
      if (result_.row_count % kRowsBetweenChecks == 0) TOCSIN_RETURN_IF_ERROR(execution_.check());
    }
    for (; row < end; ++row) add_row(row);
    return {};
  }

  Table release() && { return std::move(result_); }

 private:
  void add_row(size_t row) {
    for (size_t i = 0; i < input_.columns.size(); ++i) {
      result_.columns[i].append_from(input_.columns[i], row);
    }
    ++result_.row_count;
  }

  void add_missing(size_t group_row, Timestamp bucket) {
    for (uint32_t i = 0; i < input_.columns.size(); ++i) {
      TableColumn& out = result_.columns[i];
      if (i == stage_.time_column) {
        out.valid.push_back(1);
        out.i64.push_back(bucket);
      } else if (std::ranges::find(stage_.group_columns, i) != stage_.group_columns.end()) {
        out.append_from(input_.columns[i], group_row);
      } else {
        out.append_from(added_[i], 0);
      }
    }
    ++result_.row_count;
  }

  Execution& execution_;
  MemoryGauge gauge_;
  const Table& input_;
  const FillStage& stage_;
  std::vector<TableColumn> added_;  // one row: the values of added rows
  Table result_;
};

}  // namespace

Result<Table> table_fill(Execution& execution, Table input, const FillStage& stage) {
  std::vector<SortKey> keys;
  for (const uint32_t column : stage.group_columns) keys.push_back({column, false});
  const std::vector<SortKey> group_keys = keys;
  keys.push_back({stage.time_column, false});
  TOCSIN_TRY(const Table sorted, table_sort(execution, std::move(input), keys, std::nullopt));
  TOCSIN_TRY(const auto buckets,
             buckets_of(execution, sorted.columns[stage.time_column], sorted.row_count, stage));
  const TableOrder by_group(sorted, group_keys);
  std::vector<uint32_t> group_ends;
  for (uint32_t row = 1; row <= sorted.row_count; ++row) {
    const bool is_end = row == sorted.row_count || by_group.compare(row - 1, row) != 0;
    if (is_end) group_ends.push_back(row);
  }
  Filler filler(execution, sorted, stage);
  // Every group gets at most all buckets besides its own rows.
  const size_t row_count_max = group_ends.size() * buckets.size() + sorted.row_count;
  if (group_ends.size() * buckets.size() > kFilledRowsMax) return too_many_rows(stage);
  TOCSIN_RETURN_IF_ERROR(filler.reserve(row_count_max));
  uint32_t start = 0;
  for (const uint32_t end : group_ends) {
    TOCSIN_RETURN_IF_ERROR(filler.add_group(start, end, buckets));
    start = end;
  }
  return std::move(filler).release();
}

}  // namespace tocsin
