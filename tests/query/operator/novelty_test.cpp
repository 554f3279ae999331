// The stage novel over a database.
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"

using namespace tocsin;

namespace {

constexpr Timestamp kNovelEnd = 1'793'577'600 * kSecond + 9 * kDay;  // 2026-11-11
constexpr Duration kNovelStep = 15 * kMinute;

/// `pay` and `cart` log `started` and `slow <*> ms` all the time; `pay` logs `disk full` since an
/// hour ago, which is well known in `cart`; `cart` has not logged
/// `cache warm` for seven hours.
MemoryDatabase stored_messages() {
  MemoryDatabase database;
  for (int64_t day = 10; day >= 0; --day) {
    std::vector<Timestamp> times;
    MemoryColumns columns = {{"service", {}}, {"message", {}}};
    const auto add = [&](Timestamp time, const char* service, const std::string& message) {
      times.push_back(time);
      columns[0].second.push_back(Value::of(service));
      columns[1].second.push_back(Value::of(message));
    };
    for (int64_t window = 96; window > 0; --window) {
      const Timestamp start = kNovelEnd - day * kDay - window * kNovelStep;
      for (int64_t i = 0; i < 10; ++i) {
        const Timestamp time = start + i * kMinute;
        for (const char* service : {"pay", "cart"}) {
          add(time, service, "started");
          add(time, service, "slow: " + std::to_string(window * 10 + i) + " ms");
        }
        if (day > 0 || window > 28) add(time, "cart", "cache warm");
        if (i == 0 && (day > 0 || window % 8 == 0)) add(time, "cart", "disk full");
        if (day == 0 && window <= 4 && i < 2) add(time, "pay", "disk full");
      }
    }
    database.add_segment("audit", times, columns, {.dictionary = true});
  }
  return database;
}

constexpr const char* kPatterns =
    "from audit last 15m | let pattern = template(message) | stats n = count() by service, pattern "
    "| baseline 14d | novel n by service ";

std::vector<std::string> novel_rows(const Database& database, const std::string& query,
                                    Timestamp now = kNovelEnd) {
  QueryOptions options;
  options.now = now;
  const auto table = QueryEngine(database).run(query, options);
  if (!table) FAIL(table.error().message);
  std::vector<std::string> rows;
  std::istringstream lines(format_result(*table, ResultFormat::kCsv));
  for (std::string line; std::getline(lines, line);) {
    line.erase(line.find('\r'));
    rows.push_back(line);
  }
  rows.erase(rows.begin());  // the header
  return rows;
}

}  // namespace

TEST_CASE("novel: names the patterns that are new or gone in their service", "[query]") {
  const MemoryDatabase database = stored_messages();
  const std::string shown = "| where exists(kind) | keep service, pattern, n, kind";
  CHECK(novel_rows(database, kPatterns + shown) ==
        std::vector<std::string>{"cart,cache warm,0,gone", "pay,disk full,2,new"});
  // As of an hour before, and of the day before.
  CHECK(novel_rows(database, kPatterns + shown, kNovelEnd - kHour) ==
        std::vector<std::string>{"cart,cache warm,0,gone"});
  CHECK(novel_rows(database, kPatterns + shown, kNovelEnd - kDay).empty());
}

TEST_CASE("novel: without keys, all groups are one whole", "[query]") {
  const MemoryDatabase database = stored_messages();
  const std::string query =
      "from audit last 15m | stats n = count() by message | baseline 14d | novel n "
      "| where message == \"disk full\" | keep kind, usual_new";
  const auto rows = novel_rows(database, query);
  REQUIRE(rows.size() == 1);
  CHECK(rows.front().starts_with(","));  // cart logs it
}

TEST_CASE("novel: tells the first window and the shares", "[query]") {
  const MemoryDatabase database = stored_messages();
  const std::string query = std::string(kPatterns) +
                            "| where service == \"pay\" and pattern == \"disk full\" "
                            "| let age = to_time(\"2026-11-11T00:00:00Z\") - first "
                            "| keep share, before_share, age, usual_new";
  const auto rows = novel_rows(database, query);
  REQUIRE(rows.size() == 1);
  CHECK(rows.front() == "0.01639344262295082,0,1h,0.09090909090909091");
}

TEST_CASE("novel: a group without events has no first window", "[query]") {
  const MemoryDatabase database = stored_messages();
  const auto rows = novel_rows(
      database,
      "from audit last 15m | stats n = count() where message == \"nothing\" by service, message "
      "| baseline 14d | novel n by service | where message == \"started\" | keep share, first, "
      "kind");
  CHECK(rows == std::vector<std::string>{",,", ",,"});
}

TEST_CASE("novel: stands beside unusual and statistics", "[query]") {
  const MemoryDatabase database = stored_messages();
  const auto alone = novel_rows(database, std::string(kPatterns) + "| keep kind, share");
  std::string both = kPatterns;
  both.replace(both.find("| novel"), 0, "| unusual n | silence n ");
  CHECK(novel_rows(database, both + "| let b = baseline(n, max) | keep kind, share") == alone);
}
