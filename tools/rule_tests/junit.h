// Test results in the XML format of JUnit, which CI systems read.
#pragma once

#include <string>
#include <vector>

#include "tools/rule_tests/run.h"

namespace tocsin::rule_tests {

struct NamedResult {
  std::string file, name;
  TestResult result;
};

/// One `testsuite` per file. Source of the format: the schema of Jenkins' xUnit plugin.
std::string junit_xml(const std::vector<NamedResult>& results);

}  // namespace tocsin::rule_tests
