#include "db/base/log.h"

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("log: control characters reach the sink as escapes", "[db]") {
  std::string written;
  set_log_sink([&](LogLevel, const std::string& line) { written = line; });
  const auto check = [&](const std::string& line, const std::string& expected) {
    log(LogLevel::kInfo, line);
    CHECK(written == expected);
  };
  check("plain `\\` text, \u00e9\u00a0\U0001F600", "plain `\\` text, \u00e9\u00a0\U0001F600");
  check("\x1b[31m\x07", "\\x1b[31m\\x07");
  check(std::string("a\0b", 3), "a\\x00b");
  check("a\nb\r\t\x7f", "a\\nb\\r\\t\\x7f");
  check(
      "\xc2\x9b"
      "31m \xc2",
      "\\x9b31m \xEF\xBF\xBD");
  set_log_sink(nullptr);
}

}  // namespace
}  // namespace tocsin
