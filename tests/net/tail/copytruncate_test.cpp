// Drives the scanner and the reader step by step while a file is written, copied and truncated, in
// every order of these steps: no line may be stored twice, and none may be lost without a warning.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "net/tail/files.h"
#include "net/tail/reader.h"
#include "net/tail/scanner.h"
#include "tests/net/support.h"
#include "tests/net/tail/fake_database.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

std::string numbered(int n, bool is_long) {
  return "{\"n\":" + std::to_string(n) + (is_long ? ",\"t\":\"" + std::string(100, 't') : "") +
         (is_long ? "\"}\n" : "}\n");
}

// What happens to the file, in order, and which copies the glob covers.
struct Scenario {
  bool copy_in_glob = true;
  bool begins_empty = true;  // when the file is first seen; otherwise a line is stored already
  bool is_long = true;       // longer than a head; otherwise under kHeadBytesMin
  bool slow_copy = false;    // the copy grows in steps; otherwise a line is written after it
};

// Does what the tail does on its loop, one step at a time.
class Driver {
 public:
  Driver(const TemporaryFolder& folder, const Scenario& scenario)
      : folder_(folder),
        scenario_(scenario),
        scanner_({{folder.path(scenario.copy_in_glob ? "*" : "x.log")}}, [this] { reach_slot(); }),
        files_({.from_end = {false}, .copy_wait = {kMinute}, .last_line_wait = {{}}}) {
    folder_.remove("x.log");
    folder_.remove("x.log.1");
    folder_.append("x.log", "");
    if (!scenario.begins_empty) write(0, 1);
    scan();
    read();
    commit();
    fill_script();
  }

  size_t file_event_count() const { return script_.size(); }
  static constexpr size_t kSlots = 7;  // one scan that finds both files, and a part of the next one

  // Runs the events, each in its slot, which come in ascending order.
  void run(std::vector<std::pair<size_t, char>> events) {
    events_.assign(events.begin(), events.end());
    slot_ = 0;
    scan();
    read();
    commit();
    scan();
    slot_ = kSlots;  // all that is left
    reach_slot();
    for (int round = 0; round < 8; ++round) {
      scan();
      read();
      commit();
      now_ += round == 3 ? 6 * kSecond : kSecond;  // rotated files are still after 5 s
    }
  }

  void check() const {
    const int last_a = scenario_.is_long ? 12 : 1;
    for (const auto& [n, count] : stored_) {
      CAPTURE(n);
      CHECK(count == 1);
    }
    for (int n = 0; n <= last_a; ++n) {
      CAPTURE(n);
      if (saw_a_ || scenario_.copy_in_glob) CHECK(stored_.contains(n));
    }
    CHECK(stored_.contains(900));
    CHECK(stored_.contains(901));
    const bool lost_c = !scenario_.slow_copy && saw_c_ && !stored_.contains(500);
    CHECK(lost_ == (lost_c ? numbered(500, scenario_.is_long).size() : 0));
  }

 private:
  void write(int from, int to) {
    std::string text;
    for (int n = from; n < to; ++n) text += numbered(n, scenario_.is_long);
    folder_.append("x.log", text);
  }

  void fill_script() {
    script_.push_back(
        [this] { write(scenario_.begins_empty ? 0 : 1, scenario_.is_long ? 13 : 2); });
    if (scenario_.slow_copy) {
      script_.push_back([this] { folder_.append("x.log.1", ""); });
      script_.push_back([this] {
        std::filesystem::copy_file(folder_.path("x.log"), folder_.path("x.log.1"),
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::resize_file(folder_.path("x.log.1"), copied_part());
      });
      script_.push_back([this] {
        std::ifstream from(folder_.path("x.log"));
        const std::string all(std::istreambuf_iterator<char>(from), {});
        folder_.append("x.log.1", all.substr(copied_part()));
      });
    } else {
      script_.push_back([this] { folder_.copy("x.log", "x.log.1"); });
      script_.push_back([this] { write(500, 501); });
    }
    script_.push_back([this] { folder_.truncate("x.log"); });
    script_.push_back([this] { write(900, 902); });
  }

  size_t copied_part() const { return scenario_.is_long ? 1100 : 3; }

  void reach_slot() {
    while (!events_.empty() && events_.front().first <= slot_) {
      const char event = events_.front().second;
      events_.pop_front();
      if (event == 'R') read();
      if (event == 'C') commit();
      if (event != 'F') continue;
      script_.front()();
      script_.pop_front();
    }
    ++slot_;
  }

  void scan() {
    TailFiles::ScanEffect effect;
    int scans = 0;
    do {
      files_.begin_scan();
      scanner_.scan(files_.missing(), files_.comparisons());
      reach_slot();
      for (const FileSeen& file : scanner_.files()) note(file.path, file.head, file.size);
      effect = files_.apply_scan(scanner_.files(), now_, scanner_.comparisons());
      for (const HeldFiles::Lost& lost : effect.lost) lost_ += lost.bytes;
      REQUIRE(++scans < 10);
    } while (effect.search);
  }

  // What was seen of the first content of the file.
  void note(const std::string& path, const std::string& head, uint64_t size) {
    const std::string first = numbered(0, scenario_.is_long);
    if (!path.ends_with("x.log") || !head.starts_with(first)) return;
    const uint64_t a_size =
        scenario_.is_long ? 10 * first.size() + 3 * (first.size() + 1) : 2 * first.size();
    saw_a_ = saw_a_ || size >= (scenario_.begins_empty ? 1 : a_size);
    saw_c_ = saw_c_ || size > a_size;
  }

  void read() {
    for (const uint64_t id : files_.to_read(now_)) {
      FollowedFile& file = files_.at(id);
      ReadRequest request;
      request.position = file.position;
      request.path = file.path.empty() ? file.position.path : file.path;
      request.file = file.file;
      if (files_.step_of(file, now_) == TailStep::kReadLast) request.last_line_end = file.size;
      request.start = file.start;
      request.measurement = "m";
      file.in_flight = true;
      ReadOutcome outcome = read_chunk(request);
      using Kind = ReadOutcome::Kind;
      if (outcome.kind == Kind::kChanged) files_.changed(id);
      if (outcome.kind == Kind::kFailed) files_.failed(id);
      if (outcome.kind != Kind::kWrite && outcome.kind != Kind::kNothing) continue;
      note(request.path, outcome.head, outcome.size);
      files_.saw(id, outcome.head, outcome.size);
      files_.keep_open(id, outcome.file);
      if (outcome.kind == Kind::kNothing) {
        files_.nothing_whole(id, {outcome.size, outcome.held_back, outcome.complete}, now_);
      } else {
        uncommitted_.emplace_back(id, std::move(outcome));
      }
    }
  }

  void commit() {
    for (auto& [id, outcome] : uncommitted_) {
      for (const std::string& row : rows_of(outcome.write.batch)) {
        ++stored_[std::atoi(row.c_str() + row.find("n=") + 2)];
      }
      files_.committed(id, outcome.next, outcome.size, now_);
    }
    uncommitted_.clear();
  }

  const TemporaryFolder& folder_;
  const Scenario scenario_;
  TailScanner scanner_;
  TailFiles files_;
  Timestamp now_ = 1'000 * kDay;
  std::deque<std::function<void()>> script_;
  std::deque<std::pair<size_t, char>> events_;
  size_t slot_ = 0;
  std::vector<std::pair<uint64_t, ReadOutcome>> uncommitted_;
  std::map<int, int> stored_;  // how often, by number of the line
  uint64_t lost_ = 0;
  bool saw_a_ = false;
  bool saw_c_ = false;
};

// Calls `use` for every order of `file_events` events of the file, a read and a commit, and for
// every choice of slots.
void each_schedule(size_t file_events,
                   const std::function<void(const std::vector<std::pair<size_t, char>>&)>& use) {
  std::vector<std::pair<size_t, char>> events;
  const std::function<void(size_t, size_t, size_t)> extend = [&](size_t slot, size_t files,
                                                                 size_t reads) {
    if (files == file_events && reads == 2) return use(events);
    for (size_t next = slot; next < Driver::kSlots; ++next) {
      if (files < file_events) {
        events.emplace_back(next, 'F');
        extend(next, files + 1, reads);
        events.pop_back();
      }
      if (reads < 2) {
        events.emplace_back(next, reads == 0 ? 'R' : 'C');
        extend(next, files, reads + 1);
        events.pop_back();
      }
    }
  };
  extend(0, 0, 0);
}

}  // namespace

TEST_CASE("tail copytruncate: nothing is stored twice or lost unnoticed, whatever the order",
          "[net]") {
  const TemporaryFolder folder;
  const bool all = std::getenv("TOCSIN_LONG") != nullptr;
  size_t number = 0;
  for (int bits = 0; bits < 16; ++bits) {
    const Scenario scenario{.copy_in_glob = (bits & 1) == 0,
                            .begins_empty = (bits & 2) == 0,
                            .is_long = (bits & 4) == 0,
                            .slow_copy = (bits & 8) != 0};
    const size_t count = scenario.slow_copy ? 6 : 5;
    each_schedule(count, [&](const auto& events) {
      if (++number % 1511 != 0 && !all) return;
      std::string schedule;
      for (const auto& [slot, event] : events) schedule += std::to_string(slot) + event;
      CAPTURE(bits, schedule);
      Driver driver(folder, scenario);
      REQUIRE(driver.file_event_count() == count);
      driver.run(events);
      driver.check();
    });
  }
}
