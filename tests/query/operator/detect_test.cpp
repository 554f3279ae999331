#include "query/operator/detect.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

constexpr Timestamp kFirstHour = 20'000 * kDay;

/// ServiceRows of (time, service, v), as one segment.
class ServiceRows {
 public:
  void add(Timestamp time, const std::string& service, int64_t v) {
    times_.push_back(time);
    services_.push_back(Value::of(service));
    values_.push_back(Value::of(v));
  }
  void store(MemoryDatabase& database) {
    if (times_.empty()) return;
    database.add_segment("audit", times_, {{"service", services_}, {"v", values_}});
    *this = ServiceRows();
  }

 private:
  std::vector<Timestamp> times_;
  std::vector<Value> services_;
  std::vector<Value> values_;
};

// Two services with a row in every hour, and one with gaps that ends on day 33.
void add_hour(std::mt19937& random, int64_t hour, ServiceRows& rows) {
  const Timestamp time = kFirstHour + hour * kHour;
  const auto around = [&](int mean) { return std::poisson_distribution<int>(mean)(random); };
  rows.add(time + 1, "pay", around(hour % 24 < 8 ? 20 : 90));
  rows.add(time + 2, "web", hour % 200 == 150 ? 400 : around(50));
  if (hour < 33 * 24 && random() % 3 != 0) rows.add(time + 3, "mail", around(5));
}

Result<ResultTable> run_at(const QueryEngine& queries, const std::string& stages, int64_t hour,
                           bool remember) {
  QueryOptions options;
  options.now = kFirstHour + hour * kHour;
  options.remember = remember;
  return queries.run("from audit last 6h | " + stages, options);
}

std::string csv_of(const Result<ResultTable>& table) {
  return table ? format_result(*table, ResultFormat::kCsv) : "error: " + table.error().message;
}

}  // namespace

TEST_CASE("detect: remembered detectors give the same as learning everything again", "[query]") {
  std::mt19937 random(4);
  MemoryDatabase database;
  ServiceRows rows;
  for (int64_t hour = 0; hour < 31 * 24; ++hour) {
    add_hour(random, hour, rows);
    if (hour % 24 == 23) rows.store(database);
  }
  const QueryEngine queries(database);
  const std::string sum = "stats n = sum(v) by service, time(1h) | detect n";
  const std::string count =
      "where v > 10 | stats n = count() by time(30m), service | let m = n | detect n "
      "sensitivity high | where exists(score)";
  uint64_t read = 0;
  uint64_t read_again = 0;
  for (int64_t hour = 31 * 24; hour < 37 * 24; hour += 5) {
    for (int64_t each = hour; each < hour + 5; ++each) add_hour(random, each, rows);
    rows.store(database);
    if (hour % 3 == 0) {  // late
      const auto ago = static_cast<int64_t>(random() % (hour % 2 == 0 ? 30 : 24 * 9));
      rows.add(kFirstHour + (hour - ago) * kHour + 7, "web", 300);
      rows.store(database);
    }
    for (const std::string& stages : {sum, count}) {
      const auto remembered = run_at(queries, stages, hour + 5, true);
      const auto fresh = run_at(queries, stages, hour + 5, false);
      REQUIRE(csv_of(remembered) == csv_of(fresh));
      REQUIRE(fresh->row_count > 0);
      read += remembered->statistics.rows_scanned;
      read_again += fresh->statistics.rows_scanned;
    }
  }
  CHECK(read * 3 < read_again);
}

TEST_CASE("detect: learns from before the range, and finds what is unusual in it", "[query]") {
  std::mt19937 random(4);
  MemoryDatabase database;
  ServiceRows rows;
  for (int64_t hour = 0; hour < 30 * 24; ++hour) add_hour(random, hour, rows);
  rows.add(kFirstHour + (30 * 24 - 2) * kHour + 9, "web", 500);
  rows.store(database);
  const QueryEngine queries(database);
  const auto found = run_at(queries,
                            "stats n = sum(v) by service, time(1h) | detect n | where anomaly "
                            "| keep service, n, kind",
                            30 * 24, true);
  REQUIRE(found);
  REQUIRE(found->row_count == 1);
  CHECK(csv_of(found).find("web") != std::string::npos);
  CHECK(csv_of(found).find("high") != std::string::npos);
  // Stages before it that do not treat each bucket by itself keep it to the range.
  const auto all =
      run_at(queries, "stats n = sum(v) by service, time(1h) | sort n | detect n", 30 * 24, true);
  REQUIRE(all);
  CHECK(all->row_count >= 12);
  CHECK(csv_of(all).find("true") == std::string::npos);
}

TEST_CASE("detect: the memory drops old checkpoints first, then old queries", "[query]") {
  const auto checkpoint = [](Timestamp time) {
    auto out = std::make_shared<DetectCheckpoint>();
    out->time = time;
    for (int i = 0; i < 10; ++i) {
      DetectorOptions options;
      options.bucket = kMinute;
      out->groups[std::to_string(i)] = std::make_shared<SeriesDetector>(options);
    }
    return out;
  };
  DetectRecord record;
  record.segments = {{1, 10}, {2, 20}};
  record.checkpoints = {checkpoint(15), checkpoint(25)};
  CHECK(record.valid(0, {{1, 10}, {2, 20}}, 30).size() == 2);
  CHECK(record.valid(0, {{1, 10}, {2, 20}, {3, 24}}, 30).size() == 1);
  CHECK(record.valid(0, {{2, 20}}, 30).empty());
  CHECK(record.valid(0, {{1, 10}, {2, 20}}, 20).size() == 1);
  CHECK(record.valid(5, {{1, 10}, {2, 20}}, 30).empty());

  DetectMemory unbounded;
  unbounded.put({0, 1}, record);
  const size_t bytes = unbounded.memory_bytes();
  DetectMemory memory(bytes * 3 / 4);
  memory.put({0, 1}, record);
  REQUIRE(memory.find({0, 1}));
  CHECK(memory.find({0, 1})->checkpoints.size() == 1);
  CHECK(memory.find({0, 1})->checkpoints[0]->time == 25);
  memory.put({0, 2}, record);
  CHECK_FALSE(memory.find({0, 1}));
  CHECK(memory.find({0, 2}));
  CHECK(memory.memory_bytes() <= bytes * 3 / 4);
}
