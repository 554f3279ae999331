#include "net/tail/files.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/net/support.h"
#include "tests/net/tail/file_seen.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

TailFiles::Settings settings(bool from_end = false,
                             std::optional<Duration> last_line_wait = std::nullopt) {
  return {.from_end = {from_end},
          .copy_wait = {kMinute},
          .last_line_wait = {last_line_wait},
          .settle = 5 * kSecond};
}

// Commits a read of the file up to `offset`.
void commit(TailFiles& files, uint64_t id, const FileSeen& file, uint64_t offset, Timestamp now) {
  TailPosition next = files.at(id).position;
  next.head_size = static_cast<uint32_t>(file.head.size());
  next.head_hash = head_hash(file.head);
  next.offset = offset;
  files.at(id).in_flight = true;
  files.committed(id, next, file.size, now);
}

std::shared_ptr<OpenFile> some_open_file() { return OpenFile::open("/proc/self/exe").value(); }

constexpr Timestamp kStart = 1'000 * kDay;

}  // namespace

TEST_CASE("tail files: a file is read when it is new or has grown", "[net]") {
  TailFiles files(settings());
  const FileSeen first = seen("/l/a", 1, std::string(100, 'a'));
  files.apply_scan(std::vector{first}, kStart);
  REQUIRE(files.to_read(kStart) == std::vector<uint64_t>{1});
  commit(files, 1, first, 100, kStart);
  CHECK(files.to_read(kStart).empty());
  files.apply_scan(std::vector{seen("/l/a", 1, std::string(120, 'a'))}, kStart + kSecond);
  CHECK(files.to_read(kStart + kSecond) == std::vector<uint64_t>{1});
  files.nothing_whole(1, {.size = 120}, kStart + kSecond);
  CHECK(files.to_read(kStart + kSecond).empty());
}

TEST_CASE("tail files: a file that is read further during a scan is still the same", "[net]") {
  for (const size_t size : {size_t{100}, 2 * kHeadBytesMax}) {
    TailFiles files(settings());
    const FileSeen before = seen("/l/a", 1, std::string(size, 'a'));
    files.begin_scan();
    files.apply_scan(std::vector{before}, kStart);
    commit(files, 1, before, size, kStart);
    files.begin_scan();  // sees the file before it grows, but is applied later
    const FileSeen after = seen("/l/a", 1, std::string(size + 50, 'a'));
    commit(files, 1, after, size + 50, kStart);
    files.apply_scan(std::vector{before}, kStart + kSecond);
    CHECK(files.all().size() == 1);
    CHECK(files.at(1).position.offset == size + 50);
    CHECK(files.to_read(kStart + kSecond).empty());
    files.begin_scan();
    files.apply_scan(std::vector{after}, kStart + 2 * kSecond);
    CHECK(files.all().size() == 1);
    CHECK(files.to_read(kStart + 2 * kSecond).empty());
  }
}

TEST_CASE("tail files: caught up when every file known at start is read up to its size at start",
          "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(100, 'a'));
  const FileSeen b = seen("/l/b", 2, std::string(100, 'b'));
  files.apply_scan(std::vector{a, b}, kStart);
  CHECK_FALSE(files.caught_up());
  files.mark_start();
  CHECK_FALSE(files.caught_up());
  commit(files, 1, seen("/l/a", 1, std::string(900, 'a')), 100, kStart);
  CHECK_FALSE(files.caught_up());
  files.nothing_whole(2, {.size = 100}, kStart);  // a last line without a newline
  CHECK(files.caught_up());
  files.apply_scan(std::vector{a, b, seen("/l/c", 3, std::string(100, 'c'))}, kStart);
  CHECK(files.caught_up());
}

TEST_CASE("tail files: catching up does not wait for files that are unreadable or gone", "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(100, 'a'));
  const FileSeen b = seen("/l/b", 2, std::string(100, 'b'));
  files.apply_scan(std::vector{a, b}, kStart);
  files.mark_start();
  files.at(1).in_flight = true;
  files.failed(1);
  CHECK_FALSE(files.caught_up());
  CHECK(files.apply_scan(std::vector{a}, kStart).search);
  const auto lost = files.apply_scan(std::vector{a}, kStart).lost;
  CHECK(files.caught_up());
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].path == "/l/b");
  CHECK(lost[0].bytes == 100);
}

TEST_CASE("tail files: from_end applies only to files found at start", "[net]") {
  TailFiles files(settings(true));
  const FileSeen a = seen("/l/a", 1, std::string(100, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  files.mark_start();
  REQUIRE(files.at(1).start);
  CHECK(files.at(1).start->offset == UINT64_MAX);
  files.apply_scan(std::vector{a, seen("/l/b", 2, std::string(100, 'b'))}, kStart);
  CHECK_FALSE(files.at(2).start);
}

TEST_CASE("tail files: a missing file is searched for once, then counts as gone", "[net]") {
  TailFiles files(settings());
  TailPosition p;
  p.id = 7;
  p.path = "/l/a.log";
  p.head_size = 64;
  p.head_hash = head_hash(std::string(64, 'a'));
  p.offset = 64;
  files.add_stored(p, 0);
  CHECK(files.apply_scan({}, kStart).search);
  REQUIRE(files.missing().size() == 1);
  CHECK(files.missing()[0].path == "/l/a.log");
  CHECK(files.outdated(kStart).empty());
  CHECK_FALSE(files.apply_scan({}, kStart).search);
  CHECK(files.missing().empty());
  const auto changes = files.outdated(kStart);
  REQUIRE(changes.size() == 1);
  const auto gone = decode_position(changes[0].key, changes[0].value.value());
  REQUIRE(gone);
  CHECK(gone->gone_since == kStart);
  files.forget_outdated(kStart);
  CHECK(files.outdated(kStart + kPositionKept).empty());
  const auto removal = files.outdated(kStart + kPositionKept + 1);
  REQUIRE(removal.size() == 1);
  CHECK_FALSE(removal[0].value);
  files.forget_outdated(kStart + kPositionKept + 1);
  CHECK(files.all().empty());
}

TEST_CASE("tail files: a file that comes back is no longer gone", "[net]") {
  TailFiles files(settings());
  const std::string bytes(100, 'a');
  TailPosition p;
  p.id = 7;
  p.path = "/l/a.log";
  p.head_size = 64;
  p.head_hash = head_hash(bytes.substr(0, 64));
  p.offset = 64;
  p.gone_since = kStart - kDay;
  files.add_stored(p, 0);
  CHECK_FALSE(files.apply_scan(std::vector{seen("/l/a.log", 3, bytes)}, kStart).search);
  CHECK(files.to_read(kStart) == std::vector<uint64_t>{7});
  const auto changes = files.outdated(kStart);
  REQUIRE(changes.size() == 1);
  CHECK(decode_position(changes[0].key, changes[0].value.value())->gone_since == 0);
}

TEST_CASE("tail files: a sibling is followed until it has been read and is unchanged", "[net]") {
  TailFiles files(settings());
  const std::string bytes(200, 'a');
  TailPosition p;
  p.id = 7;
  p.path = "/l/a.log";
  p.head_size = 64;
  p.head_hash = head_hash(bytes.substr(0, 64));
  p.offset = 100;
  files.add_stored(p, 0);
  REQUIRE(files.apply_scan({}, kStart).search);
  FileSeen rotated = seen("/l/a.log.1", 3, bytes);
  rotated.source.reset();
  files.apply_scan(std::vector{rotated}, kStart);
  CHECK(files.to_read(kStart) == std::vector<uint64_t>{7});
  CHECK(files.missing().size() == 1);  // not opened yet: the next scan must find it again
  files.apply_scan(std::vector{rotated}, kStart + kSecond);
  commit(files, 7, rotated, 200, kStart + kSecond);
  files.apply_scan(std::vector{rotated}, kStart + 6 * kSecond);
  CHECK(files.missing().empty());
  CHECK_FALSE(files.apply_scan({}, kStart + 7 * kSecond).search);
}

TEST_CASE("tail files: a file that no glob covers is not followed as a sibling", "[net]") {
  TailFiles files(settings());
  const std::string bytes(200, 'a');
  TailPosition p;
  p.id = 7;
  p.path = "/l/a.log.1";
  p.head_size = 64;
  p.head_hash = head_hash(bytes.substr(0, 64));
  p.offset = 100;
  files.add_stored(p, std::nullopt);
  FileSeen rotated = seen("/l/a.log.1", 3, bytes);
  rotated.source.reset();
  CHECK_FALSE(files.apply_scan(std::vector{rotated}, kStart).search);
  files.mark_start();
  CHECK(files.missing().empty());
  CHECK(files.to_read(kStart).empty());
  CHECK(files.caught_up());
  files.forget_outdated(kStart);
  files.apply_scan(std::vector{seen("/l/a.log.1", 3, bytes)}, kStart + kDay);  // covered again
  CHECK(files.to_read(kStart + kDay) == std::vector<uint64_t>{7});
  CHECK(files.at(7).position.offset == 100);
}

TEST_CASE("tail files: how long a last line without a newline waits", "[net]") {
  const auto check = [](std::optional<Duration> setting, bool complete, Duration wait) {
    TailFiles files(settings(false, setting));
    files.apply_scan(std::vector{seen("/l/a", 1, std::string(100, 'a'))}, kStart);
    files.nothing_whole(1, {.size = 100, .complete = complete}, kStart);
    CHECK(files.step_of(files.at(1), kStart + wait - 1) == TailStep::kWait);
    CHECK(files.step_of(files.at(1), kStart + wait) == TailStep::kReadLast);
  };
  check(std::nullopt, true, 5 * kSecond);
  check(std::nullopt, false, 5 * kMinute);
  check(7 * kSecond, true, 7 * kSecond);
  check(7 * kSecond, false, 7 * kSecond);
  TailFiles files(settings(false, 0));
  files.apply_scan(std::vector{seen("/l/a", 1, std::string(100, 'a'))}, kStart);
  files.nothing_whole(1, {.size = 100, .complete = true}, kStart);
  CHECK(files.step_of(files.at(1), kStart + kDay) == TailStep::kWait);
}

TEST_CASE("tail files: a deleted file is read through its descriptor, its last line after a while",
          "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(100, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  commit(files, 1, a, 80, kStart);
  files.keep_open(1, some_open_file());
  files.apply_scan({}, kStart + kSecond);
  REQUIRE(files.at(1).orphan());
  CHECK(files.to_read(kStart + kSecond) == std::vector<uint64_t>{1});
  files.nothing_whole(1, {.size = 100}, kStart + kSecond);
  CHECK(files.step_of(files.at(1), kStart + 4 * kSecond) == TailStep::kWait);
  CHECK(files.step_of(files.at(1), kStart + 6 * kSecond) == TailStep::kReadLast);
  commit(files, 1, a, 100, kStart + 6 * kSecond);
  files.nothing_whole(1, {.size = 100}, kStart + 6 * kSecond);
  CHECK_FALSE(files.at(1).file);
}

TEST_CASE("tail files: an equal file counts as a copy after a while and is reported once",
          "[net]") {
  TailFiles files(settings());
  const std::string bytes(500, 'a');
  const std::vector both = {seen("/l/a", 1, bytes), seen("/l/b", 2, bytes)};
  CHECK(files.apply_scan(both, kStart).copies.empty());
  CHECK(files.apply_scan(both, kStart + kMinute - 1).copies.empty());
  CHECK(files.apply_scan(both, kStart + kMinute).copies == std::vector<std::string>{"/l/b"});
  CHECK(files.apply_scan(both, kStart + 2 * kMinute).copies.empty());
  CHECK(files.to_read(kStart).size() == 1);
}

TEST_CASE("tail files: files that begin alike and then differ are both read", "[net]") {
  TailFiles files(settings());
  const std::string header(200, '#');
  const FileSeen a = seen("/l/a", 1, header + "a");
  files.apply_scan(std::vector{a, seen("/l/b", 2, header)}, kStart);
  CHECK(files.all().size() == 1);
  files.apply_scan(std::vector{a, seen("/l/b", 2, header + "b")}, kStart + kSecond);
  REQUIRE(files.all().size() == 2);
  CHECK_FALSE(files.at(2).start);
}

TEST_CASE("tail files: a copy that differs later is read from there", "[net]") {
  TailFiles files(settings());
  const std::string header(200, '#');
  const FileSeen a = seen("/l/a", 1, header + "a");
  files.apply_scan(std::vector{a, seen("/l/b", 2, header)}, kStart);
  files.apply_scan(std::vector{a, seen("/l/b", 2, header)}, kStart + kMinute);
  CHECK(files.all().size() == 1);
  files.apply_scan(std::vector{a, seen("/l/b", 2, header + "b")}, kStart + 2 * kMinute);
  REQUIRE(files.all().size() == 2);
  REQUIRE(files.at(2).start);
  CHECK(files.at(2).start->offset == 200);
  CHECK_FALSE(files.at(2).start->exact);
}

TEST_CASE("tail files: a new file that contains all of a followed one is followed instead",
          "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(200, '#'));
  files.apply_scan(std::vector{a}, kStart);
  commit(files, 1, a, 200, kStart);
  const FileSeen b = seen("/l/b", 2, std::string(200, '#') + "b");
  files.apply_scan(std::vector{a, b}, kStart);
  CHECK(files.all().size() == 1);
  CHECK(files.at(1).path == "/l/b");
  CHECK(files.at(1).position.offset == 200);
  // The first file goes on differently: it is read again from its start.
  files.apply_scan(std::vector{seen("/l/a", 1, std::string(200, '#') + "a"), b}, kStart);
  CHECK(files.all().size() == 2);
}

TEST_CASE("tail files: the heads of long files do not decide", "[net]") {
  TailFiles files(settings());
  const std::string bytes(3000, 'a');
  const std::vector both = {seen("/l/a", 1, bytes), seen("/l/b", 2, bytes)};
  CHECK(files.apply_scan(both, kStart).soon);
  auto comparisons = files.comparisons();
  REQUIRE(comparisons.size() == 1);
  CHECK(comparisons[0].path == "/l/b");
  CHECK(comparisons[0].other_path == "/l/a");
  CHECK(comparisons[0].equal == kHeadBytesMax);
  comparisons[0].equal = 2000;
  comparisons[0].differs = true;
  files.apply_scan(both, kStart, comparisons);  // not valid: the followed file has changed
  CHECK(files.all().size() == 1);
  comparisons[0].valid = true;
  CHECK_FALSE(files.apply_scan(both, kStart, comparisons).soon);
  CHECK(files.all().size() == 2);
}

TEST_CASE("tail files: a copy that is shorter than what was read of a truncated file is complete",
          "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(500, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  commit(files, 1, a, 500, kStart);
  const std::vector after = {seen("/l/a", 1, "b"), seen("/l/a.1", 2, std::string(400, 'a'))};
  CHECK(files.apply_scan(after, kStart).search);
  CHECK(files.apply_scan(after, kStart).lost.empty());
  REQUIRE(files.all().size() == 3);
  CHECK(files.at(2).path == "/l/a");
  CHECK_FALSE(files.at(2).start);
  REQUIRE(files.at(3).start);
  CHECK(files.at(3).start->offset == 400);
  CHECK(files.at(3).start->exact);
}

TEST_CASE("tail files: a copy that lacks lines which were seen is reported as a loss", "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(500, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  commit(files, 1, a, 300, kStart);
  const std::vector after = {seen("/l/a", 1, "b"), seen("/l/a.1", 2, std::string(450, 'a'))};
  CHECK(files.apply_scan(after, kStart).search);
  CHECK(files.apply_scan(after, kStart).lost.empty());
  CHECK(files.at(1).path == "/l/a.1");
  const auto lost = files.apply_scan(after, kStart + 5 * kSecond).lost;
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].bytes == 50);
  CHECK(files.apply_scan(after, kStart + 10 * kSecond).lost.empty());
}

TEST_CASE("tail files: a rewritten file with the same beginning is read from its start", "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(3000, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  commit(files, 1, a, 3000, kStart);
  files.apply_scan(std::vector{seen("/l/a", 1, std::string(2000, 'a'))}, kStart + kSecond);
  CHECK(files.at(2).position.offset == 0);
  CHECK(files.to_read(kStart + kSecond) == std::vector<uint64_t>{2});
}

TEST_CASE("tail files: a file that was rotated before a scan saw its name is found", "[net]") {
  TailFiles files(settings());
  const auto at = [](FileSeen file, int64_t changed_at, bool sibling) {
    file.changed_at = changed_at;
    if (sibling) file.source.reset();
    return file;
  };
  const std::string a(100, 'a');
  files.apply_scan(std::vector{at(seen("/l/x.log", 1, a), 10, false)}, kStart);
  commit(files, 1, seen("/l/x.log", 1, a), 100, kStart);
  files.keep_open(1, some_open_file());
  const FileSeen newest = at(seen("/l/x.log", 4, std::string(100, 'd')), 40, false);
  REQUIRE(files.apply_scan(std::vector{newest}, kStart).search);
  const std::vector all = {newest, at(seen("/l/x.log.1", 3, std::string(100, 'c')), 30, true),
                           at(seen("/l/x.log.2", 2, std::string(100, 'b')), 20, true),
                           at(seen("/l/x.log.3", 1, a), 10, true),
                           at(seen("/l/x.log.4", 9, std::string(100, 'z')), 5, true)};
  files.apply_scan(all, kStart);
  CHECK(files.all().size() == 4);  // not the one that is older
  CHECK(files.to_read(kStart).size() == 3);
  CHECK(files.at(1).path == "/l/x.log.3");
}

TEST_CASE("tail files: empty files are known again in the next scan", "[net]") {
  TailFiles files(settings());
  const std::vector all = {seen("/l/a", 1, ""), seen("/l/b", 2, "")};
  CHECK_FALSE(files.apply_scan(all, kStart).search);
  CHECK_FALSE(files.apply_scan(all, kStart + kSecond).search);
  CHECK(files.all().size() == 2);
}

TEST_CASE("tail files: a compressed file under a glob is not followed, and its rest is reported",
          "[net]") {
  TailFiles files(settings());
  const std::string a(100, 'a');
  const FileSeen before = seen("/l/x.log", 7, a);
  files.apply_scan(std::vector{before}, kStart);
  commit(files, 1, before, 100, kStart);
  FileSeen packed = seen("/l/x.log.1.gz", 8, "compressed");
  packed.packed = PackedContent{a + std::string(30, '.'), 130, true};
  const std::vector all = {packed};
  const auto effect = files.apply_scan(all, kStart);
  CHECK(effect.packed == std::vector<std::string>{"/l/x.log.1.gz"});
  REQUIRE(effect.search);
  const auto lost = files.apply_scan(all, kStart).lost;
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].packed_in == "/l/x.log.1.gz");
  CHECK(lost[0].bytes == 30);
  CHECK(files.to_read(kStart).empty());
  CHECK(files.apply_scan(all, kStart).lost.empty());
}

TEST_CASE("tail files: the rest of a file that was compressed is reported", "[net]") {
  TailFiles files(settings());
  const std::string a(100, 'a');
  TailPosition p;
  p.id = 7;
  p.path = "/l/x.log";
  p.head_size = 100;
  p.head_hash = head_hash(a);
  p.offset = 100;
  files.add_stored(p, 0);
  const auto packed = [](const std::string& path, uint64_t inode, const std::string& head,
                         int64_t changed_at) {
    FileSeen file = seen(path, inode, "compressed");
    file.source.reset();
    file.changed_at = changed_at;
    file.packed = PackedContent{head, 130, true};
    return file;
  };
  REQUIRE(files.apply_scan({}, kStart).search);
  const std::vector all = {packed("/l/x.log.1.gz", 3, std::string(130, 'b'), 30),
                           packed("/l/x.log.2.gz", 2, a + std::string(30, '.'), 20),
                           packed("/l/x.log.3.gz", 1, std::string(130, 'z'), 10)};
  const auto lost = files.apply_scan(all, kStart).lost;
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].packed_in == "/l/x.log.1.gz");
  CHECK(lost[0].bytes == 130);
  CHECK(lost[1].packed_in == "/l/x.log.2.gz");
  CHECK(lost[1].bytes == 30);
  CHECK(files.apply_scan(all, kStart).lost.empty());
}

TEST_CASE("tail files: at most kTailOpenFilesMax files stay open", "[net]") {
  TailFiles files(settings());
  std::vector<FileSeen> all;
  for (uint64_t i = 0; i < kTailOpenFilesMax + 2; ++i) {
    all.push_back(seen("/l/" + std::to_string(1000 + i), i, std::to_string(1000 + i)));
  }
  files.apply_scan(all, kStart);
  const auto open = some_open_file();
  for (const auto& [id, file] : files.all()) files.keep_open(id, open);
  size_t count = 0;
  for (const auto& [id, file] : files.all()) count += file.file ? 1 : 0;
  CHECK(count == kTailOpenFilesMax);
  CHECK_FALSE(files.all().begin()->second.file);
}
