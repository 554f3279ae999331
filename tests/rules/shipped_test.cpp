// The shipped rules, checked without data.
#include "config/shipped.h"

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings.h"
#include "config/yaml.h"
#include "rules/engine.h"
#include "rules/rule_file.h"

using namespace tocsin;

TEST_CASE("shipped rules: no file has errors or warnings", "[rules]") {
  std::vector<RuleFile> files;
  for (const ShippedFile& file : shipped_rules()) {
    files.push_back({std::string(file.name), std::string(file.text)});
  }
  REQUIRE_FALSE(files.empty());
  const RuleLoadReport report = check_rules(files, parse_parameters(default_settings().parameters));
  CHECK(report.errors == std::vector<std::string>{});
  CHECK(report.warnings == std::vector<std::string>{});
  CHECK(report.advice == std::vector<std::string>{});
  CHECK(report.added.size() >= 8);
  // rules/README.md lists each of them.
  const auto readme = read_text_file(TOCSIN_SOURCE_DIR "/rules/README.md");
  REQUIRE(readme);
  for (const std::string& name : report.added) {
    INFO(name);
    CHECK(readme->find(" | `" + name + "` | ") != std::string::npos);
  }
}

TEST_CASE("shipped rules: neither have the files that are off", "[rules]") {
  std::vector<RuleFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(TOCSIN_SOURCE_DIR "/config/rules")) {
    const auto text = read_text_file(entry.path().string());
    REQUIRE(text);
    files.push_back({entry.path().filename().string(), *text});
  }
  CHECK(files.size() >= shipped_rules().size());
  const RuleLoadReport report = check_rules(files, parse_parameters(default_settings().parameters));
  CHECK(report.errors == std::vector<std::string>{});
  CHECK(report.warnings == std::vector<std::string>{});
  CHECK(report.advice == std::vector<std::string>{});
}
