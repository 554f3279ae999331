// Aggregates of one group at a time, and the statistics that baselines use too.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "query/format/format.h"
#include "tests/query/oracle/oracle.h"

namespace tocsin::oracle {
using T = ValueType;

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

namespace {

__extension__ using Wide = __int128;
__extension__ using Long = __float128;  // precise enough for sums with cancellation

// Beyond this, the rounding error of a mean in doubles affects the first ten digits of a sum of
// squared differences: the condition number of the sample (Chan, Golub & LeVeque) times the unit
// roundoff exceeds 1e-11.
constexpr Long kMeansPerDeviationMax = 1e5;

// The same for a sum of products with both signs.
constexpr Long kSizesPerSumMax = 1e5;

void check_condition(Long mean, Long variance) {
  const Long most = kMeansPerDeviationMax * kMeansPerDeviationMax;
  if (variance > 0 && mean * mean > variance * most) {
    throw Incomparable("the values differ too little for their size");
  }
}

}  // namespace

double variance(const std::vector<double>& values) {
  Long mean = 0, sum = 0;
  for (const double x : values) mean += x;
  mean /= static_cast<Long>(values.size());
  for (const double x : values) sum += (x - mean) * (x - mean);
  const Long variance = sum / static_cast<Long>(values.size() - 1);
  check_condition(mean, variance);
  return static_cast<double>(variance);
}

namespace {

// Exact also for integers beyond 2^53, because a mean sums them exactly.
Long exact_long(const Value& v) {
  if (const auto* natural = std::get_if<uint64_t>(&v.data)) return static_cast<Long>(*natural);
  if (const auto* whole = std::get_if<int64_t>(&v.data)) return static_cast<Long>(*whole);
  return static_cast<Long>(std::get<double>(v.data));
}

Value sum(const std::vector<Value>& values, T type) {
  if (type == T::kF64) {
    Long total = 0;
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
  const auto n = static_cast<Long>(values.size());
  Long mean_t = 0, mean_x = 0, top = 0, bottom = 0, square = 0, sizes = 0;
  const auto seconds = [&](size_t i) { return static_cast<Long>(times[i] - times[0]) / 1e9L; };
  for (size_t i = 0; i < values.size(); ++i) {
    mean_t += seconds(i) / n;
    mean_x += static_cast<Long>(plain(values[i])) / n;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const Long from_mean = static_cast<Long>(plain(values[i])) - mean_x;
    const Long product = (seconds(i) - mean_t) * from_mean;
    top += product;
    sizes += product < 0 ? -product : product;
    bottom += (seconds(i) - mean_t) * (seconds(i) - mean_t);
    square += from_mean * from_mean;
  }
  check_condition(mean_x, square / n);
  if (sizes > kSizesPerSumMax * (top < 0 ? -top : top)) {
    throw Incomparable("the products cancel each other out");
  }
  // Null if the dividend exceeds f64, as for a variance.
  if (!(bottom > 0) || !std::isfinite(static_cast<double>(top))) return Value::null();
  return as_result(static_cast<double>(top / bottom), T::kF64);
}

// The smallest value of the earliest time, or the largest of the latest.
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
}  // namespace

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
    if (!a.time_column) continue;
    const Value& time = row[*a.time_column];
    // Rows without a time are ignored.
    if (time.is_null()) {
      values.pop_back();
      continue;
    }
    times.push_back(std::get<int64_t>(time.data));
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
    case AggregateKind::kMin: return *std::min_element(values.begin(), values.end(), by);
    case AggregateKind::kMax: return *std::max_element(values.begin(), values.end(), by);
    case AggregateKind::kFirst: return first_or_last(values, times, true);
    case AggregateKind::kLast: return first_or_last(values, times, false);
    case AggregateKind::kMean: {
      Long total = 0;
      for (const Value& v : values) total += exact_long(v);
      return as_result(static_cast<double>(total / static_cast<Long>(values.size())), a.type);
    }
    case AggregateKind::kVariance:
    case AggregateKind::kStddev: {
      if (numbers.size() < 2) return Value::null();
      const double v = variance(numbers);
      return as_result(a.kind == AggregateKind::kStddev ? std::sqrt(v) : v, a.type);
    }
    case AggregateKind::kQuantile: return as_result(quantile(numbers, a.quantile), a.type);
    case AggregateKind::kMad: return as_result(median_distance(numbers), a.type);
    case AggregateKind::kSlope: return slope(values, times);
    case AggregateKind::kSample: {
      std::vector<size_t> order(values.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) {
        return a.time_column ? times[x] < times[y] : json_of(values[x]) < json_of(values[y]);
      });
      std::vector<Value> earliest;
      for (const size_t i : order) earliest.push_back(values[i]);
      return sample(earliest, a.sample_count);
    }
    default: return Value::null();
  }
}

}  // namespace tocsin::oracle
