// Decides which warnings of loaded rule files a server logs.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "rules/engine.h"

namespace tocsin {

/// Remembers the warnings of the last load, so that each is logged once and not at every reload.
class WarningLog {
 public:
  /// The lines for the warnings that the last load did not have: one for each, up to a limit, and
  /// one for all names that are not stored yet, since rules tend to share those. Without events,
  /// every name is one, and that line is left out.
  std::vector<std::string> new_lines(const RuleLoadReport& report, bool has_events);

 private:
  std::set<std::string> known_;
};

}  // namespace tocsin
