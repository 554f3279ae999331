// The rule files and rules shown in rules/README.md are valid.
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings.h"
#include "config/yaml.h"
#include "rules/engine.h"
#include "rules/rule_file.h"

using namespace tocsin;

namespace {

// The ```yaml blocks with rules; a block that is a single rule is wrapped in a group.
std::vector<std::string> rule_files_of(const std::string& markdown) {
  std::vector<std::string> files;
  std::istringstream lines(markdown);
  bool inside = false;
  bool is_rule = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = line == "```yaml";
      if (inside) files.emplace_back();
      continue;
    }
    if (!inside) continue;
    std::string& file = files.back();
    if (file.empty()) {
      is_rule = line.starts_with("- alert:");
      if (is_rule) file = "groups:\n  - name: readme\n    rules:\n";
    }
    file += (is_rule ? "      " : "") + line + "\n";
  }
  return files;
}

}  // namespace

TEST_CASE("rules readme: every rule is valid", "[rules]") {
  const auto text = read_text_file(TOCSIN_SOURCE_DIR "/rules/README.md");
  REQUIRE(text);
  const std::vector<std::string> files = rule_files_of(*text);
  CHECK(files.size() >= 6);
  for (const std::string& file : files) {
    if (file.starts_with("rule_files:")) continue;  // a test of rules
    INFO(file);
    const RuleLoadReport report =
        check_rules({{"README.md", file}}, parse_parameters(default_settings().parameters));
    CHECK(report.errors == std::vector<std::string>{});
    if (file.starts_with("inhibit_rules:")) {  // for rules that the example does not show
      CHECK(report.inhibit_rule_count == 1);
      continue;
    }
    if (file.starts_with("silences:")) {  // which have ended, sooner or later
      CHECK(report.silence_count == 2);
      continue;
    }
    CHECK(report.warnings == std::vector<std::string>{});
    CHECK(report.added.size() == 1);
  }
}
