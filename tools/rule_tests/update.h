// Rewrites the expectations of a test file.
#pragma once

#include <string>
#include <vector>

#include "db/base/result.h"
#include "tools/rule_tests/run.h"
#include "tools/rule_tests/test_file.h"

namespace tocsin::rule_tests {

/// The text of the file in which each `exp_alerts` that failed lists what the rules gave: the
/// alerts that fire, and those in the other states that it named. Comments and everything else
/// stay. kUnsupported if such a check is written as `{...}`. `results` are those of `tests`, in
/// order.
Result<std::string> updated_text(const TestFile& file, const std::vector<const RuleTest*>& tests,
                                 const std::vector<TestResult>& results);

}  // namespace tocsin::rule_tests
