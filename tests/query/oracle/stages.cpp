// Runs stages one table at a time.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "query/series/detector.h"
#include "tests/query/oracle/oracle.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;

Row picked(const Row& row, const std::vector<uint32_t>& columns) {
  Row out;
  for (const uint32_t column : columns) out.push_back(row.at(column));
  return out;
}

std::vector<Row> source_rows(const Plan& plan, const Data& data, TimeRange range) {
  std::vector<Row> rows;
  for (const SourceMeasurement& measurement : plan.source) {
    for (const Event& event : data.at(measurement.name)) {
      if (event.time < range.start || event.time >= range.end) continue;
      Row row(plan.source_columns.size());
      row[0] = Value::time(event.time);
      row[1] = Value::of(measurement.name);
      for (const uint32_t column : measurement.columns) {
        const auto found = event.values.find(plan.source_columns[column].name);
        if (found == event.values.end()) continue;
        const bool widened =
            plan.source_columns[column].type == T::kF64 && is_number(found->second.type);
        row[column] = widened ? Value::of(number_of(found->second)) : found->second;
      }
      rows.push_back(std::move(row));
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return compare(a[0], b[0]) < 0; });
  return rows;
}

std::vector<Row> stats(const StatsStage& stage, const std::vector<Row>& rows, Timestamp now) {
  std::map<Row, std::vector<Row>, Less> groups;
  if (stage.keys.empty()) groups[Row{}];
  for (const Row& row : rows) {
    Row key;
    for (const GroupKey& each : stage.keys) {
      Value value = row.at(each.column);
      if (each.bucket > 0 && !value.is_null()) {
        value = Value::time(bucket_of(std::get<int64_t>(value.data), each.bucket));
      }
      key.push_back(std::move(value));
    }
    groups[key].push_back(row);
  }
  std::vector<Row> out;
  for (const auto& [key, members] : groups) {
    Row row = key;
    for (const Aggregate& each : stage.aggregates) row.push_back(aggregate(each, members, now));
    out.push_back(std::move(row));
  }
  return out;
}

Row let(const LetStage& stage, const Row& row, size_t width, Timestamp now) {
  Row out = row;
  out.resize(width);
  for (size_t i = 0; i < stage.definitions.size(); ++i) {
    out[stage.outputs[i]] = evaluate(stage.definitions[i].expression, row, now);
  }
  return out;
}

std::vector<Row> sorted(std::vector<Row> rows, const std::vector<SortKey>& keys) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    for (const SortKey& key : keys) {
      const Value &x = a[key.column], &y = b[key.column];
      int c = compare(x, y);
      if (key.descending && !x.is_null() && !y.is_null()) c = -c;
      if (c != 0) return c < 0;
    }
    return false;
  });
  return rows;
}

std::vector<Row> distinct(const std::vector<Row>& rows, const std::vector<uint32_t>& columns) {
  std::set<Row, Less> seen;
  std::vector<Row> out;
  for (const Row& row : rows) {
    Row wanted = picked(row, columns);
    if (seen.insert(wanted).second) out.push_back(std::move(wanted));
  }
  return out;
}

std::vector<Row> fill(const Plan& plan, const FillStage& stage, const std::vector<Row>& rows) {
  Timestamp start = INT64_MAX, end = INT64_MIN;
  if (plan.range_given) {
    start = bucket_of(plan.range.start, stage.bucket);
    end = plan.range.end;
  } else {
    for (const Row& row : rows) {
      if (row[stage.time_column].is_null()) continue;
      const int64_t time = std::get<int64_t>(row[stage.time_column].data);
      start = std::min(start, time);
      end = std::max(end, time + 1);
    }
  }
  std::map<Row, std::vector<Row>, Less> groups;
  for (const Row& row : rows) groups[picked(row, stage.group_columns)].push_back(row);
  std::vector<Row> out;
  for (auto& [key, members] : groups) {
    for (Timestamp bucket = start; bucket < end; bucket += stage.bucket) {
      const bool there = std::any_of(members.begin(), members.end(), [&](const Row& row) {
        return compare(row[stage.time_column], Value::time(bucket)) == 0;
      });
      if (there) continue;
      Row made(members[0].size());
      for (uint32_t i = 0; i < made.size(); ++i) {
        const bool grouped =
            std::count(stage.group_columns.begin(), stage.group_columns.end(), i) > 0;
        made[i] = i == stage.time_column ? Value::time(bucket)
                  : grouped              ? members[0][i]
                                         : stage.values[i];
      }
      members.push_back(std::move(made));
    }
    for (Row& row : sorted(members, {{stage.time_column, false}})) out.push_back(std::move(row));
  }
  return out;
}

// With the same detector, but one row at a time over a plain map of the groups.
std::vector<Row> detect(const Plan& plan, const DetectStage& stage, std::vector<Row> rows) {
  struct Group {
    std::map<int64_t, std::vector<size_t>> buckets;
  };
  std::map<Row, Group, Less> groups;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Value& time = rows[i][stage.series.time_column];
    if (time.is_null()) continue;
    groups[picked(rows[i], stage.series.group_columns)]
        .buckets[std::get<int64_t>(time.data)]
        .push_back(i);
  }
  for (Row& row : rows) row.resize(row.size() + (stage.adds_kind ? 6 : 5));
  for (const auto& [key, group] : groups) {
    DetectorOptions options;
    options.bucket = stage.series.bucket;
    options.season = stage.season;
    options.counts = stage.counts;
    SeriesDetector detector(options);
    for (const auto& [time, members] : group.buckets) {
      if (time + stage.series.bucket > plan.range.end) continue;
      double sum = 0;
      double count = 0;
      for (const size_t i : members) {
        if (rows[i][stage.series.value_column].is_null()) continue;
        sum += plain(rows[i][stage.series.value_column]);
        ++count;
      }
      const DetectorVerdict verdict =
          detector.add(detector.slot_of(time), count > 0 ? sum / count : std::nan(""),
                       stage.zero_if_missing ? 0 : std::nan(""));
      for (const size_t i : members) {
        const Band& band = verdict.band;
        Row& row = rows[i];
        const size_t first = row.size() - (stage.adds_kind ? 6 : 5);
        const bool has_value = !row[stage.series.value_column].is_null();
        const double value = has_value ? plain(row[stage.series.value_column]) : std::nan("");
        const bool high = value > band.expected;
        double score = band.score;
        bool anomaly = verdict.anomaly;
        AnomalyKind kind = band.kind;
        if (members.size() > 1) {
          score = std::fabs(value - band.expected) /
                  (high ? band.upper - band.expected : band.expected - band.lower);
          anomaly = !verdict.learning && score >= 1;
          kind = high ? AnomalyKind::kHigh : AnomalyKind::kLow;
        }
        row[first] = as_result(band.expected, T::kF64);
        row[first + 1] = as_result(band.lower, T::kF64);
        row[first + 2] = as_result(band.upper, T::kF64);
        row[first + 3] = as_result(score, T::kF64);
        constexpr std::array kNames = {"high", "low", "spread", "frozen", "pattern"};
        if (stage.adds_kind && score >= 1) {
          row[first + 4] = Value::of(kNames[static_cast<size_t>(kind)]);
        }
        if (!verdict.learning && !std::isnan(score)) row.back() = Value::of(anomaly);
      }
    }
  }
  std::erase_if(rows, [&](const Row& row) {
    const Value& time = row[stage.series.time_column];
    return !time.is_null() && std::get<int64_t>(time.data) < stage.start;
  });
  return rows;
}

const std::vector<PlanColumn>& input_of(const Plan& plan, size_t stage) {
  return stage == 0 ? plan.source_columns : plan.stages[stage - 1].columns;
}

// Runs the stages [from, to) over rows; `now` is the end of the window.
std::vector<Row> run(const Plan& plan, size_t from, size_t to, std::vector<Row> rows,
                     Timestamp now) {
  for (size_t i = from; i < to; ++i) {
    const Stage& stage = plan.stages[i];
    if (const auto* s = std::get_if<FilterStage>(&stage.operation)) {
      std::erase_if(rows, [&](const Row& row) { return !holds(s->condition, row, now); });
    } else if (const auto* l = std::get_if<LetStage>(&stage.operation)) {
      for (Row& row : rows) row = let(*l, row, stage.columns.size(), now);
    } else if (const auto* st = std::get_if<StatsStage>(&stage.operation)) {
      rows = stats(*st, rows, now);
    } else if (const auto* so = std::get_if<SortStage>(&stage.operation)) {
      rows = sorted(std::move(rows), so->keys);
    } else if (const auto* li = std::get_if<LimitStage>(&stage.operation)) {
      if (rows.size() > li->count) rows.resize(li->count);
    } else if (const auto* t = std::get_if<TopStage>(&stage.operation)) {
      rows = sorted(std::move(rows), t->keys);
      if (rows.size() > t->count) rows.resize(t->count);
    } else if (const auto* d = std::get_if<DistinctStage>(&stage.operation)) {
      rows = distinct(rows, d->columns);
    } else if (const auto* p = std::get_if<ProjectStage>(&stage.operation)) {
      for (Row& row : rows) row = picked(row, p->columns);
    } else if (const auto* f = std::get_if<FillStage>(&stage.operation)) {
      rows = fill(plan, *f, rows);
    } else if (const auto* de = std::get_if<DetectStage>(&stage.operation)) {
      rows = detect(plan, *de, std::move(rows));
    }
  }
  return rows;
}

// ---- baseline ----

struct Window {
  bool observed = false;             // the measurements have an event in it
  std::map<Row, bool, Less> groups;  // of the last stats; whether a later where kept it
  std::map<Row, Row, Less> rows;     // of the kept groups, right before the baseline
};

class Baseline {
 public:
  Baseline(const Plan& plan, const Data& data, size_t at)
      : plan_(plan),
        data_(data),
        at_(at),
        stage_(std::get<BaselineStage>(plan.stages[at].operation)) {
    for (size_t i = 0; i < at; ++i) {
      if (std::holds_alternative<StatsStage>(plan.stages[i].operation)) last_stats_ = i;
    }
  }

  std::vector<Row> rows() {
    std::vector<Window> past;
    const Window current = window(plan_.range, plan_.now);
    for (int64_t k = 1;; ++k) {
      const TimeRange range{plan_.range.start - k * stage_.step, plan_.range.end - k * stage_.step};
      if (range.start < plan_.range.start - stage_.depth) break;
      past.push_back(window(range, range.end));
      ends_.push_back(range.end);
    }
    std::map<Row, Row, Less> out = current.rows;
    for (const Window& each : past) {
      for (const auto& [key, kept] : each.groups) {
        if (current.groups.count(key) > 0 || out.count(key) > 0) continue;
        if (auto row = made_up(key, plan_.now)) out[key] = *row;
      }
    }
    std::vector<Row> result;
    for (auto& [key, row] : out) {
      for (const BaselineColumn& column : stage_.columns)
        row.push_back(statistic(key, column, past));
      result.push_back(row);
    }
    return result;
  }

 private:
  Row key_of(const Row& stats_row) const {
    const auto& keys = std::get<StatsStage>(plan_.stages[last_stats_].operation).keys;
    return Row(stats_row.begin(), stats_row.begin() + static_cast<ptrdiff_t>(keys.size()));
  }

  Window window(TimeRange range, Timestamp now) const {
    Window out;
    const std::vector<Row> events = source_rows(plan_, data_, range);
    out.observed = !events.empty();
    if (!out.observed && range != plan_.range) return out;  // no data was collected
    for (const Row& group : run(plan_, 0, last_stats_ + 1, events, now)) {
      const std::vector<Row> left = run(plan_, last_stats_ + 1, at_, {group}, now);
      out.groups[key_of(group)] = !left.empty();
      if (!left.empty()) out.rows[key_of(group)] = left[0];
    }
    return out;
  }

  // The row of a group without events: counts and sums are zero, other columns null.
  std::optional<Row> made_up(const Row& key, Timestamp now) const {
    const auto& stage = std::get<StatsStage>(plan_.stages[last_stats_].operation);
    Row row = key;
    for (const Aggregate& each : stage.aggregates) {
      const bool zero = each.kind == AggregateKind::kCount || each.kind == AggregateKind::kSum ||
                        each.kind == AggregateKind::kCountDistinct;
      Value value;
      if (zero && each.type == T::kF64) value = Value::of(0.0);
      if (zero && each.type == T::kU64) value = Value::of(uint64_t{0});
      if (zero && (each.type == T::kI64 || each.type == T::kDuration))
        value = Value{each.type, int64_t{0}};
      row.push_back(value);
    }
    const std::vector<Row> left = run(plan_, last_stats_ + 1, at_, {row}, now);
    return left.empty() ? std::nullopt : std::optional(left[0]);
  }

  Value statistic(const Row& key, const BaselineColumn& column,
                  const std::vector<Window>& past) const {
    size_t oldest = 0;  // windows up to this one count
    for (size_t k = 0; k < past.size(); ++k) {
      if (past[k].groups.count(key) > 0) oldest = k + 1;
    }
    std::vector<double> values;
    for (size_t k = 0; k < oldest; ++k) {
      if (!past[k].observed) continue;
      std::optional<Row> row;
      if (past[k].groups.count(key) == 0) {
        row = made_up(key, ends_[k]);
      } else if (past[k].groups.at(key)) {
        row = past[k].rows.at(key);
      }
      if (!row || (*row)[column.column].is_null()) continue;
      const bool counted = column.statistic == BaselineStatistic::kWindows;  // values of any type
      values.push_back(counted ? 0 : plain((*row)[column.column]));
    }
    if (column.statistic == BaselineStatistic::kWindows) {
      return Value::of(static_cast<int64_t>(values.size()));
    }
    if (values.size() < stage_.min_windows) return Value::null();
    const T type = plan_.stages[at_]
                       .columns[input_of(plan_, at_).size() +
                                static_cast<size_t>(&column - stage_.columns.data())]
                       .type;
    switch (column.statistic) {
      case BaselineStatistic::kWindows: break;
      case BaselineStatistic::kMean:
        return as_result(
            std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()),
            type);
      case BaselineStatistic::kMedian: return as_result(quantile(values, 0.5), type);
      case BaselineStatistic::kMad: return as_result(median_distance(values), type);
      case BaselineStatistic::kMin:
        return as_result(*std::min_element(values.begin(), values.end()), type);
      case BaselineStatistic::kMax:
        return as_result(*std::max_element(values.begin(), values.end()), type);
      case BaselineStatistic::kQuantile: return as_result(quantile(values, column.quantile), type);
      case BaselineStatistic::kStddev:
        if (values.size() < 2) return Value::null();
        return as_result(std::sqrt(variance(values)), type);
    }
    return Value::null();
  }

  const Plan& plan_;
  const Data& data_;
  size_t at_;
  const BaselineStage& stage_;
  size_t last_stats_ = 0;
  std::vector<Timestamp> ends_;
};

}  // namespace

std::vector<Row> interpret(const Plan& plan, const Data& data) {
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    if (!std::holds_alternative<BaselineStage>(plan.stages[i].operation)) continue;
    return run(plan, i + 1, plan.stages.size(), Baseline(plan, data, i).rows(), plan.now);
  }
  Plan whole = plan;  // up to the last detect, with the time that it learns from
  size_t after_detect = 0;
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    const auto* detect = std::get_if<DetectStage>(&plan.stages[i].operation);
    if (!detect) continue;
    whole.range.start = std::min(whole.range.start, detect->learn_from);
    after_detect = i + 1;
  }
  std::vector<Row> rows =
      run(whole, 0, after_detect, source_rows(whole, data, whole.range), whole.now);
  return run(plan, after_detect, plan.stages.size(), std::move(rows), plan.now);
}

}  // namespace tocsin::oracle
