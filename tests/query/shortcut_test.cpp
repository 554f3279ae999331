// Every way of reading a segment must return the same as reading it row by row.
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"
#include "tests/support/seed.h"

using namespace tocsin;

namespace {

constexpr Timestamp kStart = 1'700'000'000 * kSecond;

class RandomDatabase {
 public:
  explicit RandomDatabase(uint32_t seed, Timestamp start = kStart) : random_(seed), start_(start) {
    for (const std::string measurement : {"audit", "bpm"}) {
      for (int segment = 0; segment < 6; ++segment) add_segment(measurement, segment);
    }
  }
  const MemoryDatabase& database() const { return database_; }
  int64_t below(int64_t bound) {
    return std::uniform_int_distribution<int64_t>(0, bound - 1)(random_);
  }

 private:
  // Overlapping segments of adjacent hours; some without dictionaries, some with columns missing or
  // null in every row.
  void add_segment(const std::string& measurement, int segment) {
    const auto row_count = static_cast<size_t>(segment == 3 ? 7 : 1000 + below(4000));
    std::vector<Timestamp> times;
    for (size_t row = 0; row < row_count; ++row) {
      times.push_back(start_ + segment * kHour - 5 * kMinute + below(70 * kMinute));
    }
    MemoryColumns columns{{"service", texts(row_count, "svc-", 12, 0)},
                          {"status", texts(row_count, "status-", 3, segment % 2 ? 0 : 5)},
                          {"ms", numbers(row_count)}};
    if (segment != 1)
      columns.emplace_back("event", texts(row_count, "e", 2, segment == 2 ? 100 : 30));
    columns.emplace_back("id", texts(row_count, "id", 700, 3));
    database_.add_segment(measurement, times, columns, {.dictionary = segment != 4});
  }

  std::vector<Value> texts(size_t count, const std::string& prefix, int64_t kinds,
                           int64_t null_percent) {
    std::vector<Value> values;
    for (size_t i = 0; i < count; ++i) {
      const int64_t kind = std::min(below(kinds), below(kinds));
      values.push_back(below(100) < null_percent ? Value::null()
                                                 : Value::of(prefix + std::to_string(kind)));
    }
    return values;
  }

  std::vector<Value> numbers(size_t count) {
    std::vector<Value> values;
    for (size_t i = 0; i < count; ++i) {
      values.push_back(below(20) == 0 ? Value::null()
                                      : Value::of(static_cast<double>(below(4000) - 400) / 8));
    }
    return values;
  }

  std::mt19937 random_;
  Timestamp start_;
  MemoryDatabase database_;
};

std::string answer(const QueryEngine& engine, const std::string& text, QueryOptions options) {
  const auto result = engine.run(text, options);
  if (!result) return "error: " + result.error().message;
  FormatOptions format;
  format.times_as_ns = true;
  return std::to_string(result->rows_matched) + "\n" +
         format_result(*result, ResultFormat::kCsv, format);
}

}  // namespace

TEST_CASE("shortcuts: counting rows returns the same as reading them one by one", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  RandomDatabase random(seed);
  const QueryEngine engine(random.database());
  const auto check = [&](const std::string& text) {
    INFO(text);
    QueryOptions options;
    options.now = kStart + 6 * kHour;
    options.remember = false;
    options.shortcuts = false;
    options.threads = 1;
    const std::string expected = answer(engine, text, options);
    CHECK_FALSE(expected.starts_with("error"));
    options.shortcuts = true;
    CHECK(answer(engine, text, options) == expected);
    options.threads = 3;
    CHECK(answer(engine, text, options) == expected);
  };
  for (int round = 0; round < 4; ++round) {
    const Timestamp start = kStart - kHour + random.below(4 * kHour);
    const std::string range = round == 0 ? ""
                                         : " between " + format_time(start) + " and " +
                                               format_time(start + random.below(5 * kHour)) + " ";
    const std::string limit = format_time(kStart + random.below(6 * kHour));
    const std::string from = "from audit, bpm" + range;
    check(from + "| stats n = count() by service");
    check(from + "| stats n = count()");
    check(from + "| stats n = count(), a = min(time), b = max(time) by service, measurement");
    check(from +
          "| stats n = count(event), d = count_distinct(status), a = min(status), b = max(event) "
          "by service");
    check(from + "| stats n = count() by service, time(1h)");
    check(from + "| stats n = count() by time(7m), status | sort time, status");
    check(from + "| stats n = count() by time(1s)");
    check(from + R"(| stats a = mean(if(status != "status-0", 1.0, 0.0)) where time >= )" + limit +
          R"(, b = sum(if(status != "status-0", 1, 0)) where time < )" + limit + " by service");
    check(from + "| stats a = count() where time <= " + limit + ", b = max(time) where " + limit +
          " < time, c = min(time) where event == \"e1\" by event");
    check(
        from +
        R"(| where service in ("svc-1", "svc-3") and exists(event) | stats n = count() by status)");
    check(
        from +
        R"(| where event =~ "1" | let s = concat(service, "/", status) | stats n = count() by s)");
    check(from + "| where not exists(event) and time > " + limit +
          " | stats n = count() by service");
    check(from + "| where time < now() - 4h | stats n = count() by service, status, event");
    check(from + "| stats n = count() by id, service");
    check(from + "| distinct service, status");
    check(
        "from * last 30m | stats n = count(), early = count() where time < now() - 10m by service "
        "| baseline 5h step 30m | let b = baseline(n), e = baseline(early), w = baseline(n, "
        "windows)");
    check(
        "from audit last 10m | where exists(event) | stats n = count() by service, status "
        "| baseline 6h step 1h | let b = baseline(n)");
  }
}

TEST_CASE("shortcuts: buckets are counted correctly across clock changes", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  // Three hours before the clocks change in Berlin and London, in spring and autumn.
  for (const char* start : {"2023-03-25T22:00:00Z", "2023-10-28T22:00:00Z"}) {
    RandomDatabase random(seed, parse_time(start).value());
    const QueryEngine engine(random.database());
    for (const char* name : {"Europe/Berlin", "Europe/London", "Asia/Kolkata"}) {
      for (const char* width : {"7m", "15m", "45m", "1h", "90m", "2h", "1d"}) {
        const std::string text =
            std::string("from audit, bpm | stats n = count() by status, time(") + width + ")";
        INFO(name << " " << text);
        QueryOptions options;
        options.now = kStart;
        options.zone = TimeZone::load(name).value();
        options.remember = false;
        options.shortcuts = false;
        const std::string expected = answer(engine, text, options);
        CHECK_FALSE(expected.starts_with("error"));
        options.shortcuts = true;
        CHECK(answer(engine, text, options) == expected);
        CHECK(answer(engine, text + " | fill | where n > 0", options) ==
              answer(engine, text, options));
      }
    }
  }
}

TEST_CASE("shortcuts: a segment is not read if its metadata suffice", "[query]") {
  RandomDatabase random(1);
  const QueryEngine engine(random.database());
  const auto scanned = [&](const std::string& text) {
    QueryOptions options;
    options.now = kStart;
    const auto result = engine.run(text, options);
    REQUIRE(result);
    return result->statistics.rows_scanned;
  };
  CHECK(scanned("from audit | where exists(id) | stats n = count()") > 0);
  CHECK(scanned("from audit | stats n = count(), a = max(time) by measurement") == 0);
  CHECK(scanned("from audit | stats n = count() where time > 2000-01-01") == 0);
}

TEST_CASE("shortcuts: quantiles by selection equal those by sorting", "[query]") {
  RandomDatabase random(2);
  const QueryEngine engine(random.database());
  QueryOptions options;
  options.now = kStart;
  const auto result = engine.run(
      "from audit, bpm | where exists(ms) | stats p0 = quantile(ms, 0), p5 = p5(ms), m = "
      "median(ms), p99 = p99(ms), "
      "p100 = quantile(ms, 1), d = mad(ms)",
      options);
  REQUIRE(result);
  const auto all = engine.run("from audit, bpm | where exists(ms) | keep ms", options);
  REQUIRE(all);
  std::vector<double> values = all->columns[0].f64;
  REQUIRE(values.size() > 4096);  // enough for the counting selection
  const auto quantile = [&](double q) {
    std::ranges::sort(values);
    const double position = q * static_cast<double>(values.size() - 1);
    const auto lower = static_cast<size_t>(position);
    if (lower + 1 == values.size()) return values.back();
    return values[lower] +
           (position - static_cast<double>(lower)) * (values[lower + 1] - values[lower]);
  };
  CHECK(result->columns[0].f64[0] == quantile(0));
  CHECK(result->columns[1].f64[0] == quantile(0.05));
  CHECK(result->columns[3].f64[0] == quantile(0.99));
  CHECK(result->columns[4].f64[0] == quantile(1));
  const double median = quantile(0.5);
  CHECK(result->columns[2].f64[0] == median);
  for (double& value : values) value = std::fabs(value - median);
  CHECK(result->columns[5].f64[0] == quantile(0.5));
}
