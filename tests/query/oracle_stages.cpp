// Stages, one table at a time.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "db/base/text.h"
#include "query/format.h"
#include "tests/query/oracle.h"

namespace tocsin::oracle {
namespace {

using T = ValueType;
__extension__ using Wide = __int128;

struct Less {
  bool operator()(const Row& a, const Row& b) const {
    for (size_t i = 0; i < a.size(); ++i) {
      if (const int c = compare(a[i], b[i]); c != 0) return c < 0;
    }
    return false;
  }
};

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

// ---- aggregates
// -------------------------------------------------------------------------------------

// A double as the aggregate's type: durations are whole nanoseconds.
Value as_result(double x, T type) {
  if (!std::isfinite(x)) return Value::null();
  return type == T::kDuration ? Value::duration(static_cast<int64_t>(std::round(x))) : Value::of(x);
}

double plain(const Value& v) {
  return v.type == T::kDuration || v.type == T::kTime
             ? static_cast<double>(std::get<int64_t>(v.data))
             : number_of(v);
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

double median_distance(const std::vector<double>& values) {
  const double median = quantile(values, 0.5);
  std::vector<double> distances;
  for (const double x : values) distances.push_back(std::fabs(x - median));
  return quantile(distances, 0.5);
}

long double variance(const std::vector<double>& values) {
  long double mean = 0, sum = 0;
  for (const double x : values) mean += x;
  mean /= static_cast<long double>(values.size());
  for (const double x : values) sum += (x - mean) * (x - mean);
  return sum / static_cast<long double>(values.size() - 1);
}

Value sum(const std::vector<Value>& values, T type) {
  if (type == T::kF64) {
    long double total = 0;
    for (const Value& v : values) total += std::get<double>(v.data);
    return as_result(static_cast<double>(total), type);
  }
  Wide total = 0;
  for (const Value& v : values) {
    const auto* natural = std::get_if<uint64_t>(&v.data);
    total += natural ? Wide{*natural} : Wide{std::get<int64_t>(v.data)};
  }
  const bool fits = type == T::kU64 ? total >= 0 && total <= Wide{UINT64_MAX}
                                    : total >= Wide{INT64_MIN} && total <= Wide{INT64_MAX};
  if (!fits) throw Failure("the sum does not fit");
  if (type == T::kU64) return Value::of(static_cast<uint64_t>(total));
  return Value{type, static_cast<int64_t>(total)};
}

Value slope(const std::vector<Value>& values, const std::vector<Timestamp>& times) {
  if (values.empty()) return Value::null();
  const auto n = static_cast<long double>(values.size());
  long double mean_t = 0, mean_x = 0, top = 0, bottom = 0;
  const auto seconds = [&](size_t i) {
    return static_cast<long double>(times[i] - times[0]) / 1e9L;
  };
  for (size_t i = 0; i < values.size(); ++i) {
    mean_t += seconds(i) / n;
    mean_x += static_cast<long double>(plain(values[i])) / n;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    top += (seconds(i) - mean_t) * (static_cast<long double>(plain(values[i])) - mean_x);
    bottom += (seconds(i) - mean_t) * (seconds(i) - mean_t);
  }
  return bottom > 0 ? as_result(static_cast<double>(top / bottom), T::kF64) : Value::null();
}

// Of the earliest (latest) time the smallest (largest) value.
Value first_or_last(const std::vector<Value>& values, const std::vector<Timestamp>& times,
                    bool first) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const bool better = times[i] != times[best] ? (times[i] < times[best]) == first
                        : first                 ? compare(values[i], values[best]) < 0
                                                : compare(values[i], values[best]) > 0;
    if (better) best = i;
  }
  return values[best];
}

Value sample(const std::vector<Value>& values, size_t count) {
  std::string out = "[";
  for (size_t i = 0; i < values.size() && i < count; ++i) {
    out += (i > 0 ? "," : "") + json_of(values[i]);
  }
  return Value::of(out + "]");
}

Value aggregate(const Aggregate& a, const std::vector<Row>& rows, Timestamp now) {
  std::vector<Value> values;
  std::vector<Timestamp> times;
  int64_t count = 0;
  for (const Row& row : rows) {
    if (a.where && !holds(*a.where, row, now)) continue;
    const Value value = a.argument ? evaluate(*a.argument, row, now) : Value::of(true);
    if (value.is_null()) continue;
    ++count;
    values.push_back(value);
    const bool timed = a.kind == AggregateKind::kFirst || a.kind == AggregateKind::kLast ||
                       a.kind == AggregateKind::kSlope || a.kind == AggregateKind::kSample;
    // Rows without a time are in no order of time.
    if (timed && row[a.time_column].is_null()) {
      values.pop_back();
      continue;
    }
    if (timed) times.push_back(std::get<int64_t>(row[a.time_column].data));
  }
  if (a.kind == AggregateKind::kCount) return Value::of(count);
  if (a.kind == AggregateKind::kSum) return sum(values, a.type);
  if (a.kind == AggregateKind::kCountDistinct) {
    std::set<Row, Less> different;
    for (const Value& v : values) different.insert({v});
    return Value::of(static_cast<int64_t>(different.size()));
  }
  if (values.empty()) return Value::null();
  const auto by = [](const Value& x, const Value& y) { return compare(x, y) < 0; };
  std::vector<double> numbers;
  const T type = values[0].type;
  if (is_number(type) || type == T::kDuration) {
    for (const Value& v : values) numbers.push_back(plain(v));
  }
  switch (a.kind) {
    case AggregateKind::kMin:
      return *std::min_element(values.begin(), values.end(), by);
    case AggregateKind::kMax:
      return *std::max_element(values.begin(), values.end(), by);
    case AggregateKind::kFirst:
      return first_or_last(values, times, true);
    case AggregateKind::kLast:
      return first_or_last(values, times, false);
    case AggregateKind::kMean: {
      long double total = 0;
      for (const double x : numbers) total += x;
      return as_result(static_cast<double>(total / static_cast<long double>(numbers.size())),
                       a.type);
    }
    case AggregateKind::kVariance:
    case AggregateKind::kStddev: {
      if (numbers.size() < 2) return Value::null();
      const long double v = variance(numbers);
      return as_result(static_cast<double>(a.kind == AggregateKind::kStddev ? std::sqrt(v) : v),
                       a.type);
    }
    case AggregateKind::kQuantile:
      return as_result(quantile(numbers, a.quantile), a.type);
    case AggregateKind::kMad:
      return as_result(median_distance(numbers), a.type);
    case AggregateKind::kSlope:
      return slope(values, times);
    case AggregateKind::kSample: {
      std::vector<size_t> order(values.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t x, size_t y) { return times[x] < times[y]; });
      std::vector<Value> earliest;
      for (const size_t i : order) earliest.push_back(values[i]);
      return sample(earliest, a.sample_count);
    }
    default:
      return Value::null();
  }
}

// ---- stages
// -----------------------------------------------------------------------------------------

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

std::vector<Row> detect(const DetectStage& stage, std::vector<Row> rows) {
  const std::vector<Row> input = rows;
  for (Row& row : rows) {
    const Value time_value = row[stage.time_column], value = row[stage.value_column];
    std::vector<double> history;
    for (const Row& other : input) {
      if (time_value.is_null() || other[stage.time_column].is_null()) continue;
      if (other[stage.value_column].is_null()) continue;
      if (Less()(picked(other, stage.group_columns), picked(row, stage.group_columns)) ||
          Less()(picked(row, stage.group_columns), picked(other, stage.group_columns))) {
        continue;
      }
      const int64_t time = std::get<int64_t>(time_value.data);
      const int64_t earlier = std::get<int64_t>(other[stage.time_column].data);
      if (earlier >= time) continue;
      const bool same_phase = stage.season > 0 && (time - earlier) % stage.season == 0;
      const bool recent = stage.season == 0 && time - earlier <= 60 * stage.bucket;
      if (same_phase || recent) history.push_back(plain(other[stage.value_column]));
    }
    Row verdict(5);
    if (history.size() >= 5) {
      const double expected = quantile(history, 0.5);
      const double spread = std::max(1.4826 * median_distance(history), 0.05 * std::fabs(expected));
      verdict[0] = Value::of(expected);
      verdict[1] = as_result(expected - 3 * spread, T::kF64);
      verdict[2] = as_result(expected + 3 * spread, T::kF64);
      if (!value.is_null()) {
        const double distance = plain(value) - expected;
        verdict[3] = as_result(distance / spread, T::kF64);
        verdict[4] = Value::of(spread > 0 && std::fabs(distance) > 3 * spread);
      }
    }
    row.insert(row.end(), verdict.begin(), verdict.end());
  }
  return rows;
}

const std::vector<PlanColumn>& input_of(const Plan& plan, size_t stage) {
  return stage == 0 ? plan.source_columns : plan.stages[stage - 1].columns;
}

// The stages [from, to) over rows; `now` is the end of the window that is looked at.
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
      rows = detect(*de, std::move(rows));
    }
  }
  return rows;
}

// ---- baseline
// ---------------------------------------------------------------------------------------

struct Window {
  bool observed = false;             // some event of the measurements lies in it
  std::map<Row, bool, Less> groups;  // that the last stats gave; whether a where left it
  std::map<Row, Row, Less> rows;     // what is left of each, right before the baseline
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
    for (const Row& group : run(plan_, 0, last_stats_ + 1, events, now)) {
      const std::vector<Row> left = run(plan_, last_stats_ + 1, at_, {group}, now);
      out.groups[key_of(group)] = !left.empty();
      if (!left.empty()) out.rows[key_of(group)] = left[0];
    }
    return out;
  }

  // The row of a group without events: counts and sums are zero, all else is null.
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
      if (row && !(*row)[column.column].is_null()) values.push_back(plain((*row)[column.column]));
    }
    if (values.size() < stage_.min_windows) return Value::null();
    const T type = plan_.stages[at_]
                       .columns[input_of(plan_, at_).size() +
                                static_cast<size_t>(&column - stage_.columns.data())]
                       .type;
    switch (column.statistic) {
      case BaselineStatistic::kWindows:
        return Value::of(static_cast<int64_t>(values.size()));
      case BaselineStatistic::kMean:
        return as_result(
            std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()),
            type);
      case BaselineStatistic::kMedian:
        return as_result(quantile(values, 0.5), type);
      case BaselineStatistic::kMad:
        return as_result(median_distance(values), type);
      case BaselineStatistic::kMin:
        return as_result(*std::min_element(values.begin(), values.end()), type);
      case BaselineStatistic::kMax:
        return as_result(*std::max_element(values.begin(), values.end()), type);
      case BaselineStatistic::kQuantile:
        return as_result(quantile(values, column.quantile), type);
      case BaselineStatistic::kStddev:
        if (values.size() < 2) return Value::null();
        return as_result(static_cast<double>(std::sqrt(variance(values))), type);
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
  return run(plan, 0, plan.stages.size(), source_rows(plan, data, plan.range), plan.now);
}

}  // namespace tocsin::oracle
