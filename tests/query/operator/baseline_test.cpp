#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "query/format/format.h"
#include "query/operator/executor.h"
#include "query/operator/window_memory.h"
#include "query/query.h"
#include "tests/support/memory_database.h"
#include "tests/support/plan_builder.h"

using namespace tocsin;

namespace {

using B = PlanBuilder;

struct Event {
  Timestamp time;
  std::string service;
  std::string status;
  int64_t ms;
};

// Three services: `pay` always has events, `mail` has gaps, and `web` has events only in the past.
// For some hours nothing was collected at all.
std::vector<Event> random_events(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Event> events;
  for (int64_t hour = 0; hour < 48; ++hour) {
    if (hour >= 20 && hour < 23) continue;
    const auto add = [&](const char* service, unsigned count_max) {
      const unsigned count = random() % (count_max + 1);
      for (unsigned i = 0; i < count; ++i) {
        const auto at = static_cast<Timestamp>(random() % static_cast<uint64_t>(kHour));
        events.push_back({hour * kHour + at, service, random() % 4 == 0 ? "FAILED" : "OK",
                          static_cast<int64_t>(random() % 1000)});
      }
    };
    add("pay", 40);
    if (hour > 5 && random() % 3 != 0) add("mail", 6);
    if (hour > 10 && hour < 40) add("web", 3);
  }
  return events;
}

MemoryDatabase stored(const std::vector<Event>& events, unsigned seed, size_t segment_count) {
  std::mt19937 random(seed);
  std::vector<std::vector<Event>> segments(segment_count);
  for (const Event& event : events) {  // mostly by time, a few anywhere
    const auto hour = static_cast<size_t>(event.time / kHour);
    const size_t place = random() % 10 == 0 ? random() : hour * segment_count / 48;
    segments[place % segment_count].push_back(event);
  }
  MemoryDatabase database;
  for (const auto& segment : segments) {
    std::vector<Timestamp> times;
    MemoryColumns columns = {{"service", {}}, {"status", {}}, {"ms", {}}};
    for (const Event& event : segment) {
      times.push_back(event.time);
      columns[0].second.push_back(Value::of(event.service));
      columns[1].second.push_back(Value::of(event.status));
      columns[2].second.push_back(Value::of(event.ms));
    }
    if (!times.empty()) {
      database.add_segment("audit", times, columns, {.dictionary = random() % 2 == 0});
    }
  }
  return database;
}

// One window's row of one group, computed plainly.
struct Row {
  double total = 0;
  double failures = 0;
  double ms_max = std::nan("");
  double rate() const { return total == 0 ? std::nan("") : failures / total; }
};

std::map<std::string, Row> rows_of(const std::vector<Event>& events, TimeRange window) {
  std::map<std::string, Row> rows;
  for (const Event& event : events) {
    if (!window.contains(event.time)) continue;
    Row& row = rows[event.service];
    ++row.total;
    row.failures += event.status == "FAILED";
    row.ms_max = std::isnan(row.ms_max) ? static_cast<double>(event.ms)
                                        : std::max(row.ms_max, static_cast<double>(event.ms));
  }
  return rows;
}

struct Rule {
  TimeRange range;
  Duration depth = kDay;
  Duration step = kHour;
  double total_min = 0;  ///< of a `where total >= …` after the stats
  std::map<std::string, std::vector<TimeRange>> excluded = {};
};

// The values of all past windows that enter the statistics of a group, computed window by window.
std::vector<Row> entering(const std::vector<Event>& events, const Rule& rule,
                          const std::string& service) {
  std::vector<TimeRange> windows;  // oldest first
  for (int64_t k = rule.depth / rule.step; k >= 1; --k) {
    windows.push_back({rule.range.start - k * rule.step, rule.range.end - k * rule.step});
  }
  std::vector<Row> result;
  bool seen = false;
  for (const TimeRange window : windows) {
    const auto rows = rows_of(events, window);
    if (rows.empty()) continue;
    seen = seen || rows.contains(service);
    if (!seen) continue;
    const auto excluded = rule.excluded.find(service);
    if (excluded != rule.excluded.end() &&
        std::ranges::any_of(excluded->second, [&](const TimeRange& interval) {
          return interval.start < window.end && window.start < interval.end;
        })) {
      continue;
    }
    const Row row = rows.contains(service) ? rows.at(service) : Row{};
    if (row.total >= rule.total_min) result.push_back(row);
  }
  return result;
}

double mean(const std::vector<Row>& rows, const std::function<double(const Row&)>& value) {
  double sum = 0;
  double count = 0;
  for (const Row& row : rows) {
    if (std::isnan(value(row))) continue;
    sum += value(row);
    ++count;
  }
  return count == 0 ? std::nan("") : sum / count;
}

double present(const std::vector<Row>& rows, const std::function<double(const Row&)>& value) {
  return static_cast<double>(
      std::ranges::count_if(rows, [&](const Row& row) { return !std::isnan(value(row)); }));
}

BaselineColumn statistic(const std::string& name, BaselineStatistic kind, double q = 0) {
  return {name, 0, kind, q};
}

Plan plan_of(const Database& database, const Rule& rule, uint64_t min_windows = 1) {
  B b(database, {"audit"}, rule.range);
  auto failures = B::count("failures");
  failures.where = B::test(Function::kEqual, {b.column("status"), B::literal(Value::of("FAILED"))});
  b.stats({B::count("total"), failures,
           B::aggregate(AggregateKind::kMax, "ms_max", ValueType::kI64, b.column("ms"))},
          {"service"});
  b.let("rate", B::call(Function::kDivide, ValueType::kF64,
                        {B::call(Function::kToF64, ValueType::kF64, {b.column("failures")}),
                         B::call(Function::kToF64, ValueType::kF64, {b.column("total")})}));
  if (rule.total_min > 0) {
    b.where(B::test(Function::kGreaterEqual,
                    {b.column("total"), B::literal(Value::of(rule.total_min))}));
  }
  BaselineStage stage;
  stage.depth = rule.depth;
  stage.step = rule.step;
  stage.min_windows = min_windows;
  stage.excluding_alerts = !rule.excluded.empty();
  using S = BaselineStatistic;
  b.baseline(stage, {{"total", statistic("total_mean", S::kMean)},
                     {"total", statistic("total_max", S::kMax)},
                     {"total", statistic("windows", S::kWindows)},
                     {"rate", statistic("rate_mean", S::kMean)},
                     {"rate", statistic("rate_windows", S::kWindows)},
                     {"ms_max", statistic("ms_mean", S::kMean)}});
  return b.plan;
}

QueryOptions options_of(const Rule& rule) {
  QueryOptions options;
  for (const auto& [service, intervals] : rule.excluded) {
    options.exclusions.push_back({{{"service", Value::of(service)}}, intervals});
  }
  return options;
}

double number(const ResultTable& table, const char* name, size_t row) {
  const ResultColumn& column = table.columns[table.find(name)];
  if (!column.valid[row]) return std::nan("");
  return column.type == ValueType::kF64 ? column.f64[row] : static_cast<double>(column.i64[row]);
}

bool same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == Approx(b).epsilon(1e-12);
}

// Compares with the naive evaluation; returns the number of rows.
size_t check_against_naive(const std::vector<Event>& events, const Rule& rule,
                           const ResultTable& table) {
  const auto current = rows_of(events, rule.range);
  std::set<std::string> expected;
  for (const auto& [service, row] : current) {
    if (row.total >= rule.total_min) expected.insert(service);
  }
  for (const char* service : {"mail", "pay", "web"}) {
    bool was_there = false;
    for (int64_t k = 1; k <= rule.depth / rule.step; ++k) {
      was_there = was_there || rows_of(events, {rule.range.start - k * rule.step,
                                                rule.range.end - k * rule.step})
                                   .contains(service);
    }
    if (!current.contains(service) && was_there && rule.total_min <= 0) expected.insert(service);
  }
  std::set<std::string> found;
  for (size_t row = 0; row < table.row_count; ++row) {
    const std::string service = table.columns[0].text[row];
    INFO("service " << service);
    found.insert(service);
    const Row now = current.contains(service) ? current.at(service) : Row{};
    CHECK(same(number(table, "total", row), now.total));
    CHECK(same(number(table, "rate", row), now.rate()));
    CHECK(same(number(table, "ms_max", row), now.ms_max));
    const auto rows = entering(events, rule, service);
    const auto total = [](const Row& r) { return r.total; };
    const auto rate = [](const Row& r) { return r.rate(); };
    CHECK(same(number(table, "total_mean", row), mean(rows, total)));
    CHECK(same(number(table, "windows", row), present(rows, total)));
    CHECK(same(number(table, "rate_mean", row), mean(rows, rate)));
    CHECK(same(number(table, "rate_windows", row), present(rows, rate)));
    CHECK(same(number(table, "ms_mean", row), mean(rows, [](const Row& r) { return r.ms_max; })));
    double largest = std::nan("");
    for (const Row& r : rows) largest = std::isnan(largest) ? r.total : std::max(largest, r.total);
    CHECK(same(number(table, "total_max", row), largest));
  }
  CHECK(found == expected);
  return table.row_count;
}

}  // namespace

TEST_CASE("baseline: equals a plain evaluation window by window", "[query]") {
  for (const unsigned seed : {1u, 2u, 3u}) {
    INFO("seed " << seed);
    const auto events = random_events(seed);
    const auto database = stored(events, seed, 7);
    const auto check = [&](const Rule& rule) {
      for (const unsigned threads : {1u, 3u}) {
        QueryOptions options = options_of(rule);
        options.threads = threads;
        const auto table = execute_plan(database, plan_of(database, rule), options, nullptr);
        REQUIRE(table);
        check_against_naive(events, rule, *table);
      }
    };
    check({{46 * kHour, 47 * kHour}});
    check({{47 * kHour, 47 * kHour + kHour / 4}, 12 * kHour, kHour});      // gaps between windows
    check({{47 * kHour, 47 * kHour + kHour / 4}, 40 * kHour, kHour / 4});  // many small windows
    check({{46 * kHour, 47 * kHour}, 46 * kHour, kDay});                   // one window back
    check({{46 * kHour, 47 * kHour}, kDay, kHour, 3});                     // a later where
    check({{46 * kHour, 47 * kHour},
           kDay,
           kHour,
           0,
           {{"pay", {{30 * kHour, 35 * kHour + 1}}}, {"web", {{0, 100 * kHour}}}}});
    check({{60 * kHour, 61 * kHour}});  // nothing is collected any more
  }
}

TEST_CASE("baseline: remembered windows do not change the result, and only new ones are read",
          "[query]") {
  const auto events = random_events(5);
  auto database = stored(events, 5, 48);
  WindowMemory memory;
  for (int64_t hour = 40; hour < 48; ++hour) {
    const Rule rule{{hour * kHour, (hour + 1) * kHour}};
    const Plan plan = plan_of(database, rule);
    const auto remembered = execute_plan(database, plan, {}, &memory);
    const auto fresh = execute_plan(database, plan, {}, nullptr);
    REQUIRE(remembered);
    REQUIRE(fresh);
    CHECK(format_result(*remembered, ResultFormat::kCsv) ==
          format_result(*fresh, ResultFormat::kCsv));
    CHECK(remembered->rows_matched == fresh->rows_matched);
    CHECK(remembered->statistics.windows_remembered == (hour == 40 ? 0u : 24u));
    check_against_naive(events, rule, *remembered);
  }
  const Rule rule{{47 * kHour, 48 * kHour}};
  const Plan plan = plan_of(database, rule);
  QueryOptions forgetful;
  forgetful.remember = false;
  CHECK(execute_plan(database, plan, forgetful, &memory)->statistics.windows_remembered == 0);

  // After a late event, only its window is read again.
  auto late = events;
  late.push_back({40 * kHour + 5, "pay", "FAILED", 7});
  database.add_segment("audit", {40 * kHour + 5},
                       {{"service", {Value::of("pay")}},
                        {"status", {Value::of("FAILED")}},
                        {"ms", {Value::of(int64_t{7})}}});
  const auto table = execute_plan(database, plan, {}, &memory);
  REQUIRE(table);
  CHECK(table->statistics.windows_remembered == 23);
  check_against_naive(late, rule, *table);
}

TEST_CASE("baseline: is null with fewer than the minimum number of windows", "[query]") {
  const auto events = random_events(9);
  const auto database = stored(events, 9, 3);
  const Rule rule{{47 * kHour, 48 * kHour}};
  const auto table = execute_plan(database, plan_of(database, rule, 100), {}, nullptr);
  REQUIRE(table);
  REQUIRE(table->row_count > 0);
  for (size_t row = 0; row < table->row_count; ++row) {
    CHECK(std::isnan(number(*table, "total_mean", row)));
    CHECK(number(*table, "windows", row) > 0);
  }
}

TEST_CASE("baseline: without keys there is always one row", "[query]") {
  const auto events = random_events(11);
  const auto database = stored(events, 11, 3);
  B b(database, {"audit"}, {100 * kHour, 101 * kHour});
  b.stats({B::count("total")}, {});
  BaselineStage stage;
  stage.depth = kDay;
  b.baseline(stage, {{"total", statistic("mean", BaselineStatistic::kMean)},
                     {"total", statistic("windows", BaselineStatistic::kWindows)}});
  const auto table = execute_plan(database, b.plan, {}, nullptr);
  REQUIRE(table);
  CHECK(format_result(*table, ResultFormat::kCsv) == "total,mean,windows\r\n0,,0\r\n");
}

TEST_CASE("baseline: without keys a window in which no row matched counts as zero", "[query]") {
  MemoryDatabase database;
  std::vector<Timestamp> times;
  std::vector<Value> codes;
  for (int64_t hour = 0; hour < 10; ++hour) {
    if (hour == 3) continue;  // nothing was collected
    times.push_back(hour * kHour);
    codes.push_back(Value::of(int64_t{hour == 9 ? 500 : 200}));
  }
  database.add_segment("audit", times, {{"code", codes}});
  const QueryEngine engine(database);
  QueryOptions options;
  options.now = 10 * kHour;
  const auto check = [&](const std::string& condition, const std::string& expected) {
    const auto table = engine.run(
        "from audit last 1h | where " + condition +
            " | stats n = count() | baseline 9h "
            "| let mean = baseline(n), windows = baseline(n, windows) | keep n, mean, windows",
        options);
    REQUIRE(table);
    CHECK(format_result(*table, ResultFormat::kCsv) == "n,mean,windows\r\n" + expected + "\r\n");
  };
  check("code == 500", "1,0,8");
  check("code == 999", "0,0,8");
  check("code == 200", "0,1,8");
  check("code == 200 and hour(time) >= 4", "0,0.625,8");
}

TEST_CASE("baseline: now() is the end of each window", "[query]") {
  MemoryDatabase database;
  // Age of the newest event at the window's end: 10, 20, 30 minutes before it, then none.
  database.add_segment("audit",
                       {kHour - 10 * kMinute, 2 * kHour - 20 * kMinute, 3 * kHour - 30 * kMinute},
                       {{"service", {Value::of("a"), Value::of("a"), Value::of("a")}}});
  database.add_segment("bpm", {kMinute, 3 * kHour + kMinute},
                       {{"service", {Value::of("b"), Value::of("b")}}});
  for (const bool late_now : {false, true}) {
    B b(database, {"audit", "bpm"}, {4 * kHour, 5 * kHour});
    b.plan.now = late_now ? 9 * kHour : 5 * kHour;
    b.stats({B::aggregate(AggregateKind::kMax, "last", ValueType::kTime, b.column("time"))},
            {"service"});
    const auto now = B::call(Function::kNow, ValueType::kTime, {});
    b.let("age", B::call(Function::kSubtract, ValueType::kDuration,
                         {now, B::call(Function::kCoalesce, ValueType::kTime,
                                       {b.column("last"), B::literal(Value::time(0))})}));
    BaselineStage stage;
    stage.depth = 4 * kHour;
    b.baseline(stage, {{"age", statistic("mean", BaselineStatistic::kMean)},
                       {"age", statistic("max", BaselineStatistic::kMax)}});
    const auto table = execute_plan(database, b.plan, {}, nullptr);
    REQUIRE(table);
    REQUIRE(table->row_count == 2);
    // The made-up row of `a` for hour 3 has an age of 4 h, because `coalesce` sets `last` to 0.
    CHECK(table->columns[3].f64[0] == Approx((60.0 * kMinute + 4.0 * kHour) / 4));
    CHECK(table->columns[4].f64[0] == Approx(4.0 * kHour));
    CHECK(table->columns[2].i64[0] == b.plan.now);
  }
}

TEST_CASE("baseline: thousands of remembered windows cost little", "[query]") {
  MemoryDatabase database;
  std::vector<Timestamp> times;
  MemoryColumns columns = {{"service", {}}};
  constexpr int64_t kWindows = 2016;
  for (int64_t window = 0; window <= kWindows; ++window) {
    for (int64_t service = 0; service < 20; ++service) {
      times.push_back(window * 5 * kMinute + service);
      columns[0].second.push_back(Value::of("service " + std::to_string(service)));
    }
  }
  database.add_segment("audit", times, columns);
  B b(database, {"audit"}, {kWindows * 5 * kMinute, (kWindows + 1) * 5 * kMinute});
  b.stats({B::count("total")}, {"service"});
  BaselineStage stage;
  stage.depth = 7 * kDay;
  b.baseline(stage, {{"total", statistic("mean", BaselineStatistic::kMean)},
                     {"total", statistic("windows", BaselineStatistic::kWindows)}});
  WindowMemory memory;
  REQUIRE(execute_plan(database, b.plan, {}, &memory));
  const auto again = execute_plan(database, b.plan, {}, &memory);
  REQUIRE(again);
  CHECK(again->statistics.windows_remembered == kWindows);
  CHECK(again->statistics.rows_scanned == 20);
  CHECK(again->columns[3].i64 == std::vector<int64_t>(20, kWindows));
  CHECK(memory.memory_bytes() < 4 * kMiB);
}

TEST_CASE("baseline: memory forgets the least recently used windows", "[query]") {
  const auto events = random_events(13);
  const auto database = stored(events, 13, 3);
  WindowMemory memory(16 * kKiB);
  for (int64_t hour = 30; hour < 48; ++hour) {
    const Rule rule{{hour * kHour, (hour + 1) * kHour}, kDay, kHour, hour % 2 ? 0.0 : 1.0};
    const auto table = execute_plan(database, plan_of(database, rule), {}, &memory);
    REQUIRE(table);
    check_against_naive(events, rule, *table);
    CHECK(memory.memory_bytes() <= 16 * kKiB);
  }
}

TEST_CASE("baseline: made-up rows are added a few groups at a time", "[query]") {
  // Each group has rows in the oldest window and in the range only.
  constexpr int kWindows = 400;
  constexpr int kGroups = 300;
  MemoryDatabase database;
  for (const int hour : {0, kWindows}) {
    std::vector<Timestamp> times;
    std::vector<Value> group;
    for (int i = 0; i < kGroups; ++i) {
      times.push_back(hour * kHour + i);
      group.push_back(Value::of(int64_t{i}));
    }
    database.add_segment("t", times, {{"g", group}});
  }
  std::vector<Timestamp> others;  // so that something was collected in every window
  for (int hour = 0; hour <= kWindows; ++hour) others.push_back(hour * kHour + kMinute);
  database.add_segment("t", others,
                       {{"g", std::vector<Value>(others.size(), Value::of(int64_t{-1}))}});
  QueryOptions options;
  options.now = (kWindows + 1) * kHour;
  const auto answer = [&](size_t memory_bytes) {
    options.memory_bytes_max = memory_bytes;
    return QueryEngine(database).run(
        "from t last 1h | stats n = count() by g | let h = hour(now()) + n "
        "| baseline 400h step 1h | let windows = baseline(h, windows), mean = baseline(h) "
        "| where g >= 0 | stats count(), min(windows), max(windows), low = min(mean), high = "
        "max(mean)",
        options);
  };
  double sum = 0;  // now() is a window's end
  for (int k = 1; k <= kWindows; ++k) sum += (kWindows + 1 - k) % 24;
  const auto result = answer(256 * kMiB);
  REQUIRE(result);
  CHECK(result->columns[0].i64[0] == kGroups);
  CHECK(result->columns[1].i64[0] == kWindows);
  CHECK(result->columns[2].i64[0] == kWindows);
  CHECK(result->columns[3].f64[0] == Approx((sum + 1) / kWindows));
  CHECK(result->columns[4].f64[0] == Approx((sum + 1) / kWindows));
  const auto refused = answer(4 * kMiB);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kLimit);
}

TEST_CASE("baseline: failed queries do not exceed the memory limit either", "[query]") {
  const auto database = stored(random_events(13), 13, 3);
  WindowMemory memory(16 * kKiB);
  QueryOptions options;
  options.timeout = 1;
  for (int i = 0; i < 500; ++i) {
    const Rule rule{{30 * kHour, 31 * kHour}, kDay, kHour, static_cast<double>(i)};
    REQUIRE_FALSE(execute_plan(database, plan_of(database, rule), options, &memory));
    CHECK(memory.memory_bytes() > 0);
    CHECK(memory.memory_bytes() <= 16 * kKiB);
  }
}
