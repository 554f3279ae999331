#include "query/operator/executor.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/format/format.h"
#include "tests/support/memory_database.h"
#include "tests/support/plan_builder.h"

using namespace tocsin;

namespace {

using B = PlanBuilder;

Value text(const char* value) { return Value::of(value); }
Value number(int64_t value) { return Value::of(value); }

std::string csv(const Database& database, const Plan& plan, QueryOptions options = {}) {
  const auto result = execute_plan(database, plan, options, nullptr);
  if (!result) return "error: " + result.error().message;
  FormatOptions format;
  format.times_as_ns = true;
  std::string out = format_result(*result, ResultFormat::kCsv, format);
  std::erase(out, '\r');
  return out;
}

// Three segments of two measurements, overlapping in time.
MemoryDatabase three_segments() {
  MemoryDatabase database;
  database.add_segment("audit", {10, 20, 30},
                       {{"service", {text("pay"), text("mail"), text("pay")}},
                        {"ms", {number(5), number(7), Value::null()}}});
  database.add_segment("audit", {15, 40},
                       {{"service", {Value::null(), text("web")}}, {"ms", {number(1), number(9)}}},
                       {.dictionary = false});
  database.add_segment("bpm", {12, 50}, {{"service", {text("web"), text("pay")}}});
  return database;
}

}  // namespace

TEST_CASE("executor: returns rows of all measurements in ascending time", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit", "bpm"});
  CHECK(csv(database, b.plan) ==
        "time,measurement,service,ms\n10,audit,pay,5\n12,bpm,web,\n15,audit,,1\n20,audit,mail,7\n"
        "30,audit,pay,\n40,audit,web,9\n50,bpm,pay,\n");
}

TEST_CASE("executor: the range is half-open", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit", "bpm"}, {12, 40});
  CHECK(csv(database, b.keep({"time"}).plan) == "time\n12\n15\n20\n30\n");
}

TEST_CASE("executor: where treats null as false", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit"});
  b.where(B::test(Function::kAnd,
                  {B::test(Function::kNotEqual, {b.column("service"), B::literal(text("mail"))}),
                   B::test(Function::kLess, {b.column("ms"), B::literal(Value::of(9.5))})}));
  CHECK(csv(database, b.keep({"time", "service", "ms"}).plan) ==
        "time,service,ms\n10,pay,5\n40,web,9\n");
}

TEST_CASE("executor: stats without sort are ordered by their keys, null last", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit", "bpm"});
  b.stats({B::count(), B::aggregate(AggregateKind::kSum, "s", ValueType::kI64, b.column("ms"))},
          {"service"});
  CHECK(csv(database, b.plan) == "service,n,s\nmail,1,7\npay,3,5\nweb,2,9\n,1,1\n");
}

TEST_CASE("executor: stats without keys returns one row even if no row matched", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit"}, {1000, 2000});
  b.stats({B::count(), B::aggregate(AggregateKind::kSum, "s", ValueType::kI64, b.column("ms")),
           B::aggregate(AggregateKind::kMax, "m", ValueType::kI64, b.column("ms"))},
          {});
  CHECK(csv(database, b.plan) == "n,s,m\n0,0,\n");
}

TEST_CASE("executor: let replaces a column in its place", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit"});
  b.let("ms",
        B::call(Function::kMultiply, ValueType::kI64, {b.column("ms"), B::literal(number(2))}));
  b.let("big", B::test(Function::kGreater, {b.column("ms"), B::literal(number(10))}));
  CHECK(csv(database, b.keep({"time", "ms", "big"}).plan) ==
        "time,ms,big\n10,10,false\n15,2,false\n20,14,true\n30,,false\n40,18,true\n");
}

TEST_CASE("executor: sort -time with a limit reads the newest segments only", "[query]") {
  MemoryDatabase database;
  for (int64_t segment = 0; segment < 50; ++segment) {
    database.add_segment("audit", {segment * 10, segment * 10 + 1},
                         {{"ms", {number(segment), number(-segment)}}});
  }
  B b(database, {"audit"});
  b.sort({{"time", true}}).limit(3).keep({"time", "ms"});
  QueryOptions options;
  options.threads = 1;
  const auto result = execute_plan(database, b.plan, options, nullptr);
  REQUIRE(result);
  CHECK(result->columns[0].i64 == std::vector<int64_t>{491, 490, 481});
  CHECK(result->columns[1].i64 == std::vector<int64_t>{-49, 49, -48});
  CHECK(result->statistics.segments_read == 2);
}

TEST_CASE("executor: a limit without an order keeps the earliest rows", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit", "bpm"});
  CHECK(csv(database, b.limit(3).keep({"time", "service"}).plan) ==
        "time,service\n10,pay\n12,web\n15,\n");
}

TEST_CASE("executor: returns at most the rows asked for, and says whether there are more",
          "[query]") {
  const auto database = three_segments();
  QueryOptions options;
  const auto counted = [&](const Plan& plan, uint64_t rows_max) {
    options.rows_max = rows_max;
    const auto result = execute_plan(database, plan, options, nullptr);
    REQUIRE(result);
    return std::pair(result->row_count, result->has_more_rows);
  };
  B rows(database, {"audit", "bpm"});
  CHECK(counted(rows.plan, 0) == std::pair(size_t{7}, false));
  CHECK(counted(rows.plan, UINT64_MAX) == std::pair(size_t{7}, false));
  CHECK(counted(rows.plan, 8) == std::pair(size_t{7}, false));
  CHECK(counted(rows.plan, 7) == std::pair(size_t{7}, false));
  CHECK(counted(rows.plan, 6) == std::pair(size_t{6}, true));
  CHECK(counted(rows.plan, 1) == std::pair(size_t{1}, true));
  options.rows_max = 2;
  CHECK(csv(database, rows.plan, options) ==
        "time,measurement,service,ms\n10,audit,pay,5\n12,bpm,web,\n");
}

TEST_CASE("executor: sort puts nulls last in both directions", "[query]") {
  const auto database = three_segments();
  const auto check = [&](bool descending, const char* expected) {
    B b(database, {"audit"});
    b.sort({{"ms", descending}}).limit(5).keep({"ms", "time"});
    CHECK(csv(database, b.plan) == expected);
    B full(database, {"audit"});
    full.sort({{"ms", descending}}).keep({"ms", "time"});
    CHECK(csv(database, full.plan) == expected);
  };
  check(true, "ms,time\n9,40\n7,20\n5,10\n1,15\n,30\n");
  check(false, "ms,time\n1,15\n5,10\n7,20\n9,40\n,30\n");
}

TEST_CASE("executor: columns that no later stage reads are not computed", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit"});
  b.limit(3);
  b.let("unused", B::call(Function::kAdd, ValueType::kI64, {b.column("ms"), b.column("ms")}));
  b.sort({{"service", false}}).keep({"service"});
  CHECK(csv(database, b.plan) == "service\nmail\npay\n\n");
  B groups(database, {"audit"});
  groups.stats({B::count()}, {"service"});
  groups.let("twice",
             B::call(Function::kAdd, ValueType::kI64, {groups.column("n"), groups.column("n")}));
  groups.limit(2).keep({"twice"});
  CHECK(csv(database, groups.plan) == "twice\n2\n4\n");
}

TEST_CASE("executor: distinct keeps the first of equal rows in order of time", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit", "bpm"});
  CHECK(csv(database, b.distinct({"service"}).plan) == "service\npay\nweb\n\nmail\n");
  B limited(database, {"audit", "bpm"});
  limited.limit(100).distinct({"service"});
  CHECK(csv(database, limited.plan) == "service\npay\nweb\n\nmail\n");
}

TEST_CASE("executor: a segment is skipped when its statistics rule it out", "[query]") {
  const auto database = three_segments();
  const auto skipped = [&](Expression condition) {
    B b(database, {"audit", "bpm"});
    b.where(std::move(condition)).stats({B::count()}, {});
    QueryOptions options;
    options.shortcuts = false;  // metadata alone would answer some of these
    const auto result = execute_plan(database, b.plan, options, nullptr);
    REQUIRE(result);
    return result->statistics.segments_skipped;
  };
  const B b(database, {"audit", "bpm"});
  CHECK(skipped(B::test(Function::kEqual, {b.column("service"), B::literal(text("mail"))})) == 1);
  CHECK(skipped(B::test(Function::kGreater, {b.column("ms"), B::literal(number(8))})) == 2);
  CHECK(skipped(B::test(Function::kEqual, {b.column("measurement"), B::literal(text("bpm"))})) ==
        2);
}

TEST_CASE("executor: counts come from metadata when a segment lies inside the range", "[query]") {
  const auto database = three_segments();
  B b(database, {"audit", "bpm"}, {0, 45});
  auto first = B::aggregate(AggregateKind::kMin, "first", ValueType::kTime, b.column("time"));
  auto last = B::aggregate(AggregateKind::kMax, "last", ValueType::kTime, b.column("time"));
  b.stats({B::count(), first, last}, {"service"});
  CHECK(csv(database, b.plan) ==
        "service,n,first,last\nmail,1,20,20\npay,2,10,30\nweb,2,12,40\n,1,15,15\n");
  const auto result = execute_plan(database, b.plan, {}, nullptr);
  REQUIRE(result);
  CHECK(result->statistics.rows_scanned == 3);  // of 6: one segment has no dictionary, one is cut
  CHECK(result->rows_matched == 6);
}

TEST_CASE("executor: limits are errors that say what to do", "[query]") {
  const auto database = three_segments();
  const B b(database, {"audit"});
  QueryOptions options;
  options.memory_bytes_max = 64;
  CHECK(csv(database, b.plan, options) ==
        "error: the query needs more than 1 MiB of memory; add a `limit`, use a shorter range, "
        "filter more rows out, or group by fewer keys");
  options = {};
  options.timeout = 1;
  CHECK(csv(database, b.plan, options).starts_with("error: the query did not finish within 1ns"));
  const std::atomic<bool> cancelled{true};
  options = {};
  options.cancelled = &cancelled;
  CHECK(csv(database, b.plan, options) == "error: the query was cancelled");
}
