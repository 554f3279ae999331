// The store survives kill -9, a second process, a full disk, and damaged bytes.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/limits.h"
#include "db/maintenance/maintenance.h"
#include "tests/db/random_history.h"

namespace tocsin {
namespace {

using namespace testing;

WriteRequest rows_and_position(int64_t first, size_t count, size_t text_size = 0) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("m");
  for (size_t i = 0; i < count; ++i) {
    rows.begin_row(kDay + first + static_cast<int64_t>(i));
    rows.set_i64(rows.lane("n", ColumnType::kI64, ColumnKind::kField, 0),
                 first + static_cast<int64_t>(i));
    rows.set_string(
        rows.lane("text", ColumnType::kString, ColumnKind::kField, 1),
        request.batch.copy("row number " + std::to_string(first) + std::string(text_size, 'x')));
  }
  request.changes.push_back(
      {SmallTable::kSources, "position", std::to_string(first + static_cast<int64_t>(count))});
  return request;
}

std::vector<int64_t> numbers_in(const Database& database) {
  std::vector<int64_t> numbers;
  for (const RowText& row : take(read_rows(database, "m"))) {
    numbers.push_back(std::stoll(row.values.at("n").substr(4)));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

int64_t position_in(const Database& database) {
  return std::stoll(take(database.get(SmallTable::kSources, "position")).value_or("0"));
}

/// For a child process: a signal ends it instead of running the test framework's handlers.
void forget_handlers() {
  for (int number : {SIGTERM, SIGINT, SIGSEGV, SIGABRT, SIGILL, SIGFPE}) ::signal(number, SIG_DFL);
}

/// Writes rows until it is killed. After each commit it writes the number of acknowledged rows to
/// the pipe.
[[noreturn]] void write_until_killed(const std::string& directory, int acknowledge) {
  forget_handlers();
  auto database = Database::open(directory);
  if (!database) ::_exit(1);
  int64_t next = position_in(**database);
  for (int round = 0;; ++round) {
    constexpr size_t count = 50;
    // Every seventh commit goes directly to a file.
    const size_t text_size = round % 7 == 6 ? kDirectBytesMin / count + 1 : 0;
    if (!(*database)->write(rows_and_position(next, count, text_size))) ::_exit(1);
    next += static_cast<int64_t>(count);
    if (::write(acknowledge, &next, sizeof next) != sizeof next) ::_exit(1);
    if (round % 5 == 4 && !(*database)->seal()) ::_exit(1);
  }
}

/// Kills the child `delay` microseconds after the first commit; returns how many rows were
/// acknowledged.
int64_t kill_while_it_writes(const std::string& directory, useconds_t delay) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    write_until_killed(directory, ends[1]);
  }
  ::close(ends[1]);
  int64_t next = 0, acknowledged = 0;
  REQUIRE(::read(ends[0], &next, sizeof next) == sizeof next);
  acknowledged = next;
  ::usleep(delay);
  ::kill(child, SIGKILL);
  while (::read(ends[0], &next, sizeof next) == sizeof next) acknowledged = next;
  ::close(ends[0]);
  int status;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);
  return acknowledged;
}

// TOCSIN_LONG=1000 kills 1,000 times.
TEST_CASE("database: kill -9 neither loses nor duplicates an acknowledged row", "[db]") {
  constexpr int kKillsPerDatabase = 10;
  std::mt19937 random(first_seed() + 10);
  const int count = trial_count(50);
  for (int done = 0; done < count; done += kKillsPerDatabase) {
    test::TemporaryFolder directory;
    for (int round = done; round < std::min(count, done + kKillsPerDatabase); ++round) {
      INFO("seed " << first_seed() << ", kill " << round);
      const int64_t acknowledged =
          kill_while_it_writes(directory.path(), static_cast<useconds_t>(random() % 40'000));
      auto database = take(Database::open(directory.path()));
      const auto numbers = numbers_in(*database);
      REQUIRE(static_cast<int64_t>(numbers.size()) >= acknowledged);
      REQUIRE(static_cast<int64_t>(numbers.size()) == position_in(*database));
      for (size_t i = 0; i < numbers.size(); ++i) REQUIRE(numbers[i] == static_cast<int64_t>(i));
      REQUIRE(take(verify_database(directory.path(), {})).problems.empty());
    }
  }
}

TEST_CASE("database: another process reads while this one writes", "[db]") {
  test::TemporaryFolder directory;
  int go[2], answer[2];
  REQUIRE(::pipe(go) == 0);
  REQUIRE(::pipe(answer) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    forget_handlers();
    ::close(go[1]);
    // Opened in the child only: an LMDB environment must not cross a fork.
    std::unique_ptr<Database> database;
    char token;
    while (::read(go[0], &token, 1) == 1) {
      if (!database) {
        DatabaseOptions options;
        options.read_only = true;
        auto opened = Database::open(directory.path(), options);
        if (!opened) ::_exit(1);
        database = std::move(*opened);
      }
      auto rows = read_rows(*database, "m");
      const int64_t count = rows ? static_cast<int64_t>(rows->size()) : -1;
      if (::write(answer[1], &count, sizeof count) != sizeof count) ::_exit(1);
      const auto refused = database->write(WriteRequest());
      if (refused || refused.error().code != ErrorCode::kInvalid) ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(go[0]);
  const auto count_there = [&] {
    int64_t count = -2;
    REQUIRE(::write(go[1], "x", 1) == 1);
    REQUIRE(::read(answer[0], &count, sizeof count) == sizeof count);
    return count;
  };
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(rows_and_position(0, 100)));
    CHECK(count_there() == 100);
    take(database->write(rows_and_position(100, kDirectRowsMin + 1)));
    CHECK(count_there() == 100 + static_cast<int64_t>(kDirectRowsMin) + 1);
    take(database->seal());
    CHECK(count_there() == 100 + static_cast<int64_t>(kDirectRowsMin) + 1);
  }
  CHECK(count_there() == 100 + static_cast<int64_t>(kDirectRowsMin) + 1);
  ::close(go[1]);
  int status;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

/// Runs in a child process, whose files are limited in size. Returns 0, or the line of the check
/// that failed.
int fill_disk(const std::string& directory) {
  forget_handlers();
  ::signal(SIGXFSZ, SIG_IGN);
  auto opened = Database::open(directory);
  if (!opened) return __LINE__;
  Database& database = **opened;
  if (!database.write(rows_and_position(0, 100))) return __LINE__;
  rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{4096, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  for (size_t count : {size_t{100}, kDirectRowsMin + 1}) {
    auto report = database.write(rows_and_position(100, count));
    if (report || report.error().code != ErrorCode::kDiskFull) return __LINE__;
    if (database.counters().writable || database.counters().trouble.empty()) return __LINE__;
    auto refused = database.submit(rows_and_position(100, 1), [](Result<WriteReport>) {});
    if (refused || refused.error().code != ErrorCode::kDiskFull) return __LINE__;
    if (read_rows(database, "m").value_or(std::vector<RowText>()).size() != 100) return __LINE__;
    // The store tries again by itself, and the next write fails again.
    for (int i = 0; i < 500 && !database.counters().writable; ++i) ::usleep(10'000);
    if (!database.counters().writable) return __LINE__;
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  bool resumed = false;
  for (int i = 0; i < 500 && !resumed; ++i) {
    resumed = database.write(rows_and_position(100, 100)).has_value();
    if (!resumed) ::usleep(10'000);
  }
  if (!resumed) return __LINE__;
  if (!database.seal()) return __LINE__;
  return read_rows(database, "m").value_or(std::vector<RowText>()).size() == 200 ? 0 : __LINE__;
}

TEST_CASE("database: a full disk stops writing, not reading, and writing resumes", "[db]") {
  test::TemporaryFolder directory;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::freopen("/dev/null", "w", stderr);  // the store logs its trouble
    const int line = fill_disk(directory.path());
    // An exit status has only 8 bits.
    ::_exit(line == 0 ? 0 : 1 + line % 250);
  }
  int status;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

std::string only_segment_file(const std::string& directory) {
  std::string found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory + "/segments")) {
    if (entry.is_regular_file()) found = entry.path();
  }
  return found;
}

TEST_CASE("database: damage to a segment is reported with its name, never returned as data",
          "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(rows_and_position(0, 5000)));
    take(database->seal());
  }
  const std::string path = only_segment_file(directory.path());
  const auto size = std::filesystem::file_size(path);
  std::vector<RowText> expected;
  {
    auto database = take(Database::open(directory.path()));
    expected = take(read_rows(*database, "m"));
  }
  std::mt19937 random(12);
  size_t noticed = 0;
  DatabaseOptions options;
  options.read_only = true;
  for (int round = 0; round < 200; ++round) {
    const auto at = static_cast<std::streamoff>(random() % size);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ static_cast<char>(1 << random() % 8)));
    file.flush();
    {
      auto database = take(Database::open(directory.path(), options));
      auto rows = read_rows(*database, "m");
      if (rows) {
        // The damage is in padding or in the header, which only `repair` reads.
        CHECK((*rows == expected));
      } else {
        ++noticed;
        CHECK(rows.error().code == ErrorCode::kCorrupt);
        CHECK(rows.error().message.find("segments/1/1970-01-02.000001.seg@0") != std::string::npos);
      }
    }
    file.seekp(at);
    file.put(byte);
  }
  CHECK(noticed > 80);

  std::filesystem::resize_file(path, size - 1);
  auto database = take(Database::open(directory.path(), options));
  auto snapshot = database->snapshot({{"m"}, {}});
  REQUIRE(!snapshot);
  CHECK(snapshot.error().code == ErrorCode::kCorrupt);
  std::filesystem::remove(path);
  snapshot = database->snapshot({{"m"}, {}});
  REQUIRE(!snapshot);
  CHECK(snapshot.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("database: a file with an unlisted tail is not appended to", "[db]") {
  test::TemporaryFolder directory;
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(rows_and_position(0, 100)));
    take(database->seal());
  }
  const std::string path = only_segment_file(directory.path());
  const auto size = std::filesystem::file_size(path);
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(rows_and_position(100, 100)));
    take(database->seal());
    CHECK(std::filesystem::file_size(path) > size);  // appended at the listed end
  }
  std::ofstream(path, std::ios::app) << "left by a crash";
  const auto with_tail = std::filesystem::file_size(path);
  {
    auto database = take(Database::open(directory.path()));
    take(database->write(rows_and_position(200, 100)));
    take(database->seal());
    CHECK(numbers_in(*database).size() == 300);
    CHECK(std::filesystem::file_size(path) == with_tail);
    CHECK(take(database->segment_infos({{"m"}, {}})).size() == 3);
  }
}

}  // namespace
}  // namespace tocsin
