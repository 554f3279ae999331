// The cookbook: every recipe is a valid rule file, and its tests pass and see each of its rules
// fire.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings.h"
#include "config/yaml.h"
#include "rules/engine.h"
#include "rules/rule_file.h"
#include "tools/rule_tests/run.h"
#include "tools/rule_tests/test_file.h"

namespace tocsin::rule_tests {
namespace {

// Paths of the recipes without `.yml`, in order.
std::vector<std::string> recipes() {
  std::vector<std::string> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(TOCSIN_SOURCE_DIR "/rules/cookbook")) {
    const std::string path = entry.path().string();
    if (path.ends_with(".yml") && !path.ends_with("_test.yml"))
      out.push_back(path.substr(0, path.size() - 4));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("cookbook: every recipe is valid, and its test sees each rule fire", "[cookbook]") {
  const auto readme = read_text_file(TOCSIN_SOURCE_DIR "/rules/README.md");
  REQUIRE(readme);
  for (const std::string& recipe : recipes()) {
    INFO(recipe);
    CHECK(readme->find("(cookbook/" + std::filesystem::path(recipe).filename().string() +
                       ".yml)") != std::string::npos);
    const auto rules = read_text_file(recipe + ".yml");
    REQUIRE(rules);
    const RuleLoadReport report =
        check_rules({{"rules.yml", *rules}}, parse_parameters(default_settings().parameters));
    CHECK(report.errors == std::vector<std::string>{});
    CHECK(report.warnings == std::vector<std::string>{});
    CHECK(report.advice == std::vector<std::string>{});

    const auto file = read_test_file(recipe + "_test.yml", {});
    if (!file) FAIL(file.error().message);
    std::set<std::string> fired;
    for (const RuleTest& test : file->tests) {
      INFO(test.name);
      const auto result = run_test(*file, test, nullptr);
      if (!result) FAIL(result.error().message);
      for (const Failure& failure : result->failures) FAIL_CHECK(failure.text);
      for (const AlertTest& alerts : test.alert_tests) {
        if (!alerts.expected.empty()) fired.insert(alerts.alert_name);
      }
    }
    CHECK(fired == std::set<std::string>(report.added.begin(), report.added.end()));
  }
}

}  // namespace tocsin::rule_tests
