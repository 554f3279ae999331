#include "net/tail/identity.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/net/tail/file_seen.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

std::string content(char letter, size_t size) { return std::string(size, letter); }

// The position of a file that was read up to `offset` when it held `bytes`.
TailPosition position(const FileSeen& file, const std::string& bytes, uint64_t offset) {
  TailPosition p;
  p.path = file.path;
  p.device = file.device;
  p.inode = file.inode;
  p.head_size = static_cast<uint32_t>(std::min(bytes.size(), kHeadBytesMax));
  p.head_hash = head_hash({bytes.data(), p.head_size});
  p.offset = offset;
  return p;
}

// For each file, the index of the position that continues in it, or kOpen.
constexpr int kOpen = -1;
std::vector<int> matches(const std::vector<TailPosition>& positions,
                         const std::vector<FileSeen>& files, bool by_head = true) {
  std::vector<KnownFile> known;
  for (const TailPosition& position : positions) known.push_back({position, by_head});
  std::vector<int> out;
  for (const auto& match : match_files(known, files)) {
    out.push_back(match ? static_cast<int>(*match) : kOpen);
  }
  return out;
}

using M = std::vector<int>;

}  // namespace

TEST_CASE("tail identity: a position is encoded and decoded without loss", "[net]") {
  TailPosition p;
  p.id = 42;
  p.path = "/var/log/with space\nand newline.json";
  p.device = 7;
  p.inode = UINT64_MAX;
  p.head_size = 1024;
  p.head_hash = 0xdeadbeefcafef00dULL;
  p.offset = uint64_t{5} << 40;
  p.line = LineState::kTaken;
  p.gone_since = 1'700'000'000'000'000'000;
  const auto back = decode_position(position_key(42), encode_position(p));
  REQUIRE(back);
  CHECK(*back == p);
  p.real_path = "/pods/1 2";
  const auto linked = decode_position(position_key(42), encode_position(p));
  REQUIRE(linked);
  CHECK(*linked == p);
}

TEST_CASE("tail identity: positions of format version 1 can be read", "[net]") {
  const auto back = decode_position(position_key(1), "1 1 2 3 4 5 0 0 /a b");
  REQUIRE(back);
  CHECK(back->path == "/a b");
  CHECK(back->real_path.empty());
  CHECK(encode_position(*back) == "1 1 2 3 4 5 0 0 /a b");
}

TEST_CASE("tail identity: the error for a damaged position names its key", "[net]") {
  const std::string key = position_key(1);
  for (const char* value : {"", "1", "9 1 2 3 4 5 0 0 /a", "1 1 2 1025 4 5 0 0 /a",
                            "1 1 2 x 4 5 0 0 /a", "1 1 2 3 4 5 3 0 /a", "2 1 2 3 4 5 0 0 /a",
                            "2 1 2 3 4 5 0 0 3 /a", "3 1 2 3 4 5 0 0 2 /a"}) {
    const auto result = decode_position(key, value);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::kCorrupt);
    CHECK(result.error().message.find(key) != std::string::npos);
  }
  CHECK_FALSE(decode_position("tail/x", "1 1 2 3 4 5 0 0 /a"));
}

TEST_CASE("tail identity: a file that has grown continues", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 100));
  CHECK(matches({position(before, content('a', 100), 100)},
                {seen("/l/a", 1, content('a', 5000))}) == M{0});
}

TEST_CASE("tail identity: a file with another head continues nothing", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 100));
  CHECK(matches({position(before, content('a', 100), 100)}, {seen("/l/a", 1, content('b', 500))}) ==
        M{kOpen});
}

TEST_CASE("tail identity: a file that is shorter than the offset or the head continues nothing",
          "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 5000));
  const std::vector positions = {position(before, content('a', 5000), 5000)};
  CHECK(matches(positions, {seen("/l/a", 1, content('a', 2000))}) == M{kOpen});
  CHECK(matches(positions, {seen("/l/a", 1, "")}) == M{kOpen});
}

TEST_CASE("tail identity: a rename is followed", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 5000));
  CHECK(matches({position(before, content('a', 5000), 4000)},
                {seen("/l/a", 2, content('b', 100)), seen("/l/a.1", 1, content('a', 5000))}) ==
        M{kOpen, 0});
}

TEST_CASE("tail identity: inode and device are not needed when the head is long enough", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 64));
  FileSeen after = seen("/l/a", 99, content('a', 64));
  after.device = 5;
  CHECK(matches({position(before, content('a', 64), 64)}, {after}) == M{0});
  CHECK(matches({position(before, content('a', 64), 64)}, {after}, false) == M{kOpen});
}

TEST_CASE("tail identity: under 64 bytes the inode or a rotated name counts too", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 63));
  const std::vector positions = {position(before, content('a', 63), 63)};
  CHECK(matches(positions, {seen("/l/b", 2, content('a', 63))}) == M{kOpen});
  CHECK(matches(positions, {seen("/l/a", 2, content('a', 63))}) == M{kOpen});
  CHECK(matches(positions, {seen("/l/a", 1, content('a', 63))}) == M{0});
  CHECK(matches(positions, {seen("/l/a.1", 2, content('a', 63))}) == M{0});
  FileSeen other_device = seen("/l/a", 1, content('a', 63));
  other_device.device = 9;
  CHECK(matches(positions, {other_device}) == M{0});
}

TEST_CASE("tail identity: of several files with one head the one with the stored inode continues",
          "[net]") {
  const std::string bytes = content('a', 5000);
  const FileSeen before = seen("/l/a", 1, bytes);
  CHECK(matches({position(before, bytes, 3000)},
                {seen("/l/a.1", 2, content('a', 9000)), seen("/l/a", 1, bytes)}) == M{kOpen, 0});
}

TEST_CASE(
    "tail identity: without the stored inode the file at its path, else the largest continues",
    "[net]") {
  const std::string bytes = content('a', 5000);
  const FileSeen before = seen("/l/a", 1, bytes);
  const FileSeen x = seen("/l/x", 8, bytes);
  const FileSeen y = seen("/l/y", 9, content('a', 9000));
  CHECK(matches({position(before, bytes, 3000)}, {x, y}) == M{kOpen, 0});
  CHECK(matches({position(before, bytes, 3000)}, {seen("/l/a", 7, bytes), x, y}) ==
        M{0, kOpen, kOpen});
}

TEST_CASE("tail identity: after a copy and truncate the copy continues", "[net]") {
  const std::string bytes = content('a', 5000);
  const FileSeen before = seen("/l/a", 1, bytes);
  CHECK(matches({position(before, bytes, 3000)},
                {seen("/l/a", 1, content('b', 80)), seen("/l/a.1", 2, bytes)}) == M{kOpen, 0});
}

TEST_CASE("tail identity: of two positions with one inode the newer one continues", "[net]") {
  const std::string bytes = content('a', 6000);
  const FileSeen file = seen("/l/a", 1, bytes);
  TailPosition older = position(file, bytes, 5000);
  older.id = 1;
  TailPosition newer = position(file, bytes, 2000);
  newer.id = 2;
  CHECK(matches({older, newer}, {file}) == M{1});
}

TEST_CASE("tail identity: present files are matched before files that are gone", "[net]") {
  const std::string bytes = content('a', 3000);
  const FileSeen file = seen("/l/a", 1, bytes);
  TailPosition gone = position(file, bytes, 2500);
  gone.gone_since = 1;
  CHECK(matches({gone, position(file, content('a', 200), 200)}, {file}) == M{1});
}

TEST_CASE("tail identity: a sibling may continue a position", "[net]") {
  const std::string bytes = content('a', 3000);
  FileSeen rotated = seen("/l/a.log.1", 1, bytes);
  rotated.source.reset();
  FileSeen stranger = seen("/l/a.log.2", 2, content('c', 3000));
  stranger.source.reset();
  CHECK(matches({position(rotated, bytes, 2000)}, {rotated, stranger}) == M{0, kOpen});
}

TEST_CASE("tail identity: heads are alike if one is the beginning of the other", "[net]") {
  CHECK(heads_alike("ab", "abc"));
  CHECK(heads_alike("abc", "ab"));
  CHECK_FALSE(heads_alike("abc", "abd"));
  CHECK_FALSE(heads_alike("", "abc"));
}

TEST_CASE("tail identity: the next step", "[net]") {
  const auto check = [](FollowState state, TailStep expected) {
    CHECK(next_step(state, 5 * kSecond) == expected);
  };
  const Duration long_ago = 6 * kSecond;
  check({.offset = 0, .examined = 0, .size = 0}, TailStep::kWait);
  check({.offset = 10, .examined = 10, .size = 20}, TailStep::kRead);
  check({.offset = 10, .examined = 20, .size = 20}, TailStep::kWait);
  check({.offset = 10, .examined = 20, .size = 20, .unchanged_for = long_ago}, TailStep::kWait);
  check({.offset = 10, .examined = 20, .size = 20, .moved = true, .unchanged_for = 4 * kSecond},
        TailStep::kWait);
  check({.offset = 10, .examined = 20, .size = 20, .moved = true, .unchanged_for = long_ago},
        TailStep::kReadLast);
  check({.offset = 20, .examined = 20, .size = 20, .moved = true, .unchanged_for = long_ago},
        TailStep::kWait);
  const auto rest = [](Duration unchanged_for) {
    return FollowState{.offset = 10,
                       .examined = 20,
                       .size = 20,
                       .unchanged_for = unchanged_for,
                       .last_line_wait = kMinute};
  };
  check(rest(kMinute - 1), TailStep::kWait);
  check(rest(kMinute), TailStep::kReadLast);
  check({.offset = 20,
         .examined = 20,
         .size = 20,
         .present = false,
         .moved = true,
         .unchanged_for = long_ago},
        TailStep::kForget);
  check({.offset = 20,
         .examined = 20,
         .size = 20,
         .present = false,
         .moved = true,
         .unchanged_for = kSecond},
        TailStep::kWait);
}

TEST_CASE("tail identity: names of rotated files", "[net]") {
  CHECK(is_rotated_name("a.log", "a.log.1"));
  CHECK(is_rotated_name("a.log", "a.log-20261124"));
  CHECK(is_rotated_name("a.log", "a-20261124.log"));
  CHECK(is_rotated_name("a.log", "a.1.log"));
  CHECK(is_rotated_name("a", "a.1"));
  CHECK_FALSE(is_rotated_name("a.log", "a.log"));
  CHECK_FALSE(is_rotated_name("a.log", "b.log.1"));
  CHECK_FALSE(is_rotated_name("a.log", "apple.log"));
  CHECK(is_numbered_path("/l/a.log", "/l/a.log.1"));
  CHECK(is_numbered_path("/l/a.log", "/l/a.log.1.gz"));
  CHECK(is_numbered_path("/l/a.log", "/l/a-2026-11-24T10:00.log"));
  CHECK(is_numbered_path("/l/a", "/l/a.1"));
  CHECK_FALSE(is_numbered_path("/l/a.log", "/l/a.log"));
  CHECK_FALSE(is_numbered_path("/l/a.log", "/l/a.log.index1"));
  CHECK_FALSE(is_numbered_path("/l/a.log", "/l/a-debug.log"));
  CHECK_FALSE(is_numbered_path("/l/a", "/l/apple"));
  CHECK(is_rotated_path("/l/a.log", "/l/a.log.1"));
  CHECK_FALSE(is_rotated_path("/l/a.log", "/m/a.log.1"));
  CHECK_FALSE(is_rotated_path("/l/a", "/l/a/b"));
}
