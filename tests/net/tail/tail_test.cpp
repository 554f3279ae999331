#include "net/tail/tail.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/base/log.h"
#include "net/parse/framer.h"
#include "net/tail/identity.h"
#include "net/tail/reader.h"
#include "tests/net/support.h"
#include "tests/net/tail/fake_database.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

constexpr TailTiming kQuick = {.poll_interval = 10 * kMillisecond,
                               .scan_gap = 2 * kMillisecond,
                               .settle = 60 * kMillisecond,
                               .open_quote_max = 40 * kMillisecond,
                               .retry_delay = 5 * kMillisecond,
                               .retry_delay_max = 20 * kMillisecond};

TailOptions follow(const std::string& glob) {
  TailOptions options;
  options.paths = {glob};
  return options;
}

// A store and a tail that writes to it. Destroying it simulates the end of the process.
struct Process {
  explicit Process(std::vector<TailOptions> options, StoreState state = {})
      : database(std::move(state)) {
    auto made = Tail::create(loop.get(), database, clock, std::move(options), kQuick, &lags);
    REQUIRE(made);
    tail = *std::move(made);
    REQUIRE(tail->start());
  }

  bool until_rows(std::vector<std::string> expected) {
    std::sort(expected.begin(), expected.end());
    const bool held = loop.run_until([&] { return rows() == expected; });
    if (!held) CHECK(rows() == expected);
    return held;
  }
  // Runs the loop for longer than a rotated file's last line has to wait.
  void settle() {
    const Timestamp end = clock.now() + 4 * kQuick.settle;
    REQUIRE(loop.run_until([&] { return clock.now() > end; }));
  }
  std::vector<std::string> rows() const {
    auto all = database.state().rows;
    std::sort(all.begin(), all.end());
    return all;
  }

  FakeDatabase database;
  SystemClock clock;
  LagLog lags;
  TestLoop loop;
  std::unique_ptr<Tail> tail;
};

// The n-th line and its row; one or two lines are long enough for a head.
std::string line(int n) {
  return R"({"n":)" + std::to_string(n) +
         R"(,"text":"the quick brown fox jumps over the lazy dog"})" + "\n";
}
std::string row(const std::string& measurement, int n) {
  return measurement + " n=" + std::to_string(n) +
         " text=the quick brown fox jumps over the lazy dog";
}
std::string lines(int from, int to) {
  std::string out;
  for (int n = from; n < to; ++n) out += line(n);
  return out;
}
std::vector<std::string> rows(const std::string& measurement, int from, int to) {
  std::vector<std::string> out;
  for (int n = from; n < to; ++n) out.push_back(row(measurement, n));
  return out;
}

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("tail: the folder's name is the measurement", "[net]") {
  const TemporaryFolder folder;
  folder.append("audit/x.json", lines(0, 2));
  Process process({follow(folder.path("*/*.json"))});
  REQUIRE(process.until_rows(rows("audit", 0, 2)));
  folder.append("audit/x.json", lines(2, 3));
  folder.append("bpm/y.json", lines(5, 6));
  CHECK(process.until_rows(rows("audit", 0, 3) + rows("bpm", 5, 6)));
  CHECK(process.tail->counters().files == 2);
  CHECK(process.tail->counters().rows == 4);
  CHECK(process.tail->counters().bytes == lines(0, 4).size());
}

TEST_CASE("tail: the measurement comes from the line, else from the option, else from the folder",
          "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", "{\"n\":1}\n{\"measurement\":\"own\",\"n\":2}\n");
  TailOptions options = follow(folder.path("a/*.json"));
  options.measurement = "given";
  Process process({options});
  CHECK(process.until_rows({"given n=1", "own n=2"}));
}

TEST_CASE("tail: line protocol and JSON lines may share a file", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log",
                "cpu v=1i 1764072000000000000\n{\"n\":1}\n\ncpu v=2i 1764072000000000000\n");
  Process process({follow(folder.path("a/*.log"))});
  CHECK(process.until_rows({"a n=1", "cpu v=1", "cpu v=2"}));
}

TEST_CASE("tail: a bad line is rejected with its place, and reading continues", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", "{\"n\":1}\n{\"n\":\n{\"n\":3}\n");
  Process process({follow(folder.path("a/*.json"))});
  REQUIRE(process.until_rows({"a n=1", "a n=3"}));
  const auto rejected = process.database.state().rejected;
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].second == "{\"n\":");
  CHECK(rejected[0].first.find("(line at byte 8 of the file)") != std::string::npos);
  CHECK(process.tail->counters().rejected == 1);
}

TEST_CASE("tail: a line is stored when its newline has arrived", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", "{\"n\":1}\n{\"n\":");
  Process process({follow(folder.path("a/*.json"))});
  REQUIRE(process.until_rows({"a n=1"}));
  process.settle();
  CHECK(process.rows().size() == 1);
  folder.append("a/x.json", "2}\n");
  CHECK(process.until_rows({"a n=1", "a n=2"}));
  CHECK(process.database.state().rejected.empty());
}

TEST_CASE("tail: a last line without a newline is stored after a while, what follows is rejected",
          "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", "{\"n\":1}\n{\"n\":2}");
  folder.append("a/y.json", line(3) + "{\"n\":4}");
  folder.append("a/z.json", line(5) + "{\"n\":6}");
  TailOptions options = follow(folder.path("a/*.json"));
  options.last_line_wait = kQuick.settle;
  StoreState state;
  {
    Process process({options});
    REQUIRE(process.until_rows(std::vector<std::string>{"a n=1", "a n=2", "a n=4", "a n=6"} +
                               rows("a", 3, 4) + rows("a", 5, 6)));
    folder.append("a/x.json", " rest\n{\"n\":7}\n");
    CHECK(process.until_rows(std::vector<std::string>{"a n=1", "a n=2", "a n=4", "a n=6", "a n=7"} +
                             rows("a", 3, 4) + rows("a", 5, 6)));
    state = process.database.state();
    REQUIRE(state.rejected.size() == 1);
    CHECK(state.rejected[0].first.find("continues the line that ended without a newline at byte") ==
          0);
    CHECK(state.rejected[0].second == " rest");
  }
  // Also after a restart; a newline alone is no continuation.
  folder.append("a/y.json", "\n{\"n\":8}\n");
  folder.append("a/z.json", "}");
  Process process({options}, state);
  REQUIRE(process.loop.run_until([&] { return process.database.state().rejected.size() == 2; }));
  CHECK(process.database.state().rejected[1].second == "}");
  CHECK(process.until_rows(
      std::vector<std::string>{"a n=1", "a n=2", "a n=4", "a n=6", "a n=7", "a n=8"} +
      rows("a", 3, 4) + rows("a", 5, 6)));
}

TEST_CASE("tail: caught up when everything that existed at start is stored", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", lines(0, 100) + "{\"unfinished\":");
  folder.append("a/y.json", "");
  Process process({follow(folder.path("a/*.json"))});
  CHECK_FALSE(process.tail->caught_up());
  REQUIRE(process.loop.run_until([&] { return process.tail->caught_up(); }));
  CHECK(process.rows().size() == 100);
}

TEST_CASE("tail: without sources it is caught up", "[net]") {
  Process process({});
  CHECK(process.tail->caught_up());
}

TEST_CASE("tail: a renamed file is read to its end, and its successor from the start", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 3));
  for (const char* glob : {"a/*.log", "a/*"}) {  // the rotated name outside and inside the glob
    Process process({follow(folder.path(glob))});
    REQUIRE(process.until_rows(rows("a", 0, 3)));
    folder.append("a/x.log", lines(3, 4));
    folder.rename("a/x.log", "a/x.log.1");
    folder.append("a/x.log.1", lines(4, 5));
    folder.append("a/x.log", lines(10, 12));
    CHECK(process.until_rows(rows("a", 0, 5) + rows("a", 10, 12)));
    process.settle();
    CHECK(process.rows().size() == 7);
    folder.remove("a/x.log.1");
    folder.remove("a/x.log");
    folder.append("a/x.log", lines(0, 3));
  }
}

TEST_CASE("tail: files that are rotated faster than they are scanned are all read", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 3));
  folder.append("a/x.log.1", lines(900, 903));
  const auto begun = std::filesystem::last_write_time(folder.path("a/x.log"));
  std::filesystem::last_write_time(folder.path("a/x.log.1"), begun - std::chrono::hours(1));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 3)));
  for (int n = 1; n < 5; ++n) {
    for (int k = n; k > 0; --k) {
      folder.rename("a/x.log." + std::to_string(k), "a/x.log." + std::to_string(k + 1));
    }
    folder.rename("a/x.log", "a/x.log.1");
    folder.append("a/x.log", lines(10 * n, 10 * n + 2));
    // As if they were rotated every 150 ms.
    std::filesystem::last_write_time(folder.path("a/x.log"),
                                     begun + n * std::chrono::milliseconds(150));
  }
  CHECK(process.until_rows(rows("a", 0, 3) + rows("a", 10, 12) + rows("a", 20, 22) +
                           rows("a", 30, 32) + rows("a", 40, 42)));
}

TEST_CASE("tail: the last line of a renamed file needs no newline after a while", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", line(0) + R"({"n":1})");
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 1)));
  folder.rename("a/x.log", "a/x.log.1");
  CHECK(process.until_rows(rows("a", 0, 1) + std::vector<std::string>{"a n=1"}));
}

TEST_CASE("tail: a rotated file that no glob covers keeps its position and is not read", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", line(0));
  folder.append("a/x.log.1", line(1) + "{\"n\":");
  StoreState state;
  {
    Process process({follow(folder.path("a/*.log*"))});
    REQUIRE(process.until_rows(rows("a", 0, 2)));
    state = process.database.state();
  }
  folder.remove("a/x.log");  // so that its siblings are searched for
  folder.append("a/x.log.1", "2}\n");
  {
    Process process({follow(folder.path("a/*.log"))}, state);
    process.settle();
    CHECK(process.tail->caught_up());
    CHECK(process.rows() == rows("a", 0, 2));
    state = process.database.state();
  }
  Process process({follow(folder.path("a/*.log*"))}, state);
  CHECK(process.until_rows(rows("a", 0, 2) + std::vector<std::string>{"a n=2"}));
}

TEST_CASE("tail: running out of descriptors does not make files seem to be gone", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", line(0) + "{\"n\":");
  Process process({follow(folder.path("*/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 1)));
  {
    const NoDescriptors none;
    process.settle();
    CHECK(process.tail->counters().files == 1);
  }
  folder.append("a/x.log", "1}\n");
  CHECK(process.until_rows(rows("a", 0, 1) + std::vector<std::string>{"a n=1"}));
  CHECK(process.database.state().rejected.empty());
}

TEST_CASE("tail: a deleted file is read to its end, including its last line", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 3));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 3)));
  std::ofstream writer(folder.path("a/x.log"), std::ios::app);
  folder.remove("a/x.log");
  writer << line(3) << R"({"n":4})" << std::flush;
  CHECK(process.until_rows(rows("a", 0, 4) + std::vector<std::string>{"a n=4"}));
  REQUIRE(process.loop.run_until([&] { return process.tail->counters().files == 0; }));
}

TEST_CASE("tail: a truncated file starts again", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 20));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 20)));
  folder.truncate("a/x.log");
  folder.append("a/x.log", lines(30, 32));
  CHECK(process.until_rows(rows("a", 0, 20) + rows("a", 30, 32)));
  // The same beginning, but shorter than before, so it is read again.
  folder.truncate("a/x.log");
  process.settle();
  folder.append("a/x.log", lines(30, 31));
  CHECK(process.until_rows(rows("a", 0, 20) + rows("a", 30, 32) + rows("a", 30, 31)));
}

TEST_CASE("tail: a copy made before a truncation continues at the file's position", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 20));
  Process process({follow(folder.path("a/*"))});
  REQUIRE(process.until_rows(rows("a", 0, 20)));
  folder.append("a/x.log", lines(20, 22));
  folder.copy("a/x.log", "a/x.log.1");
  folder.truncate("a/x.log");
  folder.append("a/x.log", lines(40, 41));
  CHECK(process.until_rows(rows("a", 0, 22) + rows("a", 40, 41)));
  process.settle();
  CHECK(process.rows().size() == 23);
}

TEST_CASE("tail: a copy next to the file is not read", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 5));
  folder.copy("a/x.log", "a/copy.log");
  Process process({follow(folder.path("a/*"))});
  REQUIRE(process.until_rows(rows("a", 0, 5)));
  process.settle();
  CHECK(process.rows().size() == 5);
}

TEST_CASE("tail: after a crash at any commit every line is stored exactly once", "[net]") {
  const TemporaryFolder folder;
  const auto options = follow(folder.path("a/*.log"));
  std::vector<StoreState> history;
  {
    Process process({options});
    folder.append("a/x.log", lines(0, 4));
    REQUIRE(process.until_rows(rows("a", 0, 4)));
    folder.append("a/y.log", lines(50, 53));
    folder.append("a/x.log", lines(4, 6) + "{\"n\":");
    REQUIRE(process.until_rows(rows("a", 0, 6) + rows("a", 50, 53)));
    history = process.database.history();
  }
  // While it is down, one file is rotated out of the glob and one within it.
  folder.append("a/x.log", "6}\n" + lines(7, 8));
  folder.rename("a/x.log", "a/x.log.1");
  folder.append("a/x.log", lines(100, 103));
  folder.rename("a/y.log", "a/z.log");
  folder.append("a/z.log", lines(53, 54));
  const auto expected = rows("a", 0, 6) + std::vector<std::string>{"a n=6"} + rows("a", 7, 8) +
                        rows("a", 50, 54) + rows("a", 100, 103);
  for (const StoreState& state : history) {
    Process process({options}, state);
    CHECK(process.until_rows(expected));
    process.settle();
    CHECK(process.rows().size() == expected.size());
  }
  CHECK(history.size() >= 3);
}

TEST_CASE("tail: the target of a symbolic link is rotated while the server is down", "[net]") {
  const TemporaryFolder folder;
  folder.append("pods/0.log", lines(0, 10));
  std::filesystem::create_directories(folder.path("links/app"));
  std::filesystem::create_symlink("../../pods/0.log", folder.path("links/app/x.log"));
  const auto options = follow(folder.path("links/*/*.log"));
  StoreState state;
  {
    Process process({options});
    REQUIRE(process.until_rows(rows("app", 0, 10)));
    state = process.database.state();
  }
  // As earlier versions stored it: without the real path.
  StoreState old = state;
  for (auto& [key, value] : old.small) {
    auto position = decode_position(key.second, value).value();
    CHECK(position.real_path == std::filesystem::canonical(folder.path("pods/0.log")));
    position.real_path.clear();
    value = encode_position(position);
  }
  folder.append("pods/0.log", lines(10, 15));
  folder.rename("pods/0.log", "pods/0.log.1");
  folder.append("pods/0.log", lines(100, 105));
  for (const StoreState& before : {state, old}) {
    Process process({options}, before);
    CHECK(process.until_rows(rows("app", 0, 15) + rows("app", 100, 105)));
    process.settle();
    CHECK(process.rows().size() == 20);
  }
  // The link gets a new target, as when a container restarts.
  folder.append("other/1.log", lines(200, 203));
  folder.remove("links/app/x.log");
  std::filesystem::create_symlink("../../other/1.log", folder.path("links/app/x.log"));
  Process process({options}, state);
  CHECK(process.until_rows(rows("app", 0, 15) + rows("app", 200, 203)));
}

TEST_CASE("tail: processes that die at any moment lose and duplicate nothing", "[net]") {
  const TemporaryFolder folder;
  const auto options = follow(folder.path("a/*.log"));
  StoreState state;
  int written = 0;
  for (int round = 0; round < 30; ++round) {
    folder.append("a/x" + std::to_string(round % 3) + ".log", lines(written, written + 3));
    written += 3;
    Process process({options}, state);
    const size_t commits = static_cast<size_t>(round % 3);
    REQUIRE(process.loop.run_until(
        [&] { return process.database.history().size() >= commits || process.tail->caught_up(); }));
    state = process.database.state();
  }
  Process process({options}, state);
  CHECK(process.until_rows(rows("a", 0, written)));
}

TEST_CASE("tail: nothing is lost while the store accepts no writes", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 5));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 5)));
  for (const ErrorCode code : {ErrorCode::kBusy, ErrorCode::kDiskFull}) {
    process.database.set_busy(code);
    const size_t refused = process.database.refused();
    const int from = static_cast<int>(process.rows().size());
    folder.append("a/x.log", lines(from, from + 5));
    REQUIRE(process.loop.run_until([&] { return process.database.refused() > refused + 1; }));
    process.database.set_busy(std::nullopt);
    CHECK(process.until_rows(rows("a", 0, from + 5)));
  }
  process.database.fail_commits(3);
  folder.append("a/x.log", lines(15, 20));
  CHECK(process.until_rows(rows("a", 0, 20)));
  CHECK(process.database.failed() == 3);
}

TEST_CASE("tail: a file longer than a chunk is read completely", "[net]") {
  const TemporaryFolder folder;
  const int count = 60'000;
  std::string text;
  for (int n = 0; n < count; ++n)
    text += "{\"n\":" + std::to_string(n) + ",\"pad\":\"0123456789012345678901234\"}\n";
  REQUIRE(text.size() > (size_t{2} << 20));
  folder.append("a/x.log", text);
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.loop.run_until([&] { return process.tail->caught_up(); }));
  const auto all = process.database.state().rows;
  REQUIRE(all.size() == static_cast<size_t>(count));
  CHECK(all.front().starts_with("a n=0 "));
  CHECK(all.back().starts_with("a n=59999 "));
  CHECK(process.database.history().size() >= 3);
}

TEST_CASE("tail: many small files are read once each", "[net]") {
  const TemporaryFolder folder;
  std::vector<std::string> expected;
  for (int n = 0; n < 200; ++n) {
    folder.append("a/" + std::to_string(n) + ".json", line(n) + line(1000 + n));
    expected = std::move(expected) + std::vector{row("a", n), row("a", 1000 + n)};
  }
  Process process({follow(folder.path("a/*.json"))});
  CHECK(process.loop.run_until([&] { return process.tail->caught_up(); }));
  std::sort(expected.begin(), expected.end());
  CHECK((process.rows() == expected));
}

TEST_CASE("tail: with from_end only lines after the start are stored", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 5) + "{\"n\":");
  TailOptions options = follow(folder.path("a/*.log"));
  options.from_end = true;
  StoreState state;
  {
    Process process({options});
    REQUIRE(process.loop.run_until([&] { return process.tail->caught_up(); }));
    folder.append("a/x.log", "7}\n");
    folder.append("a/new.log", lines(20, 21));
    CHECK(process.until_rows(rows("a", 20, 21) + std::vector<std::string>{"a n=7"}));
    state = process.database.state();
  }
  folder.append("a/x.log", lines(8, 9));
  Process process({options}, state);
  CHECK(
      process.until_rows(rows("a", 20, 21) + rows("a", 8, 9) + std::vector<std::string>{"a n=7"}));
}

TEST_CASE("tail: a quote that stays open is given up after a while and rejects only its line",
          "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", "m f=0i 1\nm g=\"open\nm f=1i 1\nm f=2i 1\nm f=");
  const auto options = follow(folder.path("a/*.log"));
  std::vector<StoreState> history;
  {
    Process process({options});
    REQUIRE(process.until_rows({"m f=0", "m f=1", "m f=2"}));
    const auto rejected = process.database.state().rejected;
    REQUIRE(rejected.size() == 1);
    CHECK(rejected[0].second == "m g=\"open");
    folder.append("a/x.log", "3i 1\n");
    CHECK(process.until_rows({"m f=0", "m f=1", "m f=2", "m f=3"}));
    history = process.database.history();
  }
  for (const StoreState& state : history) {
    Process process({options}, state);
    CHECK(process.until_rows({"m f=0", "m f=1", "m f=2", "m f=3"}));
    CHECK(process.database.state().rejected.size() == 1);
  }
}

TEST_CASE("tail: a byte order mark before the first line is dropped", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", "\xEF\xBB\xBF{\"n\":\n" + line(1));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 1, 2)));
  const auto rejected = process.database.state().rejected;
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].first.find("(line at byte 3 of the file)") != std::string::npos);
  CHECK(rejected[0].second == "{\"n\":");
}

TEST_CASE("tail: a glob that matches nothing at start is logged once", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", line(1));
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  {
    Process process({follow(folder.path("a/*.log")), follow(folder.path("b/*.log"))});
    REQUIRE(process.until_rows(rows("a", 1, 2)));
    process.settle();
    folder.append("b/y.log", line(2));
    CHECK(process.until_rows(rows("a", 1, 2) + rows("b", 2, 3)));
  }
  set_log_sink(nullptr);
  std::erase_if(logged, [](const std::string& text) { return !contains(text, "no file"); });
  CHECK(logged == std::vector{"following files: no file matches " + folder.path("b/*.log") +
                              " so far, or its folder cannot be read"});
}

TEST_CASE("tail: files that stay empty do not keep others from being read", "[net]") {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.log", "a/2.log", "a/3.log"}) folder.append(name, "");
  Process process({follow(folder.path("a/*.log"))});
  process.settle();
  folder.append("a/4.log", "");
  process.settle();
  folder.append("a/5.log", line(1));
  REQUIRE(process.until_rows(rows("a", 1, 2)));
  folder.append("a/2.log", line(2));
  CHECK(process.until_rows(rows("a", 1, 3)));
}

TEST_CASE("tail: a line over the limit is rejected and the next one is read", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", line(0) + "{\"n\":\"" +
                               std::string(kLineBytesMax + (size_t{3} << 20), 'x') + "\"}\n" +
                               line(1));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 2)));
  const auto rejected = process.database.state().rejected;
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].second.size() == kRejectedLineBytesMax);
  CHECK(rejected[0].first.find(std::to_string(kLineBytesMax)) != std::string::npos);
}

TEST_CASE("tail: the rest of an endless line is skipped in large steps", "[net]") {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.log");
  constexpr uint64_t kSize = uint64_t{70} << 20;
  folder.append("x.log", std::string(kSize, 'x'));
  const auto file = *OpenFile::open(path);
  const auto facts = *file->facts();
  ReadRequest request;
  request.path = path;
  request.file = file;
  request.position.device = facts.device;
  request.position.inode = facts.inode;
  request.position.head_size = kHeadBytesMax;
  request.position.head_hash = head_hash(std::string(kHeadBytesMax, 'x'));
  request.position.line = LineState::kSkip;
  const ReadOutcome first = read_chunk(request);
  CHECK(first.kind == ReadOutcome::Kind::kWrite);
  CHECK(first.next.offset == uint64_t{64} << 20);
  CHECK(first.next.line == LineState::kSkip);
  CHECK(first.write.urgent);
  request.position = first.next;
  folder.append("x.log", "end\n" + line(1));
  const ReadOutcome second = read_chunk(request);
  CHECK(second.next.offset == kSize + 4);
  CHECK(second.next.line == LineState::kStart);
}

TEST_CASE("tail: the time key, layout and zone of a source", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log",
                "{\"when\":\"02.11.2026 09:15\",\"n\":1}\n{\"when\":\"soon\",\"n\":2}\n");
  TailOptions options = follow(folder.path("a/*.log"));
  options.time = {{"when"}, "%d.%m.%Y %H:%M", "Europe/Berlin"};
  Process process({options});
  REQUIRE(process.until_rows({"a n=1"}));
  CHECK(process.database.state().rejected.size() == 1);
  CHECK(process.tail->counters().untimed == 0);
  options.time.layout = "%H:%M";
  const auto made = Tail::create(process.loop.get(), process.database, process.clock, {options});
  REQUIRE_FALSE(made);
  CHECK(contains(made.error().message, "tail: time: the time layout `%H:%M` has no complete date"));
}

TEST_CASE("tail: events without a time are counted, and reported once per file", "[net]") {
  const TemporaryFolder folder;
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  {
    folder.append("a/x.log", "{\"created\":5,\"n\":1}\n");
    folder.append("a/y.log", "m f=1i\n");
    Process process({follow(folder.path("a/*.log"))});
    REQUIRE(process.until_rows({"a created=5 n=1", "m f=1"}));
    folder.append("a/x.log", "{\"n\":2}\n{\"n\":3}\n");
    REQUIRE(process.until_rows({"a created=5 n=1", "a n=2", "a n=3", "m f=1"}));
    CHECK(process.loop.run_until([&] { return process.tail->counters().untimed == 3; }));
  }
  set_log_sink(nullptr);
  std::sort(logged.begin(), logged.end());
  CHECK(logged ==
        std::vector{"following files: " + folder.path("a/x.log") +
                        ": 1 event without a recognisable time is stored with its time of arrival "
                        "(keys: created, n); name the right key with `time: {key: ...}` in `tail`",
                    "following files: " + folder.path("a/y.log") +
                        ": 1 line of line protocol without a timestamp is stored with its time of "
                        "arrival"});
}

TEST_CASE("tail: events that a line wraps in an array are rows", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", "{\"Records\":[{\"n\":1},{\"n\":2}]}\n{\"Records\":[{\"n\":3},4]}\n");
  Process process({follow(folder.path("a/*.json"))});
  REQUIRE(process.until_rows({"a n=1", "a n=2", "a n=3"}));
  folder.append("a/x.json", "{\"n\":4}\n{\"Records\":[{\"n\":5}\n");
  REQUIRE(process.until_rows({"a n=1", "a n=2", "a n=3", "a n=4"}));
  const auto rejected = process.database.state().rejected;
  REQUIRE(rejected.size() == 2);
  CHECK(rejected[0].second == "4");
  CHECK(rejected[1].second == "{\"Records\":[{\"n\":5}");
}

TEST_CASE("tail: lines of text before the first time are counted", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", "up and running\nsecond line\n2026-11-02T08:15:04Z third\n  fourth\n");
  Process process({follow(folder.path("a/*.log"))});
  CHECK(process.loop.run_until([&] { return process.tail->counters().untimed == 2; }));
}

TEST_CASE("tail: a stack trace is one event, which waits for its next line", "[net]") {
  const TemporaryFolder folder;
  const std::string first = "2026-11-02T08:15:04Z ERROR pay: declined\n  at A\n";
  folder.append("a/x.log", first);
  TailOptions options = follow(folder.path("a/*.log"));
  options.event_wait = kMinute;
  Process process({options});
  process.settle();
  CHECK(process.rows().empty());
  CHECK(process.tail->caught_up());
  folder.append("a/x.log", "  at B\n2026-11-02T08:15:05Z INFO up\n");
  REQUIRE(process.until_rows({"a level=ERROR message=pay: declined\n  at A\n  at B"}));
  folder.append("a/x.log", "2026-11-02T08:15:06Z INFO down\n");
  CHECK(process.until_rows(
      {"a level=ERROR message=pay: declined\n  at A\n  at B", "a level=INFO message=up"}));
}

TEST_CASE("tail: an open event is stored after a while, or when its file is renamed", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", "2026-11-02T08:15:04Z ERROR a\n  at A\n");
  TailOptions options = follow(folder.path("a/*.log"));
  options.event_wait = 40 * kMillisecond;
  Process process({options});
  REQUIRE(process.until_rows({"a level=ERROR message=a\n  at A"}));
  folder.append("a/x.log", "  at B\n");
  CHECK(process.until_rows({"a level=ERROR message=a\n  at A", "a message=  at B"}));
  CHECK(process.database.state().rejected.empty());
}

TEST_CASE("tail: after a crash at any commit every event of several lines is stored once",
          "[net]") {
  const TemporaryFolder folder;
  std::string text;
  std::vector<std::string> expected;
  for (int n = 0; n < 60; ++n) {
    text += "2026-11-02T08:15:04Z INFO n" + std::to_string(n) + "\n  at A\n  at B\n";
    expected.push_back("a level=INFO message=n" + std::to_string(n) + "\n  at A\n  at B");
  }
  TailOptions options = follow(folder.path("a/*.log"));
  options.event_wait = kMinute;
  StoreState state;
  // Pieces that end within lines and events, each followed by the death of the process.
  for (size_t at = 0; at < text.size(); at += 97) {
    folder.append("a/x.log", text.substr(at, 97));
    Process process({options}, state);
    process.settle();
    state = process.database.state();
  }
  options.event_wait = 20 * kMillisecond;
  Process process({options}, state);
  CHECK(process.until_rows(expected));
}

TEST_CASE("tail: multiline off stores each line", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", "2026-11-02T08:15:04Z ERROR a\n  at A\n");
  TailOptions options = follow(folder.path("a/*.log"));
  options.events.multi_line = false;
  Process process({options});
  CHECK(process.until_rows({"a level=ERROR message=a", "a message=  at A"}));
}

TEST_CASE("tail: logs of containers are in `logs`, and cut lines are joined", "[net]") {
  const TemporaryFolder folder;
  const std::string path = "pods/shop_pay-1_0b/app/0.log";
  folder.append(path, "2026-11-02T08:15:04Z stdout P one \n");
  Process process({follow(folder.path("pods/*/*/*.log"))});
  process.settle();
  folder.append(path, "2026-11-02T08:15:05Z stdout F two\n");
  CHECK(process.until_rows(
      {"logs namespace=shop pod=pay-1 container=app stream=stdout message=one two"}));
}

TEST_CASE("tail: static tags are in all rows, unless an event has its own", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", "{\"n\":1}\n{\"env\":\"test\",\"n\":2}\n");
  folder.append("a/y.json", "2026-11-02T08:15:04Z INFO up\n");
  TailOptions options = follow(folder.path("a/*.json"));
  options.static_tags = {{"env", "prod"}};
  Process process({options});
  CHECK(
      process.until_rows({"a env=prod level=INFO message=up", "a env=prod n=1", "a env=test n=2"}));
}

TEST_CASE("tail: excluded files are not followed", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.json", line(0));
  folder.append("a/debug.json", line(1));
  folder.append("b/x.json", line(2));
  TailOptions options = follow(folder.path("*/*.json"));
  options.exclude = {"debug*", folder.path("b/*")};
  Process process({options});
  REQUIRE(process.until_rows(rows("a", 0, 1)));
  process.settle();
  CHECK(process.tail->counters().files == 1);
}

TEST_CASE("tail: NUL bytes that a crash left are skipped, and the lines around them are stored",
          "[net]") {
  const size_t size = GENERATE(size_t{300}, kLineBytesMax + (size_t{3} << 20));
  CAPTURE(size);
  const std::string nuls(size, '\0');
  const TemporaryFolder folder;
  folder.append("a/x.log", line(0) + nuls + line(1) + "{\"n\":" + nuls + line(2) + line(3));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 4)));
  const auto rejected = process.database.state().rejected;
  REQUIRE(rejected.size() == 1);
  CHECK(rejected[0].second == "{\"n\":");
}

TEST_CASE("tail: a wrong option is refused", "[net]") {
  FakeDatabase database;
  SystemClock clock;
  TestLoop loop;
  TailOptions options = follow("/l/*");
  options.format = "xml";
  const auto made = Tail::create(loop.get(), database, clock, {options});
  REQUIRE_FALSE(made);
  CHECK(made.error().message ==
        "unknown format `xml` of a followed file; expected auto, json, lp, logfmt, cri, docker, "
        "access, regex, text");
}

TEST_CASE("tail: only positions of files that are gone are marked as gone", "[net]") {
  const TemporaryFolder folder;
  folder.append("a/x.log", lines(0, 3));
  folder.append("a/y.log", lines(5, 6));
  Process process({follow(folder.path("a/*.log"))});
  REQUIRE(process.until_rows(rows("a", 0, 3) + rows("a", 5, 6)));
  folder.remove("a/x.log");
  const auto gone = [&] {
    const auto entries = process.database.list(SmallTable::kSources, kPositionPrefix).value();
    size_t count = 0;
    for (const SmallEntry& entry : entries) {
      count += decode_position(entry.key, entry.value)->gone_since != 0 ? 1 : 0;
    }
    return count;
  };
  REQUIRE(process.loop.run_until([&] { return gone() == 1; }));
  process.settle();
  CHECK(gone() == 1);
  CHECK(process.database.list(SmallTable::kSources, kPositionPrefix)->size() == 2);
}

TEST_CASE("tail: only what is read when it is written shows how late events arrive", "[net]") {
  const TemporaryFolder folder;
  Process process({follow(folder.path("a/*.lp"))});
  const auto append = [&](const std::string& service, Duration lag) {
    folder.append("a/x.lp", "m,service=" + service + " n=1i " +
                                std::to_string(process.clock.now() - lag) + "\n");
  };
  append("old", 3 * kHour);
  REQUIRE(process.until_rows({"m service=old n=1"}));
  append("new", 7 * kMinute + kSecond);
  Batch batch;
  REQUIRE(process.loop.run_until([&] { return process.lags.add_rows(0, true, batch); }));
  const auto found = rows_of(batch);
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("event_lag service=new lag_min_ms=421"));
}
