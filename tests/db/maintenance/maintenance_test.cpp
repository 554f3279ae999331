// verify, repair, backup and compact, and damage that is found while reading.
#include "db/maintenance/maintenance.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "db/limits.h"
#include "db/segment/fault_guard.h"
#include "tests/db/random_history.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using namespace testing;

WriteRequest numbered_rows(int64_t first, size_t count, Timestamp start = kDay) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("m");
  for (size_t i = 0; i < count; ++i) {
    const auto n = first + static_cast<int64_t>(i);
    rows.begin_row(start + n);
    rows.set_i64(rows.lane("n", ColumnType::kI64, ColumnKind::kField, 0), n * n % 1'000'003);
    rows.set_string(rows.lane("text", ColumnType::kString, ColumnKind::kField, 1),
                    request.batch.copy("row number " + std::to_string(n)));
  }
  return request;
}

void flip_bit(const std::string& path, uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 4));
}

std::string bytes_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> segment_files(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(directory + "/segments")) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<RowText> sorted_rows(const std::string& directory) {
  DatabaseOptions options;
  options.read_only = true;
  auto database = take(Database::open(directory, options));
  auto rows = take(read_rows(*database, "m"));
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// Runs `work` in a child with default signal handlers. Returns its exit code, or -1 if a signal
/// ended it.
int run_in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (int n : {SIGTERM, SIGINT, SIGSEGV, SIGBUS, SIGABRT}) ::signal(n, SIG_DFL);
    std::freopen("/dev/null", "w", stderr);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// ---- verify ----

TEST_CASE("verify: an intact database has no problems, even while it is written", "[db]") {
  test::TemporaryFolder directory;
  auto database = take(Database::open(directory.path()));
  take(database->write(numbered_rows(0, 1000)));
  take(database->seal());
  take(database->write(numbered_rows(1000, 10)));
  uint64_t last = 0, all = 0;
  const auto report = take(verify_database(directory.path(), [&](uint64_t done, uint64_t total) {
    last = done;
    all = total;
  }));
  CHECK(report.problems.empty());
  CHECK(report.segment_count == 2);
  CHECK(report.row_count == 1010);
  CHECK(report.unlisted_bytes == 0);
  CHECK(last == all);
  CHECK(all > 0);
  CHECK(verify_database(directory / "none", {}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("verify: a flipped bit anywhere in a segment file is reported with the segment", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 3000)));
    take(database->seal());
  }
  const std::string path = segment_files(directory.path()).at(0);
  const auto check_damaged = [&](const char* where) {
    INFO(where);
    const auto report = take(verify_database(directory.path(), {}));
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].find("segments/1/1970-01-02.000001.seg@0 is damaged") !=
          std::string::npos);
  };
  const auto check_flip = [&](const char* where, uint64_t offset) {
    flip_bit(path, offset);
    check_damaged(where);
    flip_bit(path, offset);
  };
  const uint64_t size = fs::file_size(path);
  check_flip("magic", 0);
  check_flip("header", 60);
  check_flip("header's padding", 500);
  check_flip("metadata", 512 + 100);
  check_flip("last buffer", size - 1);
  for (uint64_t offset = 1000; offset < size; offset += size / 40) check_flip("somewhere", offset);
  CHECK(take(verify_database(directory.path(), {})).problems.empty());

  fs::resize_file(path, size - 1);
  CHECK(take(verify_database(directory.path(), {})).problems.size() == 1);
  fs::remove(path);
  CHECK(take(verify_database(directory.path(), {})).problems.size() == 1);
}

TEST_CASE("verify: a flipped bit in a hot segment is reported with the segment", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 3000)));
  }
  const std::string path = directory / "catalog.mdb";
  const size_t at = bytes_of_file(path).find("TSEG");
  REQUIRE(at != std::string::npos);
  flip_bit(path, at + 600);
  const auto report = take(verify_database(directory.path(), {}));
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].find("hot 1") != std::string::npos);
  DatabaseOptions options;
  options.read_only = true;
  auto database = take(Database::open(directory.path(), options));
  CHECK(database->snapshot({{"m"}, {}}).error().code == ErrorCode::kCorrupt);
}

TEST_CASE("database: a segment that a flipped bit moves to another measurement is noticed",
          "[db]") {
  for (const bool sealed : {false, true}) {
    CAPTURE(sealed);
    test::TemporaryFolder directory;
    {
      auto database = take(Database::open(directory.path()));
      take(database->write(numbered_rows(0, 1000)));
      if (sealed) take(database->seal());
    }
    const std::string path = directory / "catalog.mdb";
    const std::string bytes = bytes_of_file(path);
    const std::string key("\0\0\0\1\x80\0\0\0\0\0\0", 11);  // measurement, day
    int keys = 0;
    for (size_t at = bytes.find(key); at != std::string::npos;
         at = bytes.find(key, at + 1), ++keys) {
      flip_bit(path, at + 3);
    }
    REQUIRE(keys > 0);
    DatabaseOptions options;
    options.read_only = true;
    const auto opened = Database::open(directory.path(), options);
    REQUIRE(!opened);
    CHECK(opened.error().message.find("tocsin repair") != std::string::npos);
  }
}

TEST_CASE("verify: leftovers of crashes are counted but not a problem; a writer removes them",
          "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 1000)));
    take(database->seal());
  }
  const std::string path = segment_files(directory.path()).at(0);
  const std::string leftover = directory / "segments/1/1970-01-02.000009.seg";
  const std::string bytes = bytes_of_file(path);
  fs::copy_file(path, leftover);
  // An intact segment after the listed one.
  const uint64_t tail = (bytes.size() + 4095) / 4096 * 4096;
  fs::resize_file(path, tail);
  std::ofstream(path, std::ios::app | std::ios::binary) << bytes;
  const auto report = take(verify_database(directory.path(), {}));
  CHECK(report.problems.empty());
  CHECK(report.unlisted_bytes == tail + bytes.size());

  { auto database = take(Database::open(directory.path())); }
  CHECK(!fs::exists(leftover));
  fs::remove(directory / "catalog.mdb");
  CHECK(take(repair_database(directory.path(), {})).row_count == 1000);
}

// ---- repair ----

TEST_CASE("repair: an intact catalog keeps every row, sealed or not, and small entries", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 100)));
    take(database->seal());
    WriteRequest request = numbered_rows(100, 10);
    request.changes.push_back({SmallTable::kRules, "rule", "state"});
    take(database->write(std::move(request)));
    auto refused = repair_database(directory.path(), {});
    CHECK(refused.error().code == ErrorCode::kConflict);
  }
  const auto before = sorted_rows(directory.path());
  const auto report = take(repair_database(directory.path(), {}));
  CHECK(report.was_intact);
  CHECK(report.left_out.empty());
  CHECK(report.row_count == 110);
  CHECK(report.hot_segment_count == 1);
  CHECK(report.old_catalog == "catalog.mdb.damaged-1");
  CHECK((sorted_rows(directory.path()) == before));
  CHECK(take(verify_database(directory.path(), {})).problems.empty());
  auto database = take(Database::open(directory.path()));
  CHECK(take(database->get(SmallTable::kRules, "rule")) == "state");
  CHECK(take(database->write(numbered_rows(200, 1))).rows_written == 1);
}

TEST_CASE("repair: without a catalog every sealed row of random histories is restored once",
          "[db]") {
  const unsigned first = first_seed();
  const auto count = static_cast<unsigned>(trial_count(15));
  for (unsigned seed = first; seed < first + count; ++seed) {
    INFO("seed " << seed);
    test::TemporaryFolder directory;
    RandomHistory::Options sizes;
    sizes.rows_max = 20;
    sizes.large_rows = 100;
    RandomHistory history(directory.path(), seed, sizes);
    for (int round = 0; round < 2; ++round) {
      history.run(20);
      history.seal();
      history.close();
      fs::remove(directory / "catalog.mdb");
      fs::remove(directory / "catalog.mdb-lock");
      if (history.pick(2) == 0) fs::remove(directory / "commit.mark");
      const auto repaired = repair_database(directory.path(), {});
      if (!repaired && repaired.error().code == ErrorCode::kNotFound) {
        CHECK(history.row_count() == 0);  // no file was ever written
        break;
      }
      REQUIRE(take(repaired).left_out.size() == 1);  // what only the catalog held
      REQUIRE(difference(history, directory.path()) == "");
      CHECK(take(verify_database(directory.path(), {})).problems.empty());
      history.open();
      history.check();
    }
  }
}

TEST_CASE("repair: without a catalog, columns keep their order and ids", "[db]") {
  test::TemporaryFolder directory;
  const auto write = [&](const std::vector<std::pair<Timestamp, std::string>>& rows) {
    auto database = take(Database::open(directory.path()));
    WriteRequest request;
    request.batch = Batch(ConflictPolicy::kKeepInRest);
    RowBatch& batch = request.batch.rows_of("m");
    for (const auto& [time, name] : rows) {
      const bool is_text = name == "text";
      batch.begin_row(time);
      const size_t lane =
          batch.lane(is_text ? "level" : name, is_text ? ColumnType::kString : ColumnType::kI64,
                     ColumnKind::kField, 0);
      is_text ? batch.set_string(lane, "error") : batch.set_i64(lane, 30);
    }
    take(database->write(std::move(request)));
    take(database->seal());
    const auto catalog = database->catalog();
    return catalog->find("m")->columns;
  };
  // The segment of the second day has the sibling only, and the first segment is lost.
  write({{kDay, "lost"}, {3 * kDay, "level"}, {2 * kDay, "text"}});
  fs::remove(segment_files(directory.path()).front());
  fs::remove(directory / "catalog.mdb");
  take(repair_database(directory.path(), {}));
  std::vector<std::pair<ColumnId, ColumnType>> columns;
  for (const Column& column : write({{kDay, "lost"}})) columns.emplace_back(column.id, column.type);
  CHECK((columns == std::vector<std::pair<ColumnId, ColumnType>>{
                        {2, ColumnType::kI64}, {3, ColumnType::kString}, {4, ColumnType::kI64}}));
}

TEST_CASE("repair: a lost or emptied catalog is not treated as a new database", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 100)));
    take(database->seal());
  }
  const auto before = sorted_rows(directory.path());
  const auto check_refused = [&](const char* how) {
    INFO(how);
    const auto opened = Database::open(directory.path());
    REQUIRE(!opened);
    CHECK(opened.error().code == ErrorCode::kCorrupt);
    CHECK(opened.error().message.find("tocsin repair") != std::string::npos);
  };
  directory.truncate("catalog.mdb");
  check_refused("emptied");
  directory.remove("catalog.mdb");
  check_refused("removed");
  directory.remove("commit.mark");
  check_refused("removed with its mark");
  take(repair_database(directory.path(), {}));
  CHECK((sorted_rows(directory.path()) == before));
}

TEST_CASE(
    "repair: a folder without catalog and segments gets an empty catalog, and the loss is named",
    "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 10)));  // in the catalog only
  }
  directory.remove("catalog.mdb");
  REQUIRE(!Database::open(directory.path()));
  const RepairReport report = take(repair_database(directory.path(), {}));
  CHECK(report.row_count == 0);
  REQUIRE(report.left_out.size() == 1);
  CHECK(report.left_out[0].find("the newest rows") != std::string::npos);
  auto database = take(Database::open(directory.path()));
  CHECK(take(database->write(numbered_rows(0, 10))).rows_written == 10);
}

TEST_CASE("repair: a segment with damage outside its values keeps the values", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 3000)));
    take(database->seal());
  }
  const auto before = sorted_rows(directory.path());
  flip_bit(segment_files(directory.path()).at(0), 60);
  CHECK(take(verify_database(directory.path(), {})).problems.size() == 1);
  CHECK(take(repair_database(directory.path(), {})).copied_count == 1);
  CHECK((sorted_rows(directory.path()) == before));
  CHECK(take(verify_database(directory.path(), {})).problems.empty());
}

TEST_CASE("repair: a damaged segment is left out and named, and its file is kept", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 3000)));
    take(database->write(numbered_rows(0, 10, 2 * kDay)));
    take(database->seal());
  }
  const std::string path = segment_files(directory.path()).at(0);
  flip_bit(path, fs::file_size(path) - 1);
  const auto report = take(repair_database(directory.path(), {}));
  REQUIRE(report.left_out.size() == 1);
  CHECK(report.left_out[0].find("segments/1/1970-01-02.000001.seg@0") != std::string::npos);
  CHECK(report.row_count == 10);
  CHECK(fs::exists(path + ".damaged"));
  CHECK(sorted_rows(directory.path()).size() == 10);
}

TEST_CASE("repair: a catalog that lost its newest commit gets the files of that commit back",
          "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 100)));
    take(database->seal());
    take(database->write(numbered_rows(100, kDirectRowsMin + 1)));
  }
  const auto before = sorted_rows(directory.path());
  const std::string catalog = directory / "catalog.mdb";
  // LMDB's two meta pages; bytes 16 to 19 are the magic number, 144 to 151 the transaction's
  // number.
  const std::string bytes = bytes_of_file(catalog);
  const auto transaction_at = [&](size_t page) {
    uint64_t number = 0;
    std::memcpy(&number, bytes.data() + page * 4096 + 144, sizeof number);
    return number;
  };
  const size_t newest = transaction_at(0) > transaction_at(1) ? 0 : 1;
  const uint64_t zero = 0;
  {
    std::fstream file(catalog, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(newest * 4096 + 144));
    file.write(reinterpret_cast<const char*>(&zero), sizeof zero);
  }
  for (bool read_only : {true, false}) {
    DatabaseOptions options;
    options.read_only = read_only;
    auto opened = Database::open(directory.path(), options);
    REQUIRE(!opened);
    CHECK(opened.error().code == ErrorCode::kCorrupt);
    CHECK(opened.error().message.find("tocsin repair") != std::string::npos);
  }
  CHECK(!take(verify_database(directory.path(), {})).problems.empty());
  const auto report = take(repair_database(directory.path(), {}));
  CHECK(report.was_intact);
  REQUIRE(report.left_out.size() == 1);
  CHECK(report.left_out[0].find("commit 3 was lost") != std::string::npos);
  CHECK((sorted_rows(directory.path()) == before));
}

// ---- backup ----

TEST_CASE("backup: a copy made while the database is written is intact, and so is the next one",
          "[db]") {
  test::TemporaryFolder directory;
  const std::string source = directory / "data", target = directory / "copy";
  auto database = take(Database::open(source));
  take(database->write(numbered_rows(0, 5000)));
  take(database->seal());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int64_t first = 5000; !stop; first += 10) {
      if (!database->write(numbered_rows(first, 10))) return;
      if (first % 100 == 0 && !database->seal()) return;
    }
  });
  uint64_t last_commit = 0;
  for (int round = 0; round < 5; ++round) {
    const auto report = take(backup_database(source, target, {}));
    CHECK(report.commit_number >= last_commit);
    last_commit = report.commit_number;
    CHECK(take(verify_database(target, {})).problems.empty());
    const auto rows = sorted_rows(target);
    CHECK(rows.size() >= 5000);
    for (size_t i = 0; i < rows.size(); ++i) {
      REQUIRE(rows[i].time == kDay + static_cast<int64_t>(i));
    }
  }
  stop = true;
  writer.join();
  database->compact({});
  const auto expected = sorted_rows(source);
  take(backup_database(source, target, {}));
  CHECK((sorted_rows(target) == expected));
  const auto again = take(backup_database(source, target, {}));
  CHECK(again.copied_bytes < again.byte_size);  // the catalog only

  CHECK(backup_database(source, source, {}).error().code == ErrorCode::kConflict);
  directory.write("else/file", "something");
  CHECK(backup_database(source, directory / "else", {}).error().code == ErrorCode::kConflict);
  auto restored = take(Database::open(target));
  CHECK(take(restored->write(numbered_rows(0, 1))).rows_written == 1);
  restored.reset();
  // The target has been opened for writing.
  CHECK(backup_database(source, target, {}).error().code == ErrorCode::kConflict);
}

TEST_CASE("backup: files of the target that differ from the source are copied again", "[db]") {
  test::TemporaryFolder directory;
  const std::string target = directory / "copy";
  for (const char* name : {"a", "b"}) {
    const std::string source = directory / name;
    auto database = take(Database::open(source));
    take(database->write(numbered_rows(name[0], 1000)));
    take(database->seal());
    take(backup_database(source, target, {}));
    CHECK(take(verify_database(target, {})).problems.empty());
    CHECK((sorted_rows(target) == sorted_rows(source)));
  }
}

// ---- compact ----

TEST_CASE("compact: small segments become one, and their files are removed", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    for (int64_t i = 0; i < 10; ++i) {
      take(database->write(numbered_rows(i * 100, 100)));
      take(database->seal());
    }
    CHECK(take(database->segment_infos({{"m"}, {}})).size() == 10);
    const auto before = take(read_rows(*database, "m"));
    take(database->compact({}));
    CHECK(take(database->segment_infos({{"m"}, {}})).size() == 1);
    CHECK(take(read_rows(*database, "m")) == before);
  }
  // The next writer's housekeeping unlinks them.
  auto database = take(Database::open(directory.path()));
  for (int i = 0; i < 2; ++i) take(database->write(WriteRequest()));
  CHECK(segment_files(directory.path()).size() == 1);
}

TEST_CASE("compact: merges of many small partitions share commits", "[db]") {
  constexpr int64_t kMeasurements = 300;
  test::TemporaryFolder directory;
  const ManualClock clock(10 * kDay);
  DatabaseOptions options;
  options.clock = &clock;
  auto database = take(Database::open(directory.path(), options));
  SnapshotScope scope;
  for (int64_t number = 0; number < kMeasurements; ++number) {
    scope.measurements.push_back("m" + std::to_string(number));
  }
  const auto write = [&](Timestamp time) {
    WriteRequest request;
    for (const std::string& name : scope.measurements) {
      request.batch.rows_of(name).begin_row(time);
    }
    take(database->write(std::move(request)));
    const uint64_t before = database->counters().commits;
    take(database->seal());
    return database->counters().commits - before;
  };
  CHECK(write(9 * kDay) == 2);
  CHECK(write(9 * kDay + 1) == 2);
  CHECK(take(database->segment_infos(scope)).size() == 2 * kMeasurements);
  const uint64_t before = database->counters().commits;
  take(database->compact({}));
  CHECK(database->counters().commits - before == 2);
  const auto merged = take(database->segment_infos(scope));
  REQUIRE(merged.size() == kMeasurements);
  for (const SegmentInfo& info : merged) CHECK(info.row_count == 2);
  database.reset();
  CHECK(take(verify_database(directory.path(), {})).problems.empty());
}

TEST_CASE("compact: the segments of a day without writes are merged automatically", "[db]") {
  test::TemporaryFolder directory;
  ManualClock clock(10 * kDay);
  DatabaseOptions options;
  options.clock = &clock;
  auto database = take(Database::open(directory.path(), options));
  for (int64_t i = 0; i < 3; ++i) {
    take(database->write(numbered_rows(i * 100, 100, 9 * kDay)));
    take(database->seal());
  }
  clock.set(clock.now() + kSettleAge - 1);
  for (int i = 0; i < 2; ++i)
    take(database->seal());  // the second runs after the merges that were due
  CHECK(take(database->segment_infos({{"m"}, {}})).size() == 3);
  clock.set(clock.now() + kMinute);
  for (int i = 0; i < 2; ++i) take(database->seal());
  CHECK(take(database->segment_infos({{"m"}, {}})).size() == 1);
}

// ---- Damage that is found while reading ----

/// Run in a child: truncates a segment's file after reading it. Returns 0 if that is detected.
int read_cut_file(const std::string& directory) {
  install_fault_guard();
  DatabaseOptions options;
  options.read_only = true;
  auto database = Database::open(directory, options);
  if (!database) return 2;
  auto snapshot = (*database)->snapshot({{"m"}, {}});
  if (!snapshot) return 3;
  if (!read_rows(*snapshot, "m")) return 4;
  const Segment& segment = *snapshot->segments[0];
  if (!segment.check_intact()) return 5;
  fs::resize_file(segment_files(directory).at(0), 512);
  std::vector<Timestamp> times(segment.info().row_count);
  (void)segment.read_times(0, times);  // checksums were compared before, so any values may be read
  const Status status = segment.check_intact();
  if (status || status.error().code != ErrorCode::kCorrupt) return 6;
  return status.error().message.find("segment segments/1/1970-01-02.000001.seg@0 is damaged") == 0
             ? 0
             : 7;
}

TEST_CASE("fault guard: a file that is truncated while mapped makes its segment damaged", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(numbered_rows(0, 20'000)));
    take(database->seal());
  }
  CHECK(run_in_child([&] { return read_cut_file(directory.path()); }) == 0);
}

TEST_CASE("fault guard: other faults end the process as usual", "[db]") {
  CHECK(run_in_child([] {
          install_fault_guard();
          ::raise(SIGBUS);
          ::raise(SIGBUS);
          return 0;
        }) == -1);
}

TEST_CASE("fault guard: a fault in the catalog ends the process with exit code 1", "[db]") {
  CHECK(run_in_child([] {
          install_fault_guard();
          const CatalogAccess access("catalog.mdb");
          ::raise(SIGSEGV);
          return 0;
        }) == 1);
}

}  // namespace
}  // namespace tocsin
