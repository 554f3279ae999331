// The tail on a real database, killed at any moment: a child process follows files while this
// process writes and rotates them and kills the child.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "db/database.h"
#include "net/tail/tail.h"
#include "tests/net/support.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

TailOptions options_for(const std::string& folder) {
  TailOptions options;
  // Rotated files match too, because a file that disappears before a scan saw it cannot be found.
  options.paths = {folder + "/logs/*"};
  options.measurement = "m";
  return options;
}

constexpr TailTiming kQuick = {.poll_interval = 5 * kMillisecond,
                               .scan_gap = kMillisecond,
                               .settle = 50 * kMillisecond,
                               .retry_delay = 5 * kMillisecond,
                               .retry_delay_max = 50 * kMillisecond};

std::unique_ptr<Database> open(const std::string& folder) {
  DatabaseOptions options;
  options.commit_interval = 5 * kMillisecond;
  auto database = Database::open(folder + "/db", options);
  REQUIRE(database);
  return *std::move(database);
}

// Runs this program again as the process that follows the files.
class Follower {
 public:
  explicit Follower(const std::string& folder) {
    setenv("TOCSIN_TEST_TAIL_FOLDER", folder.c_str(), 1);
    std::string program = "/proc/self/exe";
    std::string test = "tail crash: the process that follows";
    char* arguments[] = {program.data(), test.data(), nullptr};
    REQUIRE(posix_spawn(&process_, program.c_str(), nullptr, nullptr, arguments, environ) == 0);
  }
  ~Follower() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

 private:
  pid_t process_ = 0;
};

// The values of column `n` of measurement `m`, ascending.
std::vector<int64_t> numbers(const Database& database) {
  std::vector<int64_t> all;
  const auto snapshot = database.snapshot({.measurements = {"m"}, .range = {}});
  REQUIRE(snapshot);
  const Measurement* measurement = snapshot->catalog->find("m");
  if (measurement == nullptr) return all;
  const Column* column = measurement->find("n");
  REQUIRE(column != nullptr);
  for (const auto& segment : snapshot->segments) {
    const auto opened = segment->column(*column);
    REQUIRE(opened);
    const size_t before = all.size();
    all.resize(before + segment->info().row_count);
    REQUIRE((*opened)->read_i64(0, std::span(all).subspan(before)));
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("tail crash: the process that follows", "[.]") {
  const char* folder = std::getenv("TOCSIN_TEST_TAIL_FOLDER");
  REQUIRE(folder != nullptr);
  const auto database = open(folder);
  const SystemClock clock;
  TestLoop loop;
  const auto tail = Tail::create(loop.get(), *database, clock, {options_for(folder)}, kQuick);
  REQUIRE(tail);
  REQUIRE((*tail)->start());
  uv_run(loop.get(), UV_RUN_DEFAULT);  // until it is killed
}

TEST_CASE("tail crash: after any number of kills every line is stored exactly once", "[net]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("logs"));
  std::mt19937 random(20261125);
  int written = 0;
  const auto write = [&](int count) {
    const std::string file = "logs/" + std::to_string(random() % 3) + ".log";
    for (int i = 0; i < count; ++i) {
      const std::string n = std::to_string(written++);
      folder.append(file, (random() % 2 == 0 ? "{\"n\":" + n + "}\n" : "m n=" + n + "i\n"));
    }
  };
  for (int round = 0; round < 12; ++round) {
    write(20);
    const Follower follower(folder.path());
    const int pieces = 1 + static_cast<int>(random() % 20);
    for (int piece = 0; piece < pieces; ++piece) {
      write(10);
      // A random pause spreads the kills over the follower's work.
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 15));
    }
    if (round % 4 == 1) folder.rename("logs/1.log", "logs/1.log." + std::to_string(round));
  }
  write(10);
  const auto database = open(folder.path());
  const SystemClock clock;
  TestLoop loop;
  auto tail = Tail::create(loop.get(), *database, clock, {options_for(folder.path())}, kQuick);
  REQUIRE(tail);
  REQUIRE((*tail)->start());
  REQUIRE(loop.run_until([&] { return (*tail)->caught_up(); }));
  const auto enough = [&] { return numbers(*database).size() >= static_cast<size_t>(written); };
  CHECK(loop.run_until(enough));
  std::vector<int64_t> expected(static_cast<size_t>(written));
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(numbers(*database) == expected);
  CHECK(database->catalog()->find(kRejectedMeasurement) == nullptr);
}
