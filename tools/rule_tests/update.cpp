// Works on lines, because a YAML writer would lose comments and layout.
#include "tools/rule_tests/update.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/base/json.h"
#include "db/base/lines.h"

namespace tocsin::rule_tests {
namespace {

/// The end of the block that begins with a key on line `begin` at `indent`: blank lines and
/// comments after it do not belong to it.
size_t block_end(const std::vector<std::string>& lines, size_t begin, size_t indent) {
  size_t end = begin + 1;
  for (size_t i = begin + 1; i < lines.size(); ++i) {
    const size_t first = lines[i].find_first_not_of(' ');
    if (first == std::string::npos || lines[i][first] == '#') continue;
    const bool is_item = first == indent && lines[i].compare(first, 2, "- ") == 0;
    if (first <= indent && !is_item) break;
    end = i + 1;
  }
  return end;
}

std::string map_of(const std::map<std::string, std::string>& texts) {
  std::vector<std::string> parts;
  for (const auto& [name, text] : texts) parts.push_back(name + ": " + json_quote(text));
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

/// The lines of `exp_alerts`.
std::vector<std::string> expectation(const AlertTest& test, const std::vector<AlertEvent>& alerts,
                                     const std::string& indent) {
  std::set<AlertState> states{AlertState::kFiring};
  bool with_annotations = false;
  for (const ExpectedAlert& expected : test.expected) {
    states.insert(expected.state);
    with_annotations = with_annotations || !expected.annotations.empty();
  }
  std::vector<std::string> out;
  for (const AlertEvent& alert : alerts) {
    if (!states.contains(alert.state)) continue;
    out.push_back(fmt::format("{}  - exp_labels: {}", indent, map_of(alert.labels)));
    out.push_back(fmt::format("{}    exp_severity: {}", indent, name_of(alert.severity)));
    if (alert.state != AlertState::kFiring) {
      out.push_back(fmt::format("{}    exp_state: {}", indent, name_of(alert.state)));
    }
    if (with_annotations || test.exact) {
      out.push_back(fmt::format("{}    exp_annotations: {}", indent, map_of(alert.annotations)));
    }
  }
  out.insert(out.begin(), indent + (out.empty() ? "exp_alerts: []" : "exp_alerts:"));
  return out;
}

struct Change {
  const AlertTest* test;
  const std::vector<AlertEvent>* alerts;
};

}  // namespace

Result<std::string> updated_text(const TestFile& file, const std::vector<const RuleTest*>& tests,
                                 const std::vector<TestResult>& results) {
  std::vector<Change> changes;
  for (size_t i = 0; i < tests.size(); ++i) {
    for (size_t k = 0; k < tests[i]->alert_tests.size(); ++k) {
      const AlertOutcome& outcome = results[i].alert_outcomes[k];
      if (outcome.failed) changes.push_back({&tests[i]->alert_tests[k], &outcome.alerts});
    }
  }
  // From the last line to the first, so that earlier positions stay valid.
  std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return a.test->position.line > b.test->position.line;
  });
  std::vector<std::string> lines = lines_of(file.text);
  for (const auto& [test, alerts] : changes) {
    const FilePosition at = test->position;
    const std::string& first_line = lines[at.line - 1];
    if (first_line.compare(at.column - 1, 1, "{") == 0) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}:{}:{}: a check written as {{...}} cannot be updated; write its "
                              "keys on lines of their own",
                              file.path, at.line, at.column));
    }
    const std::string indent(at.column - 1, ' ');
    std::vector<std::string> block = expectation(*test, *alerts, indent);
    size_t begin = block_end(lines, at.line - 1, at.column - 2);  // after the check's other keys
    size_t end = begin;
    if (test->expected_position.line != 0) {
      begin = test->expected_position.line - 1;
      end = block_end(lines, begin, at.column - 1);
      // The first key of an item stands after its dash.
      block.front().replace(0, at.column - 1, lines[begin], 0, at.column - 1);
    }
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(begin),
                lines.begin() + static_cast<ptrdiff_t>(end));
    lines.insert(lines.begin() + static_cast<ptrdiff_t>(begin), block.begin(), block.end());
  }
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

}  // namespace tocsin::rule_tests
