// The shipped rules, checked without data.
#include "config/shipped.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings.h"
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
  CHECK(report.added.size() >= 6);
}
