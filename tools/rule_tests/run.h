// Runs rule tests: the rule engine over a database of its own and a clock that the test sets.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "db/base/result.h"
#include "rules/alert.h"
#include "tools/rule_tests/test_file.h"

namespace tocsin::rule_tests {

/// What a test found that it did not expect.
struct Failure {
  FilePosition position;
  std::string text;  ///< lines without a newline at the end
};

/// The alerts of an `alert_rule_test`, each with the event that changed it last. If the test ended
/// before it, because rules are wrong or missing, there are none and it has not failed.
struct AlertOutcome {
  std::vector<AlertEvent> alerts;
  bool failed = false;
};

struct TestResult {
  std::vector<Failure> failures;
  std::vector<AlertOutcome> alert_outcomes;  ///< as RuleTest::alert_tests
  double seconds = 0;                        ///< that the test took

  bool passed() const { return failures.empty(); }
};

/// Runs one test of a file. Errors: kCancelled once `stop` is true, which may be null, and those of
/// the store. Rules that are wrong and queries that fail are failures of the test.
Result<TestResult> run_test(const TestFile& file, const RuleTest& test,
                            const std::atomic<bool>* stop);

}  // namespace tocsin::rule_tests
