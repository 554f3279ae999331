// Strings stored as templates and ids must return the same results as plain strings.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/database.h"
#include "db/encoding/text_splitter.h"
#include "query/format/format.h"
#include "query/query.h"
#include "tests/db/db_support.h"
#include "tests/support/memory_database.h"
#include "tests/support/seed.h"

using namespace tocsin;

namespace {

constexpr Timestamp kMidnight = 1'700'006'400 * kSecond;
constexpr size_t kRows = 6000;  // of each measurement

/// The same rows in memory, as plain strings, and in a sealed segment of each measurement.
class TwoDatabases {
 public:
  explicit TwoDatabases(uint32_t seed, size_t row_count = kRows)
      : random_(seed), row_count_(row_count) {
    stored_ = testing::take(Database::open(folder_.path(), {}));
    add("audit", [&] { return hex_id(recent()); });
    add("bpm", [&] { return hex_id(recent()); });
    add("other", [&] { return "order-" + std::to_string(recent() % 100'000); });
    testing::take(stored_->seal());
  }

  const Database& plain() const { return plain_; }
  const Database& stored() const { return *stored_; }
  std::string some_id() { return hex_id(recent()); }

 private:
  static std::string hex_id(uint64_t number) {
    std::array<char, kSlotTextMax> digits;
    char* const end = write_slot({SlotKind::kHex, 16}, number, digits.data());
    return "tx-" + std::string(digits.data(), static_cast<size_t>(end - digits.data()));
  }

  // One of the current ids, sometimes a new one.
  uint64_t recent() {
    if (ids_.size() < 50 || random_() % 2 == 0)
      ids_.push_back((uint64_t{random_()} << 32) + random_());
    return ids_[ids_.size() - 1 - random_() % std::min<size_t>(ids_.size(), 60)];
  }

  std::string message() {
    const std::string number = std::to_string(random_() % 100'000);
    switch (random_() % 7) {
      case 0:
        return "upstream timeout after " + number + " ms on attempt " +
               std::to_string(random_() % 5);
      case 1: return "accepted by worker " + number;
      case 2: return "session " + hex_id(random_()) + " closed";
      case 3: return "checkpoint 00" + number + " written";
      case 4: return random_() % 2 == 0 ? "ready" : "Ready for tas\u212A " + number;
      case 5: return "\x02 unusual " + number;  // not split
      default:
        return "peer 10.0.0." + std::to_string(random_() % 256) + ":" + number + " timed out";
    }
  }

  template <class MakeId>
  void add(const std::string& measurement, MakeId make_id) {
    std::vector<Timestamp> times;
    std::vector<Value> ids, messages, services, durations, sizes;
    WriteRequest request;
    request.bulk = true;
    RowBatch& rows = request.batch.rows_of(measurement);
    const auto set = [&](const char* name, std::vector<Value>& column, const std::string& text) {
      if (random_() % 20 == 0) {
        column.push_back(Value::null());
        return;
      }
      column.push_back(Value::of(text));
      rows.set_string(rows.lane(name, ColumnType::kString, ColumnKind::kField, 0),
                      request.batch.copy(text));
    };
    for (size_t i = 0; i < row_count_; ++i) {
      times.push_back(kMidnight + static_cast<Timestamp>(i) * kSecond);
      rows.begin_row(times.back(), {});
      set("id", ids, make_id());
      set("message", messages, message());
      set("service", services, "svc-" + std::to_string(random_() % 8));
      const double duration = random_() % 50 == 0 ? 1.0 / 3 : random_() % 100'000 / 100.0;
      const auto size = static_cast<int64_t>(random_() % 30 == 0 ? random_() : random_() % 500);
      durations.push_back(Value::of(duration));
      sizes.push_back(Value::of(size));
      rows.set_f64(rows.lane("ms", ColumnType::kF64, ColumnKind::kField, 0), duration);
      rows.set_i64(rows.lane("size", ColumnType::kI64, ColumnKind::kField, 0), size);
    }
    plain_.add_segment(measurement, times,
                       {{"id", ids},
                        {"message", messages},
                        {"service", services},
                        {"ms", durations},
                        {"size", sizes}},
                       {.dictionary = false});
    testing::take(stored_->submit(std::move(request), [](const Result<WriteReport>& written) {
      if (!written) std::abort();
    }));
  }

  std::mt19937 random_;
  const size_t row_count_;  // of each measurement
  std::vector<uint64_t> ids_;
  test::TemporaryFolder folder_;
  MemoryDatabase plain_;
  std::unique_ptr<Database> stored_;
};

std::string csv_answer(const Database& database, const std::string& text,
                       const QueryOptions& options = {}) {
  const auto result = QueryEngine(database).run(text, options);
  if (!result) return "error: " + result.error().message;
  FormatOptions format;
  format.times_as_ns = true;
  return format_result(*result, ResultFormat::kCsv, format);
}

}  // namespace

TEST_CASE("stored text: templates and ids return the same results as plain strings", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  TwoDatabases databases(seed);
  const auto snapshot = testing::take(databases.stored().snapshot({{"audit"}, {}}));
  REQUIRE(snapshot.segments.size() == 1);
  const auto is_stored_as_templates = [&](const char* name) {
    const Column* column = snapshot.catalog->find("audit")->find(name);
    return testing::take(snapshot.segments[0]->column(*column))->has_templates();
  };
  REQUIRE(is_stored_as_templates("id"));
  REQUIRE(is_stored_as_templates("message"));

  std::vector<std::string> queries = {
      "from audit | sort time | keep id, message",
      "from audit, bpm | stats n = count() by id | sort -n, id | limit 200",
      "from audit, bpm, other | stats n = count(), a = first(message), z = last(id) by id | sort "
      "id",
      "from audit, bpm, other | stats n = count() by id, service | where n > 3 | stats m = "
      "count(), s = sum(n) by service",
      "from * | stats n = count_distinct(id), m = count_distinct(message) by measurement",
      "from audit | stats least = min(id), most = max(message), n = count(id)",
      "from audit | where not (message contains \"timeout\") | stats n = count()",
      "from audit, other | where message contains \"timeout\" and service == \"svc-3\" | stats n = "
      "count() by id | sort -n, id | limit 20",
      "from audit | let t = template(message) | stats n = count() by t | sort -n, t",
      "from other | where id =~ \"^order-1\" | stats n = count()",
      "from audit | where message in (\"ready\", \"accepted by worker 17\") | stats n = count()",
      "from * | distinct id | stats n = count()",
      "from audit | sort id | limit 30 | keep time, service, id, message",
      // Few rows remain: values are read one by one.
      "from * | where service == \"svc-3\" and message == \"ready\" | stats n = count(), s = "
      "sum(size), "
      "p50(ms), z = max(ms)",
      "from * | where ms == 0.25 or size > 1000 and service == \"svc-5\" | keep time, size, ms, "
      "service",
      "from audit | where exists(id) and length(message) > 20 | stats n = count()",
  };
  for (const char* needle : {"", "timeout", "timed", " ms on", "after 7", "7", "00", "ef",
                             "session tx-", "closed", "nowhere", "10.0.0.1", "\x02", "usual 9"}) {
    queries.push_back("from audit, bpm | where message contains \"" + std::string(needle) +
                      "\" | stats n = count(), z = last(message)");
  }
  for (int i = 0; i < 5; ++i) {
    queries.push_back("from * | where id == \"" + databases.some_id() +
                      "\" | keep time, id, message");
    queries.push_back("from * | where id != \"" + databases.some_id() + "\" | stats n = count()");
  }
  for (const std::string& query : queries) {
    INFO(query);
    const std::string expected = csv_answer(databases.plain(), query);
    CHECK(expected.find("error") != 0);
    CHECK(csv_answer(databases.stored(), query) == expected);
  }
}

TEST_CASE("stored text: every way to search for a constant finds the same rows", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  TwoDatabases databases(seed);
  const auto count = [](const Database& database, const std::string& condition) {
    return csv_answer(database, "from audit, other | where " + condition + " | stats n = count()");
  };
  for (const std::string needle :
       {"timeout", "Upstream Timeout", "READY", "task", "tasK 1", "peer 10.0", "00", "closed", "a1",
        "F", " ms on", "no such", "TX-", "s"}) {
    INFO(needle);
    std::string lower = needle, upper = needle;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    // The last way of each line is not recognised as a search for a constant.
    const std::vector<std::vector<std::string>> ways = {
        {"message contains \"" + needle + "\"", "message =~ r\"(?:" + needle + ")\""},
        {"message icontains \"" + needle + "\"", "lower(message) contains \"" + lower + "\"",
         "upper(message) contains \"" + upper + "\"",
         "trim(lower(message)) contains \"" + lower + "\""},
        {"message =~ r\"(?i)" + needle + "\"", "message =~ r\"(?i)(?:" + needle + ")\""},
        {"message !~ r\"(?i)" + needle + "\"", "message !~ r\"(?i)(?:" + needle + ")\""},
        {"not (message =~ r\"" + needle + "\")", "not (message =~ r\"(?:" + needle + ")\")"},
    };
    for (const auto& equal : ways) {
      const std::string expected = count(databases.plain(), equal.back());
      for (const std::string& condition : equal) {
        INFO(condition);
        CHECK(count(databases.plain(), condition) == expected);
        CHECK(count(databases.stored(), condition) == expected);
      }
    }
  }
}

TEST_CASE("stored text: groups that do not fit into memory are spilled to disk", "[query]") {
  const uint32_t seed = test::seed_of_run();
  INFO("seed " << seed);
  TwoDatabases databases(seed, 15 * kRows);
  const std::string source = "from audit, bpm, other | let k = lower(id) ";
  const auto stats_by = [](const std::string& key) {
    return "| stats n = count(), a = first(service) by " + key +
           " | where n > 3 | stats m = count(), s = sum(n) by a | sort a";
  };
  QueryOptions little;
  little.threads = 2;
  little.memory_bytes_max = 5 * kMiB;
  for (const char* key : {"id", "k", "id, service", "service, k", "time(1h), id"}) {
    INFO(key);
    const std::string expected = csv_answer(databases.plain(), source + stats_by(key));
    CHECK(expected.find("error") != 0);
    CHECK(csv_answer(databases.stored(), source + stats_by(key), little) == expected);
  }
  little.disk_bytes_max = 100 * kKiB;
  CHECK(csv_answer(databases.stored(), source + stats_by("id"), little)
            .starts_with("error: the query's groups need more than"));
}
