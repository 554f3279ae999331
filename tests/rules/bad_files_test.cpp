// The first lines of each testdata/*.bad.yaml list the errors that must be reported, and where.
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/yaml.h"
#include "rules/engine.h"

using namespace tocsin;

namespace {

std::vector<std::string> expected_errors(const std::string& text) {
  constexpr std::string_view kMark = "# expect: ";
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kMark)) out.push_back("bad.yaml:" + line.substr(kMark.size()));
  }
  return out;
}

}  // namespace

TEST_CASE("rule file: every kind of error is reported with its position", "[rules]") {
  const std::string directory = std::string(TOCSIN_SOURCE_DIR) + "/tests/rules/testdata";
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".bad.yaml")) continue;
    ++count;
    const auto text = read_text_file(path);
    REQUIRE(text);
    std::vector<std::string> errors = check_rules({{"bad.yaml", *text}}, {}).errors;
    std::vector<std::string> expected = expected_errors(*text);
    std::sort(errors.begin(), errors.end());
    std::sort(expected.begin(), expected.end());
    INFO(path);
    CHECK(errors == expected);
  }
  CHECK(count >= 24);
}
