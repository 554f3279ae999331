#include "rules/warning_log.h"

#include <catch2/catch.hpp>

using namespace tocsin;
using Lines = std::vector<std::string>;

namespace {

RuleLoadReport report_of(Lines warnings, Lines schema_warnings = {}) {
  RuleLoadReport out;
  out.warnings = std::move(warnings);
  out.schema_warnings = std::move(schema_warnings);
  return out;
}

}  // namespace

TEST_CASE("warning log: each warning is one line, and not repeated by a reload", "[rules]") {
  WarningLog log;
  CHECK(log.new_lines(report_of({"a", "b"}), true) == Lines{"a", "b"});
  CHECK(log.new_lines(report_of({"a", "b"}), true) == Lines{});
  CHECK(log.new_lines(report_of({"a", "c"}), true) == Lines{"c"});
  CHECK(log.new_lines(report_of({"b"}), true) == Lines{"b"});
}

TEST_CASE("warning log: at most 20 warnings of a load are logged", "[rules]") {
  Lines warnings;
  for (int i = 0; i < 21; ++i) warnings.push_back(std::to_string(i));
  WarningLog log;
  Lines lines = log.new_lines(report_of(warnings), true);
  REQUIRE(lines.size() == 21);
  CHECK(lines[19] == "19");
  CHECK(lines[20] == "... and 1 more warning; see `tocsin rules check`");
  CHECK(log.new_lines(report_of(warnings), true).empty());
}

TEST_CASE("warning log: names that are not stored yet are one line, once there are events",
          "[rules]") {
  WarningLog log;
  CHECK(log.new_lines(report_of({"w"}, {"a", "b", "c"}), false) == Lines{"w"});
  CHECK(log.new_lines(report_of({"w"}, {"a", "b", "c"}), true) ==
        Lines{"a (and 2 more that are not stored yet)"});
  CHECK(log.new_lines(report_of({"w"}, {"a", "c"}), true) == Lines{});
  CHECK(log.new_lines(report_of({}, {"d"}), true) == Lines{"d"});
}
