// Stats over spilled rows return the same results as in memory.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/limits.h"
#include "query/format/format.h"
#include "query/query.h"
#include "tests/support/memory_database.h"
#include "tests/support/seed.h"
#include "tests/support/temporary_folder.h"

namespace tocsin {
namespace {

/// Rows of all types, with nulls, in segments with and without dictionaries. Floats are multiples
/// of 1/128, so that sums of them are exact in any order.
MemoryDatabase random_rows(std::mt19937_64& random) {
  MemoryDatabase database;
  for (int segment = 0; segment < 6; ++segment) {
    std::vector<Timestamp> times;
    std::vector<Value> i, u, f, b, s, t, few;
    const auto put = [&](std::vector<Value>& column, Value value) {
      column.push_back(random() % 16 == 0 ? Value::null() : std::move(value));
    };
    for (int row = 0; row < 4'000; ++row) {
      times.push_back(segment * kHour + row * kSecond / 2);
      const uint64_t any = random();
      put(i, Value::of(static_cast<int64_t>(any % 9'000) - 4'500));
      put(u, Value::of(UINT64_MAX - any % 9'000));
      put(f, Value::of(static_cast<double>(any % 9'000) / 128 - 8));
      put(b, Value::of(any % 2 == 0));
      put(s, Value::of(fmt::format("name-{}", any % 11)));
      put(t, Value::of(std::string(any % 50, 'x') + std::to_string(any % 9'000)));
      put(few, Value::of(static_cast<int64_t>(any % 3)));
    }
    database.add_segment("t", times,
                         {{"i", i}, {"u", u}, {"f", f}, {"b", b}, {"s", s}, {"t", t}, {"few", few}},
                         {.dictionary = segment % 2 == 0});
  }
  return database;
}

struct Limits {
  size_t memory_bytes = 256 * kMiB;
  uint64_t disk_bytes = kGiB;
};

std::string answer_within(const Database& database, const std::string& query,
                          const Limits& limits = {}) {
  QueryOptions options;
  options.now = 6 * kHour;
  options.threads = 2;
  options.memory_bytes_max = limits.memory_bytes;
  options.disk_bytes_max = limits.disk_bytes;
  const auto result = QueryEngine(database).run(query, options);
  return result ? format_result(*result, ResultFormat::kCsv, {})
                : "error: " + result.error().message;
}

constexpr size_t kLittle = 4 * kMiB;

}  // namespace

TEST_CASE("spill: every kind of key and argument is read back from disk", "[query]") {
  const unsigned seed = test::seed_of_run();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const MemoryDatabase database = random_rows(random);
  const std::string stats =
      "from t | where few != 2 | stats n = count(), count(t), sum(i), sum(f), mean(f), max(u), "
      "min(f), a = first(s), z = last(t), dev = stddev(f), p90(f), median(i), d = "
      "count_distinct(s), "
      "count_distinct(t), mad(f), sample(t, 2), at = max(time), yes = count() where b, "
      "none = count() where null, lo = min(i), upper = max(i) where s > \"name-5\" by ";
  for (const char* key : {"i", "u", "f", "t", "b, t", "s, i", "time(1m), i", "u, f, b"}) {
    const std::string query = stats + key +
                              " | where lo % 64 == 0 | let dev = round(dev * 1000) | sort " +
                              (std::string(key) == "time(1m), i" ? "time, i" : key);
    CAPTURE(query);
    const std::string expected = answer_within(database, query);
    CHECK(expected.substr(0, 6) != "error:");
    CHECK(answer_within(database, query, {kLittle, kGiB}) == expected);
    CHECK(answer_within(database, query, {kLittle, 1000})
              .starts_with("error: the query's groups need more than 0 MiB on disk"));
  }
  // The window is a key like the others.
  const std::string windows =
      "from t last 1h | stats n = count(), d = count_distinct(t), count_distinct(i), "
      "count_distinct(u), count_distinct(f), a = first(s) by s "
      "| baseline 5h step 1h min 1 | let b = baseline(d) | where n > 0 | sort s";
  const std::string expected = answer_within(database, windows);
  CHECK(expected.substr(0, 6) != "error:");
  CHECK(answer_within(database, windows, {2 * kMiB, kGiB}) == expected);
  CHECK(answer_within(database, windows, {2 * kMiB, 1000})
            .starts_with("error: the query's groups need more than 0 MiB on disk"));
}

TEST_CASE("sort: frees the texts of rows that are not among the first", "[query]") {
  MemoryDatabase database;
  std::mt19937_64 random(9);
  std::vector<std::string> texts;
  for (int segment = 0; segment < 4; ++segment) {
    std::vector<Timestamp> times;
    std::vector<Value> text, level;
    for (int row = 0; row < 20'000; ++row) {
      times.push_back(segment * kHour + row * kMillisecond);
      texts.push_back(fmt::format("{:016x}{}", random(), std::string(200, 'x')));
      text.push_back(Value::of(texts.back()));
      level.push_back(Value::of(fmt::format("level-{}", random() % 3)));
    }
    database.add_segment("t", times, {{"text", text}, {"level", level}},
                         {.dictionary = segment == 0});
  }
  std::ranges::sort(texts);
  std::string expected = "text\r\n";
  for (size_t i = 0; i < 5; ++i) expected += texts[i] + "\r\n";
  const Limits little{4 * kMiB, 0};
  CHECK(answer_within(database, "from t | sort text | limit 5 | keep text", little) == expected);
  const std::string query = "from t | sort -level, text | limit 3000 | keep level, text";
  CHECK(answer_within(database, query, little) == answer_within(database, query));
}

TEST_CASE("spill: explain reports the bytes written to disk", "[query]") {
  std::mt19937_64 random(1);
  const MemoryDatabase database = random_rows(random);
  const std::string query =
      "explain from t | stats count_distinct(t), f = first(t), l = last(t), n = count() by i | "
      "where n > 9";
  const auto lines_with_bytes = [&](size_t memory_bytes) {
    QueryOptions options;
    options.threads = 2;
    options.memory_bytes_max = memory_bytes;
    const auto result = QueryEngine(database).run(query, options);
    REQUIRE(result);
    const auto& valid = result->columns[result->find("bytes")].valid;
    return std::vector<uint8_t>(valid.begin(), valid.end());
  };
  CHECK(lines_with_bytes(64 * kMiB) == std::vector<uint8_t>{1, 0, 0, 0});
  CHECK(lines_with_bytes(3 * kMiB / 2) == std::vector<uint8_t>{1, 1, 0, 0});
}

}  // namespace tocsin
