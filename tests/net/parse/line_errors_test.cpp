#include "net/parse/line_errors.h"

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "net/parse/line_protocol.h"

namespace tocsin {
namespace {

// The lines `b`, which all have this reason, that are kept.
constexpr std::string_view kReason = "missing fields at byte 2";
constexpr size_t kKeptLines = kRejectedMinuteBytesMax / (1 + kReason.size() + kRejectedRowBytes);

TEST_CASE("line errors: beyond the capacity of `rejected`, lines are only counted by reason",
          "[net]") {
  std::string text;
  for (size_t i = 0; i < kKeptLines + 7; ++i) text += "b\n";
  text += "b f=\nb f=1\n";
  Batch batch;
  LineErrors errors;
  parse_line_protocol(batch.keep(text), {}, batch, errors);
  CHECK(errors.count() == kKeptLines + 8);
  CHECK(errors.size() == kKeptLines);
  std::vector<RejectedLine> lines;
  errors.add_all(lines);
  REQUIRE(lines.size() == kKeptLines + 2);
  CHECK(line_count(lines) == errors.count());
  CHECK(lines[0].line == "b");
  CHECK(lines[0].reason == kReason);
  CHECK(lines[0].counted == 0);
  CHECK(lines[kKeptLines].reason == "missing field value after \"f=\" at byte 5");
  CHECK(lines[kKeptLines].counted == 1);
  CHECK(lines[kKeptLines + 1].counted == 7);
  CHECK(lines[kKeptLines + 1].line.empty());
}

TEST_CASE("line errors: a long line is kept up to a bound, and marked", "[net]") {
  LineErrors errors;
  const std::string whole(kRejectedLineBytesMax, 'x');
  errors.add({1, "reason", whole});
  const std::string longer = whole + "x";
  errors.add({2, "reason", longer});
  std::vector<RejectedLine> lines;
  errors.add_all(lines);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].line == whole);
  CHECK_FALSE(lines[0].cut);
  CHECK(lines[1].line == whole);
  CHECK(lines[1].cut);
}

TEST_CASE("line errors: beyond a number of reasons, all others are counted as one", "[net]") {
  LineErrors errors;
  const std::string line(kRejectedLineBytesMax, 'x');
  while (errors.count() == errors.size()) errors.add({1, "filling", line});
  const size_t before = errors.count();
  const size_t count = kRejectedReasonsMax + 5;
  for (size_t i = 1; i < count; ++i) errors.add({i + 1, "reason " + std::to_string(i), "line"});
  std::vector<RejectedLine> counted;
  errors.add_counted(counted);
  REQUIRE(counted.size() == kRejectedReasonsMax + 1);
  CHECK(counted.front().reason == kOtherReasons);
  CHECK(counted.front().counted == 5);
  CHECK(errors.count() == before + count - 1);
}

}  // namespace
}  // namespace tocsin
