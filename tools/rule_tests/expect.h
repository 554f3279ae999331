// Compares what rules and queries gave with what a test expects. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "query/format/result.h"
#include "rules/alert.h"
#include "tools/rule_tests/test_file.h"

namespace tocsin::rule_tests {

/// Nothing if each expected alert is one of `alerts`, a different one for each, and all that fire
/// are expected. Else both lists, as text. `exp_labels` may also name `alertname`, `severity`,
/// `type` and `service`.
std::optional<std::string> difference(const AlertTest& test, const std::vector<AlertEvent>& alerts);

/// Nothing if the rows are as expected, else both, as text. Numbers may differ by 1e-9 of their
/// size; times, durations and numbers may be written in any form.
std::optional<std::string> difference(const QueryTest& test, const ResultTable& table);

}  // namespace tocsin::rule_tests
