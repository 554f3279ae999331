#include "net/tail/files.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/net/support.h"
#include "tests/net/tail/file_seen.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

TailFiles::Settings settings(bool from_end = false) {
  return {.from_end = {from_end}, .settle = 5 * kSecond};
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
  files.nothing_whole(1, 120, false, kStart + kSecond);
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
  files.nothing_whole(2, 100, false, kStart);  // a last line without a newline
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
  files.apply_scan(std::vector{a}, kStart);
  CHECK(files.caught_up());
}

TEST_CASE("tail files: from_end applies only to files found at start", "[net]") {
  TailFiles files(settings(true));
  const FileSeen a = seen("/l/a", 1, std::string(100, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  files.mark_start();
  CHECK(files.at(1).skip_to_end);
  files.apply_scan(std::vector{a, seen("/l/b", 2, std::string(100, 'b'))}, kStart);
  CHECK_FALSE(files.at(2).skip_to_end);
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
  files.nothing_whole(1, 100, false, kStart + kSecond);
  CHECK(files.step_of(files.at(1), kStart + 4 * kSecond) == TailStep::kWait);
  CHECK(files.step_of(files.at(1), kStart + 6 * kSecond) == TailStep::kReadLast);
  commit(files, 1, a, 100, kStart + 6 * kSecond);
  files.nothing_whole(1, 100, false, kStart + 6 * kSecond);
  CHECK_FALSE(files.at(1).file);
}

TEST_CASE("tail files: a copy is reported once and not read", "[net]") {
  TailFiles files(settings());
  const std::string bytes(500, 'a');
  const std::vector both = {seen("/l/a", 1, bytes), seen("/l/b", 2, bytes)};
  CHECK(files.apply_scan(both, kStart).copies == std::vector<std::string>{"/l/b"});
  CHECK(files.apply_scan(both, kStart).copies.empty());
  CHECK(files.to_read(kStart).size() == 1);
}

TEST_CASE("tail files: a rewritten file with the same beginning starts at 0", "[net]") {
  TailFiles files(settings());
  const FileSeen a = seen("/l/a", 1, std::string(3000, 'a'));
  files.apply_scan(std::vector{a}, kStart);
  commit(files, 1, a, 3000, kStart);
  files.apply_scan(std::vector{seen("/l/a", 1, std::string(2000, 'a'))}, kStart + kSecond);
  CHECK(files.at(1).position.offset == 0);
  CHECK(files.to_read(kStart + kSecond) == std::vector<uint64_t>{1});
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
