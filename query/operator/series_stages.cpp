// changepoint and forecast: what query/series computes, for each group of a table.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "query/operator/operators.h"
#include "query/operator/series_rows.h"
#include "query/series/changepoint.h"
#include "query/series/detector.h"
#include "query/series/forecast.h"

namespace tocsin {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
/// By ChangeType; a group with too few values has no type.
constexpr std::array<std::string_view, 7> kChangeNames = {
    "", "none", "spike", "dip", "step_change", "trend_change", "distribution_change"};
constexpr size_t kForecastRowsMax = 4'000'000;

/// The values of one group that are not null.
struct GroupSeries {
  std::vector<Timestamp> times;
  std::vector<double> values;
};

GroupSeries series_of(const Table& table, const SeriesInput& input,
                      std::span<const uint32_t> rows) {
  const TableColumn& times = table.columns.at(input.time_column);
  const TableColumn& values = table.columns.at(input.value_column);
  GroupSeries out;
  while (!rows.empty() && !times.is_null(rows[0])) {
    const auto bucket = same_bucket(times, rows);
    const double value = mean_value(values, bucket);
    if (!std::isnan(value)) {
      out.times.push_back(times.i64[bucket[0]]);
      out.values.push_back(value);
    }
    rows = rows.subspan(bucket.size());
  }
  return out;
}

void append_change(const GroupSeries& series, std::span<TableColumn> columns) {
  std::vector<double> seconds;
  for (const Timestamp time : series.times) {
    seconds.push_back(static_cast<double>(time - series.times[0]) / static_cast<double>(kSecond));
  }
  const Change change = find_change(seconds, series.values);
  const bool changed = change.type != ChangeType::kUnknown && change.type != ChangeType::kNone;
  columns[0].valid.push_back(changed);
  columns[0].i64.push_back(changed ? series.times[change.index] : 0);
  columns[1].valid.push_back(change.type != ChangeType::kUnknown);
  columns[1].text.push_back(kChangeNames[static_cast<size_t>(change.type)]);
  append_number(changed ? change.before : kNoNumber, columns[2]);
  append_number(changed ? change.after : kNoNumber, columns[3]);
  append_number(change.type == ChangeType::kUnknown ? kNoNumber : change.p, columns[4]);
}

// One value for each bucket from the first to the last.
std::vector<double> by_bucket(const GroupSeries& series, Duration bucket, const TimeZone& zone) {
  std::vector<double> out;
  const auto slot_of = [&](Timestamp t) { return (t + zone.offset_at(t)) / bucket; };
  const int64_t first = slot_of(series.times[0]);
  for (size_t i = 0; i < series.times.size(); ++i) {
    const auto place = static_cast<size_t>(std::max<int64_t>(0, slot_of(series.times[i]) - first));
    if (place >= out.size()) out.resize(place + 1, kNoNumber);
    out[place] = series.values[i];
  }
  return out;
}

int64_t season_of(const std::vector<double>& values, const ForecastStage& stage) {
  const Duration bucket = stage.series.bucket;
  if (stage.season > 0) return stage.season / bucket;
  if (bucket > kDay || kDay % bucket != 0) return 0;
  SeriesHistory history(static_cast<int64_t>(values.size()));
  history.begin(0);
  for (const double value : values) history.append(value);
  return history.find_season(kDay / bucket);
}

class Forecaster {
 public:
  Forecaster(Execution& execution, const ForecastStage& stage, Table& table)
      : execution_(execution), stage_(stage), table_(table) {
    for (size_t i = 0; i < 3; ++i) added_.emplace_back(ValueType::kF64);
    added_.emplace_back(ValueType::kBool);
    for (TableColumn& column : added_) column.resize(table.row_count);  // null
    added_[3].valid.assign(table.row_count, 1);
  }

  Status add_group(std::span<const uint32_t> rows) {
    const GroupSeries series = series_of(table_, stage_.series, rows);
    if (series.times.empty()) return {};
    const TimeZone& zone = execution_.plan().zone;
    const Duration bucket = stage_.series.bucket;
    const Timestamp first = next_bucket_start(series.times.back(), bucket, zone);
    if (static_cast<uint64_t>(series.times.back() - series.times.front()) /
            static_cast<uint64_t>(bucket) >
        kForecastRowsMax) {
      return fail(ErrorCode::kLimit, fmt::format("`forecast` reads at most {} buckets of a group; "
                                                 "use a wider bucket or a shorter range",
                                                 kForecastRowsMax));
    }
    const std::vector<double> values = by_bucket(series, bucket, zone);
    const auto count = static_cast<size_t>((stage_.horizon + bucket - 1) / bucket);
    const auto points = forecast_series(values, season_of(values, stage_), count);
    Timestamp time = first;
    for (const ForecastPoint& point : points) {
      add_row(rows[0], time, point);
      time = next_bucket_start(time, bucket, zone);
    }
    if (table_.row_count > kForecastRowsMax) {
      return fail(ErrorCode::kLimit,
                  fmt::format("`forecast` would make more than {} rows; use a wider bucket, a "
                              "shorter horizon, or fewer groups",
                              kForecastRowsMax));
    }
    return execution_.check();
  }

  void finish() {
    for (TableColumn& column : added_) table_.columns.push_back(std::move(column));
    for (const uint32_t column : stage_.series.group_columns) {
      table_.pending_order.push_back({column, false});
    }
    table_.pending_order.push_back({stage_.series.time_column, false});
  }

 private:
  void add_row(uint32_t group_row, Timestamp time, const ForecastPoint& point) {
    for (uint32_t i = 0; i < table_.columns.size(); ++i) {
      TableColumn& column = table_.columns[i];
      if (i == stage_.series.time_column) {
        column.valid.push_back(1);
        column.i64.push_back(time);
      } else if (std::ranges::find(stage_.series.group_columns, i) !=
                 stage_.series.group_columns.end()) {
        column.append_from(column, group_row);
      } else {
        column.append_null();
      }
    }
    append_number(point.expected, added_[0]);
    append_number(point.lower, added_[1]);
    append_number(point.upper, added_[2]);
    added_[3].valid.push_back(1);
    added_[3].boolean.push_back(1);
    ++table_.row_count;
  }

  Execution& execution_;
  const ForecastStage& stage_;
  Table& table_;
  std::vector<TableColumn> added_;
};

}  // namespace

Result<Table> table_changepoint(Execution& execution, Table input, const ChangepointStage& stage) {
  TOCSIN_TRY(input, settle_order(execution, std::move(input)));
  TOCSIN_TRY(const SeriesRows rows, series_rows(execution, input, stage.series));
  std::vector<TableColumn> added;
  for (const ValueType type :
       {ValueType::kTime, ValueType::kString, ValueType::kF64, ValueType::kF64, ValueType::kF64}) {
    added.emplace_back(type);
  }
  std::vector<uint32_t> first_rows;
  for (size_t group = 0; group < rows.ends.size(); ++group) {
    TOCSIN_RETURN_IF_ERROR(execution.check());
    first_rows.push_back(rows.group(group)[0]);
    append_change(series_of(input, stage.series, rows.group(group)), added);
  }
  std::vector<TableColumn> groups;
  for (const uint32_t column : stage.series.group_columns) {
    groups.push_back(std::move(input.columns[column]));
  }
  input.columns = std::move(groups);
  TOCSIN_TRY(Table out, gather_rows(execution, std::move(input), first_rows));
  for (TableColumn& column : added) out.columns.push_back(std::move(column));
  return out;
}

Result<Table> table_forecast(Execution& execution, Table input, const ForecastStage& stage) {
  TOCSIN_TRY(input, settle_order(execution, std::move(input)));
  TOCSIN_TRY(const SeriesRows rows, series_rows(execution, input, stage.series));
  MemoryGauge gauge(execution);
  Forecaster forecaster(execution, stage, input);
  for (size_t group = 0; group < rows.ends.size(); ++group) {
    TOCSIN_RETURN_IF_ERROR(forecaster.add_group(rows.group(group)));
    TOCSIN_RETURN_IF_ERROR(gauge.set(input.memory_bytes()));
  }
  forecaster.finish();
  return input;
}

}  // namespace tocsin
