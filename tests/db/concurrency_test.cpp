// Readers concurrent with the writer and the sealer; retention concurrent with snapshots. Meant for
// ThreadSanitizer.
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "tests/db/db_support.h"

namespace tocsin {
namespace {

using namespace testing;

constexpr size_t kRowsPerWrite = 50;

WriteRequest rows_at(Timestamp time, int64_t number) {
  WriteRequest request;
  for (const char* measurement : {"a", "b"}) {
    RowBatch& rows = request.batch.rows_of(measurement);
    for (size_t i = 0; i < kRowsPerWrite; ++i) {
      rows.begin_row(time + static_cast<int64_t>(i));
      rows.set_i64(rows.lane("n", ColumnType::kI64, ColumnKind::kField, 0), number);
      rows.set_string(rows.lane("s", ColumnType::kString, ColumnKind::kTag, 1),
                      request.batch.copy("value " + std::to_string(number % 5)));
    }
  }
  return request;
}

TEST_CASE("database: snapshots taken during writes contain whole commits", "[db]") {
  test::TemporaryFolder directory;
  const ManualClock clock(kNoon);
  DatabaseOptions options;
  options.clock = &clock;
  auto database = take(Database::open(directory.path(), options));
  take(database->write(rows_at(kNoon - kHour, 0)));
  std::atomic<bool> done{false};
  std::atomic<size_t> faults{0};

  const auto read = [&] {
    uint64_t last_commit = 0;
    size_t last_rows = 0, snapshots = 0;
    while (!done || snapshots == 0) {
      auto snapshot = database->snapshot({{"a", "b"}, {}});
      if (!snapshot) {
        ++faults;
        return;
      }
      size_t counts[2] = {0, 0};
      for (const auto& segment : snapshot->segments) {
        counts[segment->info().measurement % 2] += segment->info().row_count;
        const Measurement* measurement = snapshot->catalog->find(
            segment->info().measurement == snapshot->catalog->find("a")->id ? "a" : "b");
        auto column = segment->column(*measurement->find("n"));
        std::vector<int64_t> numbers(segment->info().row_count);
        if (!column || !(*column)->read_i64(0, numbers)) ++faults;
      }
      if (counts[0] != counts[1] || counts[0] % kRowsPerWrite != 0) ++faults;
      if (counts[0] < last_rows || snapshot->commit_number < last_commit) ++faults;
      last_rows = counts[0];
      last_commit = snapshot->commit_number;
      ++snapshots;
    }
  };
  std::thread first(read), second(read);
  std::atomic<size_t> acknowledged{1};
  for (int64_t i = 1; i < 150; ++i) {
    if (i % 3 == 0) {
      take(database->submit(rows_at(kNoon - kHour + i, i), [&](Result<WriteReport> report) {
        acknowledged += report.has_value();
      }));
    } else {
      take(database->write(rows_at(kNoon - kHour + i, i)));
      ++acknowledged;
    }
    if (i % 40 == 0) take(database->seal());
  }
  take(database->seal());
  done = true;
  first.join();
  second.join();
  CHECK(faults == 0);
  CHECK(acknowledged == 150);
  CHECK(take(read_rows(*database, "a")).size() == 150 * kRowsPerWrite);
}

TEST_CASE("database: many small sealed segments of a day become one", "[db]") {
  test::TemporaryFolder directory;
  const ManualClock clock(kNoon);
  DatabaseOptions options;
  options.clock = &clock;
  auto database = take(Database::open(directory.path(), options));
  for (size_t i = 0; i < kMergeCount; ++i) {
    take(
        database->write(rows_at(kNoon - kHour + static_cast<int64_t>(i), static_cast<int64_t>(i))));
    take(database->seal());
  }
  take(database->seal());
  CHECK(take(database->segment_infos({{"a"}, {}})).size() == 1);
  CHECK(take(read_rows(*database, "a")).size() == kMergeCount * kRowsPerWrite);
}

TEST_CASE("database: merging also ends when few wide rows fill a segment", "[db]") {
  test::TemporaryFolder directory;
  const ManualClock clock(kNoon);
  DatabaseOptions options;
  options.clock = &clock;
  auto database = take(Database::open(directory.path(), options));
  constexpr size_t kWideRows = 100;
  const std::string wide(kSmallSegmentBytes / kWideRows, 'x');
  for (size_t i = 0; i < 3; ++i) {
    WriteRequest request;
    RowBatch& rows = request.batch.rows_of("a");
    for (size_t row = 0; row < kWideRows; ++row) {
      rows.begin_row(kNoon - kHour + static_cast<int64_t>(row));
      const std::string text = std::to_string(row + i * kWideRows) + wide;
      rows.set_string(rows.lane("s", ColumnType::kString, ColumnKind::kField, 0),
                      request.batch.copy(text));
    }
    take(database->write(std::move(request)));
  }
  take(database->seal());
  const auto before = take(database->segment_infos({{"a"}, {}}));
  CHECK(before.size() == 3);
  take(database->seal());
  const auto after = take(database->segment_infos({{"a"}, {}}));
  REQUIRE(after.size() == before.size());
  for (size_t i = 0; i < after.size(); ++i) CHECK(after[i].id == before[i].id);
}

TEST_CASE("database: days before the retention are dropped, open snapshots stay readable", "[db]") {
  test::TemporaryFolder directory;
  ManualClock clock(kNoon);
  DatabaseOptions options;
  options.clock = &clock;
  {
    auto database = take(Database::open(directory.path(), options));
    take(database->write(rows_at(kNoon - 5 * kDay, 1)));
    take(database->seal());
    take(database->write(rows_at(kNoon - kHour, 2)));
  }
  DatabaseOptions reading = options;
  reading.read_only = true;
  auto reader = take(Database::open(directory.path(), reading));
  auto snapshot = take(reader->snapshot({{"a", "b"}, {}}));
  CHECK(snapshot.segments.size() == 4);

  options.retention = 2 * kDay;
  auto database = take(Database::open(directory.path(), options));
  size_t left = 4;
  for (int i = 0; i < 500 && left != 2; ++i) {
    left = take(database->segment_infos({{"a", "b"}, {}})).size();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(left == 2);
  CHECK(take(read_rows(*database, "a")).size() == kRowsPerWrite);
  CHECK(take(read_rows(snapshot, "a")).size() == 2 * kRowsPerWrite);
  bool unlinked = false;
  for (int i = 0; i < 500 && !unlinked; ++i) {
    unlinked = true;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(directory.path() + "/segments")) {
      unlinked = unlinked && !entry.is_regular_file();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(unlinked);
  const WriteReport report = take(database->write(rows_at(kNoon - 3 * kDay, 1)));
  CHECK(report.rejected.size() == 2 * kRowsPerWrite);
}

}  // namespace
}  // namespace tocsin
