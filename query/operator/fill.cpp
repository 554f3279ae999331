// fill: adds a row for each bucket in which a group has none.
#include <algorithm>

#include <fmt/format.h>

#include "query/operator/operators.h"

namespace tocsin {
namespace {

constexpr size_t kFilledRowsMax = 4'000'000;

// Every bucket of the plan's range or, without one, from the first to the last in the table.
Result<std::vector<Timestamp>> buckets_of(const Plan& plan, const TableColumn& times,
                                          size_t row_count, const FillStage& stage) {
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
  for (Timestamp t = start; t < end; t = next_bucket_start(t, stage.bucket, plan.zone)) {
    if (buckets.size() == kFilledRowsMax) {
      return fail(ErrorCode::kLimit,
                  fmt::format("`fill` would make more than {} buckets of {}; use a wider bucket or "
                              "a shorter range",
                              kFilledRowsMax, format_duration(stage.bucket)));
    }
    buckets.push_back(t);
  }
  return buckets;
}

class Filler {
 public:
  Filler(const Table& input, const FillStage& stage) : input_(input), stage_(stage) {
    for (const TableColumn& column : input.columns) result_.columns.emplace_back(column.type);
  }

  // Adds the rows [start, end) of one group, which ascend in time, and the missing buckets.
  void add_group(size_t start, size_t end, const std::vector<Timestamp>& buckets) {
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
    }
    for (; row < end; ++row) add_row(row);
  }

  Table release() && {
    result_.share_arenas(input_);
    result_.arenas.push_back(arena_);
    return std::move(result_);
  }
  size_t row_count() const { return result_.row_count; }
  size_t memory_bytes() const { return result_.memory_bytes(); }

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
        out.append(Value::time(bucket), *arena_);
      } else if (std::ranges::find(stage_.group_columns, i) != stage_.group_columns.end()) {
        out.append_from(input_.columns[i], group_row);
      } else {
        out.append(stage_.values.at(i), *arena_);
      }
    }
    ++result_.row_count;
  }

  const Table& input_;
  const FillStage& stage_;
  Table result_;
  std::shared_ptr<StringArena> arena_ = std::make_shared<StringArena>();
};

}  // namespace

Result<Table> table_fill(Execution& execution, Table input, const FillStage& stage) {
  std::vector<SortKey> keys;
  for (const uint32_t column : stage.group_columns) keys.push_back({column, false});
  const std::vector<SortKey> group_keys = keys;
  keys.push_back({stage.time_column, false});
  const Table sorted = table_sort(std::move(input), keys, std::nullopt);
  TOCSIN_TRY(const auto buckets, buckets_of(execution.plan(), sorted.columns[stage.time_column],
                                            sorted.row_count, stage));
  const TableOrder by_group(sorted, group_keys);
  MemoryGauge gauge(execution);
  Filler filler(sorted, stage);
  for (uint32_t start = 0; start < sorted.row_count;) {
    uint32_t end = start + 1;
    while (end < sorted.row_count && by_group.compare(start, end) == 0) ++end;
    filler.add_group(start, end, buckets);
    TOCSIN_RETURN_IF_ERROR(execution.check());
    TOCSIN_RETURN_IF_ERROR(gauge.set(filler.memory_bytes()));
    start = end;
  }
  return std::move(filler).release();
}

}  // namespace tocsin
