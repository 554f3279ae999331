#include "query/aggregate/aggregate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "query/format/format.h"
#include "query/operator/executor.h"
#include "query/query.h"
#include "tests/support/memory_database.h"
#include "tests/support/plan_builder.h"
#include "tests/support/seed.h"

using namespace tocsin;

namespace {

using B = PlanBuilder;
using Rows = std::vector<std::pair<Timestamp, Value>>;

constexpr size_t kRowCount = 20'000;

struct Data {
  std::vector<Timestamp> times;
  std::vector<Value> service, user, i, u, f, s, b;
};

Data made_data(unsigned seed) {
  std::mt19937_64 random(seed);
  Data data;
  const auto maybe = [&](Value value) { return random() % 7 == 0 ? Value::null() : value; };
  for (size_t row = 0; row < kRowCount; ++row) {
    data.times.push_back(static_cast<Timestamp>(random() % 100'000) * kSecond);
    data.service.push_back(maybe(Value::of("service " + std::to_string(random() % 20))));
    data.user.push_back(maybe(Value::of(static_cast<int64_t>(random() % 300))));
    data.i.push_back(maybe(Value::of(static_cast<int64_t>(random() % 2'000'000) - 1'000'000)));
    data.u.push_back(maybe(Value::of(random() % 1'000)));
    data.f.push_back(maybe(Value::of(static_cast<double>(random() % 100'000) / 64)));
    data.s.push_back(maybe(Value::of("text " + std::to_string(random() % 500))));
    data.b.push_back(maybe(Value::of(random() % 2 == 0)));
  }
  return data;
}

MemoryDatabase stored(const Data& data, bool dictionary, size_t segment_count) {
  MemoryDatabase database;
  for (size_t segment = 0; segment < segment_count; ++segment) {
    const size_t start = kRowCount * segment / segment_count;
    const size_t end = kRowCount * (segment + 1) / segment_count;
    const auto part = [&](const auto& values) {
      return std::vector(values.begin() + static_cast<ptrdiff_t>(start),
                         values.begin() + static_cast<ptrdiff_t>(end));
    };
    database.add_segment("t", part(data.times),
                         {{"service", part(data.service)},
                          {"user", part(data.user)},
                          {"i", part(data.i)},
                          {"u", part(data.u)},
                          {"f", part(data.f)},
                          {"s", part(data.s)},
                          {"b", part(data.b)}},
                         {.dictionary = dictionary});
  }
  return database;
}

double as_number(const Value& value) {
  if (const auto* i = std::get_if<int64_t>(&value.data)) return static_cast<double>(*i);
  if (const auto* u = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*u);
  return std::get<double>(value.data);
}

// percentile_cont over a fully sorted copy.
double sorted_quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

// An aggregate of the rows that have a value, computed plainly. NaN: null.
double naive(const Aggregate& aggregate, const Rows& rows) {
  std::vector<double> x;
  for (const auto& row : rows) x.push_back(as_number(row.second));
  const auto n = static_cast<double>(x.size());
  if (x.empty()) return std::nan("");
  double sum = 0;
  for (const double v : x) sum += v;
  double squares = 0;
  for (const double v : x) squares += (v - sum / n) * (v - sum / n);
  switch (aggregate.kind) {
    case AggregateKind::kMean: return sum / n;
    case AggregateKind::kVariance: return n < 2 ? std::nan("") : squares / (n - 1);
    case AggregateKind::kStddev: return n < 2 ? std::nan("") : std::sqrt(squares / (n - 1));
    case AggregateKind::kQuantile: return sorted_quantile(x, aggregate.quantile);
    case AggregateKind::kMad: {
      const double median = sorted_quantile(x, 0.5);
      std::vector<double> distances;
      for (const double v : x) distances.push_back(std::fabs(v - median));
      return sorted_quantile(distances, 0.5);
    }
    case AggregateKind::kSlope: {
      double mean_t = 0;
      for (const auto& row : rows) mean_t += static_cast<double>(row.first) / 1e9 / n;
      double tt = 0;
      double tx = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double t = static_cast<double>(rows[i].first) / 1e9 - mean_t;
        tt += t * t;
        tx += t * (x[i] - sum / n);
      }
      return tt > 0 ? tx / tt : std::nan("");
    }
    default: FAIL("no plain form"); return 0;
  }
}

QueryOptions threads(unsigned count) {
  QueryOptions options;
  options.threads = count;
  return options;
}

}  // namespace

TEST_CASE("aggregates: agree with a plain computation for every encoding and thread count",
          "[query]") {
  const Data data = made_data(3);
  std::map<std::string, std::map<std::string, Rows>> groups;  // service, column -> values
  std::map<std::string, int64_t> counts;
  const std::map<std::string, const std::vector<Value>*> columns = {
      {"i", &data.i}, {"u", &data.u}, {"f", &data.f}, {"s", &data.s}, {"b", &data.b}};
  for (size_t row = 0; row < kRowCount; ++row) {
    const Value& service = data.service[row];
    const std::string key = service.is_null() ? "~null" : std::get<std::string>(service.data);
    ++counts[key];
    for (const auto& [name, values] : columns) {
      if (!(*values)[row].is_null())
        groups[key][name].emplace_back(data.times[row], (*values)[row]);
    }
  }

  for (const bool dictionary : {true, false}) {
    const auto database = stored(data, dictionary, 9);
    B b(database, {"t"});
    std::vector<Aggregate> aggregates = {B::count("n")};
    const auto add = [&](AggregateKind kind, const char* column, ValueType type, double q = 0) {
      auto a = B::aggregate(kind, std::string(column) + std::to_string(aggregates.size()), type,
                            b.column(column));
      a.quantile = q;
      if (reads_time(kind)) a.time_column = b.index("time");
      aggregates.push_back(a);
    };
    for (const char* column : {"i", "u", "f"}) {
      using K = AggregateKind;
      for (const K kind : {K::kMean, K::kVariance, K::kStddev, K::kMad, K::kSlope}) {
        add(kind, column, ValueType::kF64);
      }
      for (const double q : {0.0, 0.01, 0.5, 0.95, 0.999, 1.0}) {
        add(K::kQuantile, column, ValueType::kF64, q);
      }
    }
    const size_t plain_end = aggregates.size();
    for (const auto& [name, values] : columns) {
      const ValueType type = b.column(name).type;
      for (const auto kind : {AggregateKind::kMin, AggregateKind::kMax, AggregateKind::kFirst,
                              AggregateKind::kLast}) {
        add(kind, name.c_str(), type);
      }
      add(AggregateKind::kCount, name.c_str(), ValueType::kI64);
      add(AggregateKind::kCountDistinct, name.c_str(), ValueType::kI64);
    }
    b.stats(aggregates, {"service"});

    const auto table = execute_plan(database, b.plan, threads(1), nullptr);
    REQUIRE(table);
    REQUIRE(table->row_count == counts.size());
    for (size_t row = 0; row < table->row_count; ++row) {
      const bool null_key = table->columns[0].valid[row] == 0;
      const std::string key = null_key ? "~null" : table->columns[0].text[row];
      INFO(key);
      CHECK(null_key == (row + 1 == table->row_count));
      CHECK(table->columns[1].i64[row] == counts[key]);
      for (size_t i = 1; i < aggregates.size(); ++i) {
        const Rows& rows = groups[key][aggregates[i].name.substr(0, 1)];
        const Value found = table->columns[i + 1].at(row);
        INFO(aggregates[i].name);
        if (i < plain_end) {
          CHECK(std::get<double>(found.data) == Approx(naive(aggregates[i], rows)).epsilon(1e-9));
          continue;
        }
        const auto less = [](const Value& x, const Value& y) { return x.data < y.data; };
        std::vector<Value> values;
        for (const auto& [time, value] : rows) values.push_back(value);
        std::ranges::sort(values, less);
        const auto edge = [&](Timestamp time, bool largest) {
          std::vector<Value> at;
          for (const auto& [t, value] : rows) {
            if (t == time) at.push_back(value);
          }
          return largest ? *std::ranges::max_element(at, less)
                         : *std::ranges::min_element(at, less);
        };
        const auto by_time = [](const auto& x, const auto& y) { return x.first < y.first; };
        switch (aggregates[i].kind) {
          case AggregateKind::kMin: CHECK(found == values.front()); break;
          case AggregateKind::kMax: CHECK(found == values.back()); break;
          case AggregateKind::kFirst:
            CHECK(found == edge(std::ranges::min_element(rows, by_time)->first, false));
            break;
          case AggregateKind::kLast:
            CHECK(found == edge(std::ranges::max_element(rows, by_time)->first, true));
            break;
          case AggregateKind::kCount:
            CHECK(found == Value::of(static_cast<int64_t>(values.size())));
            break;
          default: {
            const auto end = std::unique(values.begin(), values.end());
            CHECK(found == Value::of(static_cast<int64_t>(end - values.begin())));
          }
        }
      }
    }
    // Other thread counts return the same: bit for bit if the state is exact, otherwise nearly.
    const auto parallel = execute_plan(database, b.plan, threads(4), nullptr);
    REQUIRE(parallel);
    REQUIRE(parallel->row_count == table->row_count);
    for (size_t c = 0; c < table->columns.size(); ++c) {
      for (size_t row = 0; row < table->row_count; ++row) {
        const Value x = table->columns[c].at(row);
        const Value y = parallel->columns[c].at(row);
        const auto* number = std::get_if<double>(&x.data);
        if (number) {
          CHECK(std::get<double>(y.data) == Approx(*number).epsilon(1e-12));
        } else {
          CHECK(x == y);
        }
      }
    }
  }
}

TEST_CASE("aggregates: many groups by several keys", "[query]") {
  const Data data = made_data(4);
  std::map<std::tuple<std::string, int64_t, bool>, std::pair<int64_t, int64_t>> expected;
  for (size_t row = 0; row < kRowCount; ++row) {
    const auto* service = std::get_if<std::string>(&data.service[row].data);
    const auto* user = std::get_if<int64_t>(&data.user[row].data);
    const auto* i = std::get_if<int64_t>(&data.i[row].data);
    auto& [count, sum] =
        expected[{service ? *service : "~", user ? *user : INT64_MAX, i && *i > 0}];
    ++count;
    sum += i ? *i : 0;
  }
  for (const bool dictionary : {true, false}) {
    for (const unsigned thread_count : {1u, 3u}) {
      const auto database = stored(data, dictionary, 5);
      B b(database, {"t"});
      b.let("positive",
            B::test(Function::kGreater, {b.column("i"), B::literal(Value::of(int64_t{0}))}));
      b.stats(
          {B::count("n"), B::aggregate(AggregateKind::kSum, "s", ValueType::kI64, b.column("i"))},
          {"service", "user", "positive"});
      const auto table = execute_plan(database, b.plan, threads(thread_count), nullptr);
      REQUIRE(table);
      REQUIRE(table->row_count == expected.size());
      size_t row = 0;
      for (const auto& [key, value] : expected) {  // the map's order is the result's
        const Value service = table->columns[0].at(row);
        const Value user = table->columns[1].at(row);
        CHECK((service.is_null() ? "~" : std::get<std::string>(service.data)) == std::get<0>(key));
        CHECK((user.is_null() ? INT64_MAX : std::get<int64_t>(user.data)) == std::get<1>(key));
        CHECK((table->columns[2].boolean[row] != 0) == std::get<2>(key));
        CHECK(table->columns[3].i64[row] == value.first);
        CHECK(table->columns[4].i64[row] == value.second);
        ++row;
      }
    }
  }
}

TEST_CASE("aggregates: an integer sum that does not fit is an error, not a wrong number",
          "[query]") {
  MemoryDatabase database;
  database.add_segment(
      "t", {1, 2, 3},
      {{"i", {Value::of(INT64_MAX), Value::of(int64_t{1}), Value::of(int64_t{-5})}},
       {"u", {Value::of(UINT64_MAX), Value::of(uint64_t{1}), Value::null()}}});
  const auto sum = [&](const char* column, ValueType type, TimeRange range) {
    B b(database, {"t"}, range);
    b.stats({B::aggregate(AggregateKind::kSum, "s", type, b.column(column))}, {});
    return execute_plan(database, b.plan, {}, nullptr);
  };
  CHECK(sum("i", ValueType::kI64, {0, 10})->columns[0].i64[0] == INT64_MAX - 4);
  const auto error = sum("i", ValueType::kI64, {0, 3});
  REQUIRE_FALSE(error);
  CHECK(error.error().code == ErrorCode::kLimit);
  CHECK(error.error().message.starts_with("`s` does not fit into 64 bits"));
  CHECK_FALSE(sum("u", ValueType::kU64, {0, 10}));
}

TEST_CASE("aggregates: values that are not finite count as null", "[query]") {
  MemoryDatabase database;
  database.add_segment(
      "t", {1, 2, 3, 4},
      {{"f", {Value::of(std::nan("")), Value::of(2.0), Value::of(INFINITY), Value::of(4.0)}}});
  B b(database, {"t"});
  auto median = B::aggregate(AggregateKind::kQuantile, "median", ValueType::kF64, b.column("f"));
  median.quantile = 0.5;
  b.stats({B::aggregate(AggregateKind::kCount, "n", ValueType::kI64, b.column("f")), median,
           B::aggregate(AggregateKind::kMax, "max", ValueType::kF64, b.column("f"))},
          {});
  CHECK(format_result(*execute_plan(database, b.plan, {}, nullptr), ResultFormat::kCsv) ==
        "n,median,max\r\n2,3,4\r\n");
}

TEST_CASE("quantile: keeps few of the values if memory cannot hold all", "[query]") {
  const unsigned seed = test::seed_of_run();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  MemoryDatabase database;
  constexpr int kSegments = 8;
  for (int segment = 0; segment < kSegments; ++segment) {
    std::vector<Timestamp> times;
    // The first rows are representative of all rows in the first two columns only.
    std::vector<Value> even, skewed, rising, falling, jump, equal, narrow, half, few;
    for (int row = 0; row < 125'000; ++row) {
      times.push_back(segment * kHour + row);
      const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
      even.push_back(random() % 9 == 0 ? Value::null() : Value::of(unit * 8000 - 3000));
      skewed.push_back(Value::of(-std::log(1 - unit)));
      rising.push_back(Value::of(unit + segment));
      falling.push_back(Value::of(-(segment + unit) * 1000));
      jump.push_back(Value::of(segment < kSegments / 2 ? 100 * unit : -unit));
      equal.push_back(Value::of(row % 9 == 0 ? unit : 0.25));
      narrow.push_back(Value::of(1.8e9 + unit));
      half.push_back(Value::of(static_cast<int64_t>(random() % 2)));
      few.push_back(random() % 1000 == 0 ? Value::of(unit) : Value::null());
    }
    database.add_segment("t", times,
                         {{"even", even},
                          {"skewed", skewed},
                          {"rising", rising},
                          {"falling", falling},
                          {"jump", jump},
                          {"equal", equal},
                          {"narrow", narrow},
                          {"half", half},
                          {"few", few}});
  }
  const auto answer = [&](const std::string& query, size_t memory_bytes, unsigned threads) {
    QueryOptions options;
    options.threads = threads;
    options.memory_bytes_max = memory_bytes;
    options.disk_bytes_max = 0;
    const auto result = QueryEngine(database).run(query, options);
    return result ? format_result(*result, ResultFormat::kCsv, {}) : result.error().message;
  };
  constexpr size_t kLittle = 7 * kMiB;  // the values of one column need more
  for (const char* x : {"even", "skewed", "rising", "falling", "jump", "equal", "narrow"}) {
    for (const unsigned threads : {2u, 3u}) {
      const std::string query = fmt::format(
          "from t | stats p1({0}), median({0}), n = count({0}), mean(half), p99(few){1}", x,
          threads == 2 ? " by half" : "");
      CAPTURE(query, threads);
      CHECK(answer(query, kLittle, threads) == answer(query, 64 * kMiB, threads));
    }
  }
  // Many quantiles, values that pass a filter, and groups that appear later. MAD needs every value,
  // so the same memory is not enough for it.
  struct Case {
    const char* aggregates;
    const char* groups;
    size_t memory_bytes;
    unsigned threads;
  };
  for (const Case& c :
       {Case{"low = quantile(even, 0), p10(even), p20(even), p30(even), p40(even), p60(even), "
             "p70(even), p80(even), p90(even), high = quantile(even, 1), p50(skewed), "
             "big = p95(even) where even > 1000, none = p95(even) where even > 9000",
             "half", 15 * kMiB, 1},
        Case{"p95(skewed), p50(even)", "time(2h)", 12 * kMiB, 2}}) {
    const std::string query = fmt::format("from t | stats {} by {}", c.aggregates, c.groups);
    CAPTURE(query);
    CHECK(answer(query, c.memory_bytes, c.threads) == answer(query, 64 * kMiB, c.threads));
    const std::string of_all = fmt::format(
        "from t | stats mad(even), mad(skewed), mad(even) where even > 1000 by {}", c.groups);
    CHECK_THAT(answer(of_all, c.memory_bytes, c.threads), Catch::Contains("groups need more than"));
  }
  CHECK_THAT(answer("from t | stats mad(skewed), p50(skewed)", kLittle, 2),
             Catch::Contains("more than 7 MiB"));
}
