#include "net/parse/line_errors.h"

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "net/parse/line_protocol.h"

namespace tocsin {
namespace {

TEST_CASE("line errors: beyond the capacity of `rejected`, lines are only counted by reason",
          "[net]") {
  std::string text;
  for (size_t i = 0; i < kRejectedPerMinuteMax + 7; ++i) text += "b\n";
  text += "b f=\nb f=1\n";
  Batch batch;
  LineErrors errors;
  parse_line_protocol(batch.keep(text), {}, batch, errors);
  CHECK(errors.count() == kRejectedPerMinuteMax + 8);
  CHECK(errors.size() == kRejectedPerMinuteMax);
  std::vector<RejectedLine> lines;
  errors.add_all(lines);
  REQUIRE(lines.size() == kRejectedPerMinuteMax + 2);
  CHECK(line_count(lines) == errors.count());
  CHECK(lines[0].line == "b");
  CHECK(lines[0].counted == 0);
  CHECK(lines[kRejectedPerMinuteMax].reason == "missing field value after \"f=\" at byte 5");
  CHECK(lines[kRejectedPerMinuteMax].counted == 1);
  CHECK(lines[kRejectedPerMinuteMax + 1].counted == 7);
  CHECK(lines[kRejectedPerMinuteMax + 1].line.empty());
}

TEST_CASE("line errors: beyond a number of reasons, all others are counted as one", "[net]") {
  LineErrors errors;
  const size_t count = kRejectedPerMinuteMax + kRejectedReasonsMax + 5;
  for (size_t i = 0; i < count; ++i) errors.add({i + 1, "reason " + std::to_string(i), "line"});
  std::vector<RejectedLine> counted;
  errors.add_counted(counted);
  REQUIRE(counted.size() == kRejectedReasonsMax + 1);
  CHECK(counted.front().reason == kOtherReasons);
  CHECK(counted.front().counted == 5);
  CHECK(errors.count() == count);
}

}  // namespace
}  // namespace tocsin
