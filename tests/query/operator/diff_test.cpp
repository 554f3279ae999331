// The stage diff, compared with counting the rows one by one.
#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/operator/difference.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

struct ComparedEvent {
  bool failed = false;
  Value host, code, cached;
};

constexpr Timestamp kComparedSegment = 1'000;

// Events of which the failed ones prefer some hosts and codes.
std::vector<ComparedEvent> compared_events(std::mt19937_64& random, size_t count) {
  const auto below = [&](uint64_t limit) { return static_cast<int64_t>(random() % limit); };
  std::vector<ComparedEvent> out(count);
  for (ComparedEvent& event : out) {
    event.failed = below(10) == 0;
    const int64_t host = event.failed && below(2) == 0 ? 0 : below(6);
    if (below(20) != 0) event.host = Value::of("web-" + std::to_string(host));
    event.code = Value::of(event.failed && below(3) == 0 ? int64_t{503} : below(40));
    event.cached = Value::of(below(event.failed ? 3 : 2) == 0);
  }
  return out;
}

MemoryDatabase compared_database(const std::vector<ComparedEvent>& events) {
  MemoryDatabase database;
  for (size_t start = 0, part = 0; start < events.size(); start += kComparedSegment, ++part) {
    std::vector<Timestamp> times;
    std::vector<Value> status, host, code, cached;
    for (size_t i = start; i < std::min(events.size(), start + kComparedSegment); ++i) {
      times.push_back(static_cast<Timestamp>(i));
      status.push_back(Value::of(events[i].failed ? "FAILED" : "OK"));
      host.push_back(events[i].host);
      code.push_back(events[i].code);
      cached.push_back(events[i].cached);
    }
    database.add_segment("audit", times,
                         {{"status", status}, {"host", host}, {"code", code}, {"cached", cached}},
                         {.dictionary = part % 2 == 0});
  }
  return database;
}

std::string compared_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return *text;
  if (const auto* flag = std::get_if<bool>(&value.data)) return *flag ? "true" : "false";
  return std::to_string(std::get<int64_t>(value.data));
}

// `column=value target/reference` of each reported value, by column and value.
std::vector<std::string> naive_lines(const std::vector<ComparedEvent>& events) {
  std::map<std::pair<std::string, std::string>, ValueCounts> values;
  std::map<std::string, ValueCounts> totals;
  const auto add = [&](const std::string& column, const Value& value, bool failed) {
    if (value.is_null()) return;
    ValueCounts& counts = values[{column, compared_text(value)}];
    ++(failed ? counts.target : counts.reference);
    ++(failed ? totals[column].target_total : totals[column].reference_total);
  };
  for (const ComparedEvent& event : events) {
    add("host", event.host, event.failed);
    add("code", event.code, event.failed);
    add("cached", event.cached, event.failed);
    add("measurement", Value::of("audit"), event.failed);
  }
  const auto compared =
      std::ranges::count_if(values, [](const auto& each) { return can_be_reported(each.second); });
  std::vector<std::string> out;
  for (auto& [name, counts] : values) {
    counts.target_total = totals[name.first].target_total;
    counts.reference_total = totals[name.first].reference_total;
    if (!is_frequent(counts) || !over_represented(counts, static_cast<uint64_t>(compared)))
      continue;
    out.push_back(name.first + "=" + name.second + " " + std::to_string(counts.target) + "/" +
                  std::to_string(counts.reference));
  }
  return out;
}

std::vector<std::string> compared_lines(const ResultTable& table) {
  std::vector<std::string> out;
  for (size_t row = 0; row < table.row_count; ++row) {
    out.push_back(compared_text(table.columns[0].at(row)) + "=" +
                  compared_text(table.columns[1].at(row)) + " " +
                  compared_text(table.columns[2].at(row)) + "/" +
                  compared_text(table.columns[4].at(row)));
  }
  return out;
}

ResultTable run_diff(const MemoryDatabase& database, const std::string& text,
                     QueryOptions options) {
  auto result = QueryEngine(database).run(text, options);
  INFO((result ? "" : result.error().message));
  REQUIRE(result);
  return *std::move(result);
}

}  // namespace

TEST_CASE("diff: the same as counting the rows one by one", "[query]") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    const std::vector<ComparedEvent> events = compared_events(random, 500 + random() % 5'000);
    const MemoryDatabase database = compared_database(events);
    const std::vector<std::string> expected = naive_lines(events);
    CHECK_FALSE(expected.empty());
    for (const bool shortcuts : {true, false}) {
      for (const unsigned threads : {1u, 3u}) {
        QueryOptions options;
        options.shortcuts = shortcuts;
        options.threads = threads;
        const ResultTable table = run_diff(
            database, "from audit | diff where status == \"FAILED\" | sort column, value", options);
        CHECK(compared_lines(table) == expected);
      }
    }
  }
}

TEST_CASE("diff: against an earlier time is the same as a condition on the time", "[query]") {
  std::mt19937_64 random(5);
  const std::vector<ComparedEvent> events = compared_events(random, 5'000);
  std::vector<ComparedEvent> changed = events;
  for (size_t i = 4'000; i < changed.size(); ++i) {
    if (i % 3 == 0) changed[i].host = Value::of("web-new");
  }
  const MemoryDatabase database = compared_database(changed);
  const std::string from = "from audit between 1970-01-01T00:00:00Z + ";
  const ResultTable against =
      run_diff(database, from + "4us and 1970-01-01T00:00:00Z + 5us | diff against last 3us", {});
  const ResultTable where = run_diff(database,
                                     from +
                                         "1us and 1970-01-01T00:00:00Z + 5us "
                                         "| diff where time >= 1970-01-01T00:00:00Z + 4us",
                                     {});
  CHECK_FALSE(compared_lines(against).empty());
  CHECK(compared_lines(against) == compared_lines(where));
}

TEST_CASE("diff: columns whose values identify rows are not compared", "[query]") {
  MemoryDatabase database;
  std::vector<Timestamp> times;
  std::vector<Value> status, id;
  for (int64_t i = 0; i < 100; ++i) {
    times.push_back(i);
    status.push_back(Value::of(i < 50 ? "FAILED" : "OK"));
    id.push_back(Value::of(i < 8 ? int64_t{0} : i));  // one frequent value
  }
  database.add_segment("audit", times, {{"status", status}, {"id", id}});
  const auto columns = [&](const std::string& query) {
    return run_diff(database, "from audit | diff where status == \"FAILED\"" + query, {}).row_count;
  };
  CHECK(columns("") == 0);
  CHECK(columns(" columns id") == 0);
}

TEST_CASE("diff: warns of a side with too few rows, and of a column with too many values",
          "[query]") {
  MemoryDatabase database;
  std::vector<Timestamp> times;
  std::vector<Value> status, id, host;
  for (int64_t i = 0; i < 101'000; ++i) {
    times.push_back(i);
    status.push_back(Value::of(i < 4 ? "FAILED" : "OK"));
    id.push_back(Value::of(i));
    host.push_back(Value::of(i % 2 == 0 ? "a" : "b"));
  }
  database.add_segment("audit", times, {{"status", status}, {"id", id}, {"host", host}});
  QueryOptions options;
  options.threads = 1;
  const ResultTable table =
      run_diff(database, "from audit | diff where status == \"FAILED\"", options);
  CHECK(table.row_count == 0);
  CHECK(table.warnings == std::vector<std::string>{
                              "`diff` leaves out `id`: more than 100000 different values",
                              "`diff` needs at least 5 rows on each side, but its target has 4"});
}

TEST_CASE("diff: stops at the time limit", "[query]") {
  std::mt19937_64 random(9);
  const MemoryDatabase database = compared_database(compared_events(random, 5'000));
  QueryOptions options;
  options.timeout = 1;
  const auto late =
      QueryEngine(database).run("from audit | diff where status == \"FAILED\"", options);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::kTimeout);
}
