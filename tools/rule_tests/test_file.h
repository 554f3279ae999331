// Reads files of rule tests: YAML in the shape of promtool's test files, with events in place of
// series. The keys are described in rules/README.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "query/base/value.h"
#include "rules/alert.h"
#include "rules/engine.h"

namespace tocsin::rule_tests {

inline constexpr size_t kEventsMax = 5'000'000;  ///< of one test
inline constexpr size_t kTestsMax = 10'000;      ///< of one file

/// A line of an event and when it arrives.
struct EventLine {
  Timestamp time = 0;
  Timestamp arrives = 0;
  std::string text;  ///< a line of JSON or line protocol, with an absolute time
};

/// An alert as a test describes it. Only what is named here is compared.
struct ExpectedAlert {
  AlertState state = AlertState::kFiring;
  std::optional<Severity> severity;
  std::map<std::string, std::string> labels, annotations;
};

/// `alert_rule_test`: the alerts of a rule at a time.
struct AlertTest {
  Timestamp eval_time = 0;
  std::string alert_name;
  std::vector<ExpectedAlert> expected;
  bool exact = false;  ///< labels and annotations that are not named must not exist
  FilePosition position;
  FilePosition expected_position;  ///< of the key `exp_alerts`; line 0: there is none
};

/// The value of a column in a row, as written in the file.
struct ExpectedValue {
  std::string column;
  std::string text;
  bool is_null = false;
};
using ExpectedRow = std::vector<ExpectedValue>;

/// `query_test`: the rows of a query at a time.
struct QueryTest {
  Timestamp eval_time = 0;
  std::string query;
  std::vector<ExpectedRow> rows;  ///< in order; columns that are not named are not compared
  FilePosition position;
};

struct RuleTest {
  std::string name;
  Timestamp start = 0;
  TimeZone zone;
  Duration delay = 0;                       ///< of the evaluation, as `rules.delay`
  std::map<std::string, Value> parameters;  ///< `$name` of every rule
  std::vector<EventLine> events;            ///< by arrival
  std::vector<AlertTest> alert_tests;       ///< in the order of the file
  std::vector<QueryTest> query_tests;
};

struct TestFile {
  std::string path;
  std::string text;
  std::vector<RuleFile> rule_files;
  std::vector<RuleTest> tests;
};

/// Reads a file and the files that it names, whose paths are relative to its folder. `parameters`
/// are those of the configuration. The error's message has a line `file:line:column: what is wrong`
/// for each error.
Result<TestFile> read_test_file(const std::string& path,
                                const std::map<std::string, std::string>& parameters);

}  // namespace tocsin::rule_tests
