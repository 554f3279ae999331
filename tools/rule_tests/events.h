// The events of a rule test, from the forms in which a test file writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/section.h"
#include "config/yaml.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "db/schema/batch.h"
#include "tools/rule_tests/test_file.h"

namespace tocsin::rule_tests {

/// Appends the events of the list under `events`, in the order of the file. Relative paths begin at
/// `folder`; relative times (`+5m`, `-7d`) count from `start`.
void read_events(Section& test, const std::string& folder, Timestamp start, Problems& problems,
                 std::vector<EventLine>& out);

/// Parses lines as a server does, JSON lines and line protocol by their first character. An error
/// says why a line is refused. Requires: the text of the lines lives as long as the batch.
Result<Batch> parse_events(const std::vector<std::string_view>& lines);

}  // namespace tocsin::rule_tests
