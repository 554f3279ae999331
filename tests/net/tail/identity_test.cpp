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

std::vector<FileVerdict> verdicts(const std::vector<TailPosition>& positions,
                                  const std::vector<FileSeen>& files) {
  std::vector<FileVerdict> out;
  for (const FileMatch& match : match_files(positions, files)) out.push_back(match.verdict);
  return out;
}

using V = FileVerdict;

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
  p.skip_line = true;
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
  for (const char* value :
       {"", "1", "9 1 2 3 4 5 0 0 /a", "1 1 2 1025 4 5 0 0 /a", "1 1 2 x 4 5 0 0 /a",
        "2 1 2 3 4 5 0 0 /a", "2 1 2 3 4 5 0 0 3 /a", "3 1 2 3 4 5 0 0 2 /a"}) {
    const auto result = decode_position(key, value);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::kCorrupt);
    CHECK(result.error().message.find(key) != std::string::npos);
  }
  CHECK_FALSE(decode_position("tail/x", "1 1 2 3 4 5 0 0 /a"));
}

TEST_CASE("tail identity: a file that has grown continues", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 100));
  CHECK(verdicts({position(before, content('a', 100), 100)},
                 {seen("/l/a", 1, content('a', 5000))}) == std::vector{V::kContinue});
}

TEST_CASE("tail identity: a file with another head is new", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 100));
  CHECK(verdicts({position(before, content('a', 100), 100)},
                 {seen("/l/a", 1, content('b', 500))}) == std::vector{V::kNew});
}

TEST_CASE("tail identity: a shorter file with the same head restarts", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 5000));
  CHECK(verdicts({position(before, content('a', 5000), 5000)},
                 {seen("/l/a", 1, content('a', 2000))}) == std::vector{V::kRestart});
}

TEST_CASE("tail identity: a truncated file that is shorter than its head is new", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 5000));
  CHECK(verdicts({position(before, content('a', 5000), 5000)}, {seen("/l/a", 1, "")}) ==
        std::vector{V::kNew});
}

TEST_CASE("tail identity: a rename is followed and the new file in its place is new", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 5000));
  CHECK(verdicts({position(before, content('a', 5000), 4000)},
                 {seen("/l/a", 2, content('b', 100)), seen("/l/a.1", 1, content('a', 5000))}) ==
        std::vector{V::kNew, V::kContinue});
}

TEST_CASE("tail identity: inode and device are not needed when the head is long enough", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 64));
  FileSeen after = seen("/l/a", 99, content('a', 64));
  after.device = 5;
  CHECK(verdicts({position(before, content('a', 64), 64)}, {after}) == std::vector{V::kContinue});
}

TEST_CASE("tail identity: under 64 bytes the inode counts too", "[net]") {
  const FileSeen before = seen("/l/a", 1, content('a', 63));
  const std::vector<TailPosition> positions = {position(before, content('a', 63), 63)};
  CHECK(verdicts(positions, {seen("/l/a", 2, content('a', 63))}) == std::vector{V::kNew});
  CHECK(verdicts(positions, {seen("/l/a", 1, content('a', 63))}) == std::vector{V::kContinue});
  FileSeen other_device = seen("/l/a", 1, content('a', 63));
  other_device.device = 9;
  CHECK(verdicts(positions, {other_device}) == std::vector{V::kContinue});
}

TEST_CASE("tail identity: short files with the same bytes are separate files", "[net]") {
  CHECK(verdicts({}, {seen("/l/a", 1, "x\n"), seen("/l/b", 2, "x\n"), seen("/l/c", 3, "")}) ==
        std::vector{V::kNew, V::kNew, V::kNew});
}

TEST_CASE("tail identity: of several files with one head the one with the stored inode continues",
          "[net]") {
  const std::string bytes = content('a', 5000);
  const FileSeen before = seen("/l/a", 1, bytes);
  CHECK(verdicts({position(before, bytes, 3000)},
                 {seen("/l/a.1", 2, content('a', 9000)), seen("/l/a", 1, bytes)}) ==
        std::vector{V::kCopy, V::kContinue});
}

TEST_CASE("tail identity: without the stored inode the largest file continues", "[net]") {
  const std::string bytes = content('a', 5000);
  const FileSeen before = seen("/l/a", 1, bytes);
  CHECK(verdicts({position(before, bytes, 3000)},
                 {seen("/l/x", 8, bytes), seen("/l/y", 9, content('a', 9000))}) ==
        std::vector{V::kCopy, V::kContinue});
}

TEST_CASE("tail identity: after a copy and truncate the copy continues and the file is new",
          "[net]") {
  const std::string bytes = content('a', 5000);
  const FileSeen before = seen("/l/a", 1, bytes);
  CHECK(verdicts({position(before, bytes, 3000)},
                 {seen("/l/a", 1, content('b', 80)), seen("/l/a.1", 2, bytes)}) ==
        std::vector{V::kNew, V::kContinue});
}

TEST_CASE("tail identity: copies are recognised among new files", "[net]") {
  // The smaller one is a copy that is still being written.
  CHECK(verdicts({}, {seen("/l/a", 1, content('a', 500)), seen("/l/b", 2, content('a', 700))}) ==
        std::vector{V::kCopy, V::kNew});
  CHECK(verdicts({}, {seen("/l/b", 2, content('a', 700)), seen("/l/a", 1, content('a', 700))}) ==
        std::vector{V::kCopy, V::kNew});
}

TEST_CASE("tail identity: a file that differs after a common beginning is new", "[net]") {
  const std::string header = content('#', 200);
  const FileSeen before = seen("/l/a", 1, header);
  CHECK(verdicts({position(before, header, 200)},
                 {seen("/l/a", 1, header), seen("/l/b", 2, header + content('b', 50))}) ==
        std::vector{V::kContinue, V::kNew});
}

TEST_CASE("tail identity: present files are matched before files that are gone", "[net]") {
  const std::string bytes = content('a', 3000);
  const FileSeen file = seen("/l/a", 1, bytes);
  TailPosition gone = position(file, bytes, 2500);
  gone.gone_since = 1;
  const TailPosition present = position(file, content('a', 200), 200);
  const auto matches = match_files(std::vector{gone, present}, std::vector{file});
  REQUIRE(matches.size() == 1);
  CHECK(matches[0].verdict == V::kContinue);
  CHECK(matches[0].position == 1);
}

TEST_CASE("tail identity: a sibling continues a position or is unrelated", "[net]") {
  const std::string bytes = content('a', 3000);
  FileSeen rotated = seen("/l/a.log.1", 1, bytes);
  rotated.source.reset();
  FileSeen stranger = seen("/l/a.log.2", 2, content('c', 3000));
  stranger.source.reset();
  FileSeen shorter = seen("/l/a.log.3", 3, content('a', 1500));
  shorter.source.reset();
  const TailPosition p = position(rotated, bytes, 2000);
  CHECK(verdicts({p}, {rotated, stranger}) == std::vector{V::kContinue, V::kUnrelated});
  CHECK(verdicts({p}, {shorter}) == std::vector{V::kUnrelated});
}

TEST_CASE("tail identity: a rotated file that is not followed does not make the new one a copy",
          "[net]") {
  // a.log.1 is outside the glob; a.log begins with the same long header and is still read.
  const std::string header = content('#', 2000);
  FileSeen rotated = seen("/l/a.log.1", 1, header + "old");
  rotated.source.reset();
  CHECK(verdicts({}, {rotated, seen("/l/a.log", 2, header)}) ==
        std::vector{V::kUnrelated, V::kNew});
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
}
