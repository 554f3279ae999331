#include "db/database.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using namespace testing;

const ManualClock& clock_at_noon() {
  static const ManualClock clock(kNoon);
  return clock;
}

DatabaseOptions options_at_noon() {
  DatabaseOptions options;
  options.clock = &clock_at_noon();
  return options;
}

WriteRequest audit_rows(size_t rows, Timestamp start = kNoon - kHour, Duration step = kSecond) {
  WriteRequest request;
  RowBatch& batch = request.batch.rows_of("audit");
  for (size_t i = 0; i < rows; ++i) {
    batch.begin_row(start + static_cast<int64_t>(i) * step);
    batch.set_string(batch.lane("service", ColumnType::kString, ColumnKind::kTag, 0),
                     i % 3 == 0 ? "payment" : "account");
    batch.set_i64(batch.lane("duration_ms", ColumnType::kI64, ColumnKind::kField, 1),
                  static_cast<int64_t>(i * 7 % 1000));
  }
  return request;
}

TEST_CASE("database: rows are readable at once, after a seal, and after reopening", "[db]") {
  test::TemporaryFolder directory;
  std::vector<RowText> before;
  {
    auto database = take(Database::open(directory.path(), options_at_noon()));
    const WriteReport report = take(database->write(audit_rows(100)));
    CHECK(report.rows_written == 100);
    CHECK(report.commit_number == 1);
    before = take(read_rows(*database, "audit"));
    REQUIRE(before.size() == 100);
    CHECK(before[1].values.at("service") == "string:account");
    CHECK(before[1].values.at("duration_ms") == "i64:7");
    take(database->seal());
    CHECK(take(read_rows(*database, "audit")) == before);
    auto infos = take(database->segment_infos({{"audit"}, {}}));
    REQUIRE(infos.size() == 1);
    CHECK(infos[0].sealed);
    CHECK(infos[0].name == "segments/1/2026-11-24.000001.seg@0");
  }
  auto database = take(Database::open(directory.path(), options_at_noon()));
  CHECK(take(read_rows(*database, "audit")) == before);
}

TEST_CASE("database: closing commits what was submitted", "[db]") {
  test::TemporaryFolder directory;
  std::vector<bool> outcomes;  // filled on the writer thread, read after it has ended
  {
    DatabaseOptions options = options_at_noon();
    options.commit_interval = kHour;
    auto database = take(Database::open(directory.path(), options));
    for (bool bulk : {false, true}) {
      WriteRequest request = audit_rows(10);
      request.bulk = bulk;
      take(database->submit(std::move(request), [&](Result<WriteReport> report) {
        outcomes.push_back(report.has_value());
      }));
    }
  }
  CHECK(outcomes == std::vector<bool>{true, true});
  auto database = take(Database::open(directory.path(), options_at_noon()));
  CHECK(take(read_rows(*database, "audit")).size() == 20);
}

TEST_CASE("database: a second writer is refused with the first one's pid", "[db]") {
  test::TemporaryFolder directory;
  auto first = take(Database::open(directory.path()));
  auto second = Database::open(directory.path());
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::kConflict);
  CHECK(second.error().message.find("pid " + std::to_string(::getpid())) != std::string::npos);
}

TEST_CASE("database: writing stops while a path of the database leads elsewhere, then resumes",
          "[db]") {
  namespace fs = std::filesystem;
  test::TemporaryFolder parent;
  const std::string data = parent / "data", aside = parent / "aside";
  auto database = take(Database::open(data, options_at_noon()));
  take(database->write(audit_rows(10)));
  for (const char* name : {"", "/catalog.mdb", "/catalog.mdb-lock", "/writer.lock"}) {
    for (const bool replaced : {false, true}) {
      INFO(name << (replaced ? " replaced" : " renamed"));
      fs::rename(data + name, aside);
      if (replaced && *name == 0) fs::create_directory(data);
      if (replaced && *name != 0) std::ofstream(data + name) << "other";
      const auto refused = database->write(audit_rows(10));
      REQUIRE(!refused);
      CHECK(refused.error().code == ErrorCode::kIo);
      const DatabaseCounters counters = database->counters();
      CHECK(!counters.writable);
      CHECK(counters.trouble.find(data + name + " was") == 0);
      if (replaced) CHECK((*name != 0 || fs::is_empty(data)));
      fs::remove(data + name);
      fs::rename(aside, data + name);
      while (!database->counters().writable) std::this_thread::yield();
    }
  }
  CHECK(take(database->write(audit_rows(10))).rows_written == 10);
  CHECK(take(read_rows(*database, "audit")).size() == 20);
}

TEST_CASE("database: a second writer is refused although writer.lock was deleted", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  directory.remove("writer.lock");
  const auto second = Database::open(directory.path(), options_at_noon());
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::kConflict);
}

TEST_CASE("database: a missing database is not found unless it may be created", "[db]") {
  test::TemporaryFolder directory;
  DatabaseOptions options;
  options.create = false;
  auto missing = Database::open(directory.path() + "/none", options);
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::kNotFound);
  auto empty = Database::open(directory.path(), options);
  REQUIRE(!empty);
  CHECK(empty.error().code == ErrorCode::kNotFound);
  options.read_only = true;
  auto reader = Database::open(directory.path(), options);
  REQUIRE(!reader);
  CHECK(reader.error().code == ErrorCode::kNotFound);
}

TEST_CASE("database: a database that lost its catalog is not mistaken for a new one", "[db]") {
  test::TemporaryFolder directory;
  {
    const auto database = take(Database::open(directory.path(), options_at_noon()));
    take(database->write(audit_rows(10)));
    take(database->seal());
  }
  std::filesystem::remove(directory / "catalog.mdb");
  for (const bool read_only : {true, false}) {
    DatabaseOptions options = options_at_noon();
    options.read_only = read_only;
    const auto database = Database::open(directory.path(), options);
    REQUIRE(!database);
    CHECK(database.error().code == ErrorCode::kCorrupt);
    CHECK(database.error().message.find("tocsin repair") != std::string::npos);
  }
}

TEST_CASE("database: rows and small changes are committed together", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  WriteRequest request = audit_rows(1);
  request.changes.push_back({SmallTable::kSources, "tail/a", "17"});
  request.changes.push_back({SmallTable::kSources, "tail/b", "18"});
  request.changes.push_back({SmallTable::kOutbox, "tail/c", "19"});
  take(database->write(std::move(request)));
  CHECK(take(database->get(SmallTable::kSources, "tail/a")) == "17");
  CHECK(take(database->list(SmallTable::kSources, "tail/")).size() == 2);
  CHECK(take(database->list(SmallTable::kSources, "x")).empty());
  const auto keys = [&](std::string_view prefix, SmallRange range) {
    std::string out;
    for (const SmallEntry& entry : take(database->list(SmallTable::kSources, prefix, range)))
      out += entry.key + ' ';
    return out;
  };
  CHECK(keys("tail/", {.count_max = 1}) == "tail/a ");
  CHECK(keys("tail/", {.count_max = 0}).empty());
  CHECK(keys("tail/", {.from = "tail/a", .count_max = 2}) == "tail/a tail/b ");
  CHECK(keys("tail/", {.from = "tail/aa"}) == "tail/b ");
  CHECK(keys("tail/", {.from = "a"}) == "tail/a tail/b ");
  CHECK(keys("tail/", {.from = "u"}).empty());
  WriteRequest removal;
  removal.changes.push_back({SmallTable::kSources, "tail/a", std::nullopt});
  take(database->write(std::move(removal)));
  CHECK(take(database->get(SmallTable::kSources, "tail/a")) == std::nullopt);
  WriteRequest invalid;
  invalid.changes.push_back({SmallTable::kSources, std::string(401, 'k'), "v"});
  CHECK(database->write(std::move(invalid)).error().code == ErrorCode::kInvalid);
}

TEST_CASE("database: a large commit goes directly to a file, a small one stays hot", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  take(database->write(audit_rows(kDirectRowsMin, kNoon - kHour, kMillisecond)));
  CHECK(!take(database->segment_infos({{"audit"}, {}}))[0].sealed);
  take(database->write(audit_rows(kDirectRowsMin + 1, kNoon, kMillisecond)));
  auto infos = take(database->segment_infos({{"audit"}, {}}));
  REQUIRE(infos.size() == 2);
  CHECK(infos[1].sealed);
  CHECK(take(read_rows(*database, "audit")).size() == 2 * kDirectRowsMin + 1);
}

TEST_CASE("database: bulk rows end up in full segments", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  constexpr size_t kPart = 50'000;
  size_t answered = 0;
  for (size_t i = 0; i < 6; ++i) {
    WriteRequest request =
        audit_rows(kPart, kNoon - 10 * kHour + static_cast<int64_t>(i * kPart), 1);
    request.bulk = true;
    take(database->submit(std::move(request),
                          [&](Result<WriteReport> report) { answered += report.has_value(); }));
  }
  take(database->seal());
  CHECK(answered == 6);
  auto infos = take(database->segment_infos({{"audit"}, {}}));
  REQUIRE(infos.size() <= 3);
  size_t rows = 0;
  for (const SegmentInfo& info : infos) {
    CHECK(info.sealed);
    rows += info.row_count;
  }
  CHECK(rows == 6 * kPart);
}

TEST_CASE("database: late rows are stored after their bulk day was encoded early", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  constexpr size_t kLarge = 60'000;  // rows of the day that is encoded early
  constexpr size_t kRequests = 150;
  size_t answered = 0;
  const auto submit = [&](WriteRequest request) {
    request.bulk = true;
    take(database->submit(std::move(request),
                          [&](Result<WriteReport> report) { answered += report.has_value(); }));
  };
  submit(audit_rows(kLarge, kNoon - kDay, kMillisecond));
  for (size_t i = 0; i < kRequests; ++i) {
    submit(audit_rows(10, kNoon - kHour + static_cast<int64_t>(i) * kSecond, kMillisecond));
  }
  submit(audit_rows(1, kNoon - kDay + kMicrosecond));
  take(database->seal());
  CHECK(answered == kRequests + 2);
  const auto rows = take(read_rows(*database, "audit"));
  CHECK(rows.size() == kLarge + kRequests * 10 + 1);
  CHECK(take(database->segment_infos({{"audit"}, {}})).size() == 3);
}

TEST_CASE("database: a snapshot contains the segments in its range and never changes", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  take(database->write(audit_rows(10, kNoon - 3 * kDay)));
  take(database->write(audit_rows(10, kNoon - kHour)));
  auto snapshot = take(database->snapshot({{"audit", "unknown"}, {kNoon - kDay, kNoon}}));
  CHECK(snapshot.segments.size() == 1);
  CHECK(snapshot.commit_number == 2);
  take(database->write(audit_rows(10, kNoon - kHour)));
  take(database->seal());
  CHECK(take(read_rows(snapshot, "audit")).size() == 10);
  auto later = take(database->snapshot({{"audit"}, {kNoon - kDay, kNoon}}));
  CHECK(take(read_rows(later, "audit")).size() == 20);
  auto [start, end] =
      take(later.segments[0]->rows_in({kNoon - kHour, kNoon - kHour + 3 * kSecond}));
  CHECK(start == 0);
  CHECK(end == 6);
}

TEST_CASE("database: retention and future_max can be changed while it is open", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path(), options_at_noon()));
  CHECK(take(database->write(audit_rows(1, kNoon - 10 * kDay))).rejected.empty());
  CHECK(take(database->write(audit_rows(1, kNoon + 2 * kDay))).rejected.size() == 1);
  DatabaseOptions changed = options_at_noon();
  changed.future_max = 3 * kDay;
  changed.retention = 5 * kDay;
  changed.measurement_retention = {{"bpm", 20 * kDay}};
  take(database->change_options(changed));
  CHECK(take(database->write(audit_rows(1, kNoon + 2 * kDay))).rejected.empty());
  const WriteReport old = take(database->write(audit_rows(1, kNoon - 10 * kDay)));
  REQUIRE(old.rejected.size() == 1);
  CHECK(old.rejected[0].reason.find("retention") != std::string::npos);
  CHECK(database->counters().last_commit == kNoon);
  DatabaseOptions read_only = options_at_noon();
  read_only.read_only = true;
  CHECK_FALSE(take(Database::open(directory.path(), read_only))->change_options(changed));
}

TEST_CASE("database: a later format is refused, and both versions are named", "[db]") {
  test::TemporaryFolder directory;
  { auto database = take(Database::open(directory.path())); }
  write_future_format(directory.path());
  for (bool read_only : {false, true}) {
    DatabaseOptions options;
    options.read_only = read_only;
    auto database = Database::open(directory.path(), options);
    REQUIRE(!database);
    CHECK(database.error().code == ErrorCode::kUnsupported);
    CHECK(database.error().message.find("format 99") != std::string::npos);
    CHECK(database.error().message.find("up to format 2") != std::string::npos);
  }
}

}  // namespace
}  // namespace tocsin
