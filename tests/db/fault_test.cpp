// Every system call of a small workload fails once, writes only half, or is the process's last one.
// No acknowledged row is lost or duplicated, the database opens, and `verify` finds no problem.
#include <algorithm>
#include <csignal>
#include <deque>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db/limits.h"
#include "db/maintenance/maintenance.h"
#include "tests/db/fault_shim.h"
#include "tests/db/random_history.h"

namespace tocsin {
namespace {

using namespace testing;

constexpr int kChildrenMax = 24;   // most of them wait for kRetryAfter after an error
constexpr int kPatience = 20'000;  // milliseconds
constexpr size_t kDirectTextBytes = kDirectBytesMin / 20 + 1;
constexpr int kExitFailed = 1;

/// A child's results, in memory shared with its parent.
struct ChildResult {
  int64_t acknowledged = 0;  ///< rows
  uint64_t call_count = 0;
};

/// Rows with texts of that additional size: more than 1 MiB in all goes directly to a file.
WriteRequest numbered_rows(int64_t first, int64_t count, size_t text_size = 0) {
  WriteRequest request;
  RowBatch& rows = request.batch.rows_of("m");
  for (int64_t n = first; n < first + count; ++n) {
    rows.begin_row(kNoon - kHour + n);
    rows.set_i64(rows.lane("n", ColumnType::kI64, ColumnKind::kField, 0), n);
    rows.set_string(
        rows.lane("text", ColumnType::kString, ColumnKind::kField, 1),
        request.batch.copy("row number " + std::to_string(n) + std::string(text_size, 'x')));
  }
  request.changes.push_back({SmallTable::kSources, "position", std::to_string(first + count)});
  return request;
}

/// Works like a process that follows a file: after any failure it continues at the stored position.
class Workload {
 public:
  Workload(std::string directory, ChildResult& result)
      : directory_(std::move(directory)), result_(result) {
    options_.clock = &clock_;
    options_.commit_interval = kMillisecond;
  }

  /// False when the store did not recover.
  bool run() {
    if (!open()) return false;
    for (int round = 0; round < 2; ++round) {
      if (!write(20) || !write(20)) return false;
      (void)database_->seal();
      if (round == 0 && !write(20, kDirectTextBytes)) return false;
      if (!write(20)) return false;
      (void)database_->compact({});
      if (!open()) return false;  // its housekeeping unlinks the files that compaction replaced
    }
    database_.reset();
    return true;
  }

 private:
  /// After a failed attempt the next one must succeed, because a fault occurs only once.
  bool open() {
    database_.reset();
    for (int i = 0; i < 3; ++i) {
      auto opened = Database::open(directory_, options_);
      if (!opened) continue;
      database_ = std::move(*opened);
      return position().has_value();
    }
    return false;
  }

  std::optional<int64_t> position() {
    for (int waited = 0; waited < kPatience; ++waited) {
      const auto stored = database_->get(SmallTable::kSources, "position");
      if (stored) return std::stoll(stored->value_or("0"));
      ::usleep(1'000);
    }
    return std::nullopt;
  }

  bool write(int64_t count, size_t text_size = 0) {
    for (int waited = 0; waited < kPatience; ++waited) {
      const auto first = position();
      if (!first) return false;
      if (database_->write(numbered_rows(*first, count, text_size))) {
        result_.acknowledged = *first + count;
        return true;
      }
      ::usleep(1'000);
    }
    return false;
  }

  const std::string directory_;
  ChildResult& result_;
  const ManualClock clock_{kNoon};
  DatabaseOptions options_;
  std::unique_ptr<Database> database_;
};

class Trial {
 public:
  Trial(uint64_t at, FaultKind kind) : at_(at), kind_(kind) {
    void* shared = ::mmap(nullptr, sizeof(ChildResult), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(shared != MAP_FAILED);
    result_ = new (shared) ChildResult;
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) run_child();
  }
  ~Trial() { ::munmap(result_, sizeof(ChildResult)); }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  /// Waits for the child and checks the database that it left. Returns how many calls it made.
  uint64_t finish() {
    INFO("call " << at_ << ", fault " << static_cast<int>(kind_));
    int status = 0;
    ::waitpid(child_, &status, 0);
    if (WIFSIGNALED(status)) {
      REQUIRE((kind_ == FaultKind::kKill || kind_ == FaultKind::kTearAndKill));
      REQUIRE(WTERMSIG(status) == SIGKILL);
    } else {  // fewer calls than planned: their number depends on the order of the threads
      REQUIRE(WIFEXITED(status));
      REQUIRE(WEXITSTATUS(status) == 0);
    }
    check_rows();
    return result_->call_count;
  }

 private:
  [[noreturn]] void run_child() {
    for (int n : {SIGTERM, SIGINT, SIGSEGV, SIGBUS, SIGABRT}) ::signal(n, SIG_DFL);
    std::freopen("/dev/null", "w", stderr);  // the store logs its trouble
    tocsin_fault_arm(at_, kind_);
    const bool done = Workload(directory_.path(), *result_).run();
    result_->call_count = tocsin_fault_count();
    ::_exit(done ? 0 : kExitFailed);
  }

  void check_rows() const {
    DatabaseOptions options;
    options.create = false;
    auto database = Database::open(directory_.path(), options);
    if (!database) {
      // Killed before anything was committed.
      INFO(database.error().message);
      REQUIRE(database.error().code == ErrorCode::kNotFound);
      REQUIRE(result_->acknowledged == 0);
      return;
    }
    std::vector<int64_t> numbers;
    for (const RowText& row : take(read_rows(**database, "m"))) {
      numbers.push_back(std::stoll(row.values.at("n").substr(4)));
    }
    std::sort(numbers.begin(), numbers.end());
    const auto position =
        std::stoll(take((*database)->get(SmallTable::kSources, "position")).value_or("0"));
    REQUIRE(position >= result_->acknowledged);
    REQUIRE(static_cast<int64_t>(numbers.size()) == position);
    for (size_t i = 0; i < numbers.size(); ++i) REQUIRE(numbers[i] == static_cast<int64_t>(i));
    const auto report = take(verify_database(directory_.path(), {}));
    REQUIRE(report.problems.empty());
    REQUIRE(report.row_count == numbers.size());
  }

  const uint64_t at_;
  const FaultKind kind_;
  const test::TemporaryFolder directory_;
  ChildResult* result_ = nullptr;
  pid_t child_ = -1;
};

uint64_t count_calls() { return Trial(0, FaultKind::kNone).finish(); }

void try_every_call(FaultKind kind, int quick_step) {
  const uint64_t call_count = count_calls();
  REQUIRE(call_count > 50);
  const auto step = static_cast<uint64_t>(trial_count(0) > 0 ? 1 : quick_step);
  std::deque<std::unique_ptr<Trial>> running;
  for (uint64_t at = 1; at <= call_count || !running.empty(); at += step) {
    if (at <= call_count) running.push_back(std::make_unique<Trial>(at, kind));
    if (at <= call_count && running.size() < kChildrenMax) continue;
    if (running.empty()) break;
    running.front()->finish();
    running.pop_front();
  }
}

TEST_CASE("faults: killed before any system call, nothing acknowledged is lost", "[faults]") {
  try_every_call(FaultKind::kKill, 1);
}

TEST_CASE("faults: killed in the middle of any write, nothing acknowledged is lost", "[faults]") {
  try_every_call(FaultKind::kTearAndKill, 1);
}

TEST_CASE("faults: any system call may fail once, and writing continues", "[faults]") {
  try_every_call(FaultKind::kIo, 3);
}

TEST_CASE("faults: any system call may find the disk full once, and writing continues",
          "[faults]") {
  try_every_call(FaultKind::kDiskFull, 4);
}

TEST_CASE("faults: any write may be short, and writing continues", "[faults]") {
  try_every_call(FaultKind::kShort, 4);
}

/// Runs in a child process. Returns 0, or the line of the check that failed.
int fill_disk(const std::string& directory) {
  std::freopen("/dev/null", "w", stderr);
  auto opened = Database::open(directory);
  if (!opened) return __LINE__;
  Database& database = **opened;
  if (!database.write(numbered_rows(0, 100))) return __LINE__;
  tocsin_fault_arm(1, FaultKind::kStayFull);
  for (size_t text_size : {size_t{0}, kDirectTextBytes}) {
    const auto report = database.write(numbered_rows(100, 100, text_size));
    if (report || report.error().code != ErrorCode::kDiskFull) return __LINE__;
    if (report.error().message.find("make room") == std::string::npos) return __LINE__;
    if (database.counters().writable) return __LINE__;
    const auto rows = read_rows(database, "m");
    if (!rows || rows->size() != 100) return __LINE__;
    for (int i = 0; i < kPatience && !database.counters().writable; ++i) ::usleep(1'000);
    if (!database.counters().writable) return __LINE__;
  }
  tocsin_fault_arm(0, FaultKind::kNone);
  bool resumed = false;
  for (int i = 0; i < kPatience && !resumed; ++i) {
    resumed = database.write(numbered_rows(100, 100)).has_value();
    if (!resumed) ::usleep(1'000);
  }
  if (!resumed || !database.seal()) return __LINE__;
  const auto rows = read_rows(database, "m");
  return rows && rows->size() == 200 ? 0 : __LINE__;
}

TEST_CASE("faults: a full disk stops writing, not reading, and writing resumes", "[faults]") {
  test::TemporaryFolder directory;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int line = fill_disk(directory.path());
    ::_exit(line == 0 ? 0 : 1 + line % 250);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace tocsin
