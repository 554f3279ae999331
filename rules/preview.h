// What rules return now: their newest windows, evaluated without any state and without writing.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "db/database.h"
#include "query/base/value.h"
#include "rules/alert.h"
#include "rules/rule_file.h"

namespace tocsin {

struct PreviewOptions {
  std::map<std::string, Value> parameters;
  TimeZone zone;
  Duration delay = 0;  ///< of an evaluation after the end of its window
  Timestamp now = 0;
  const std::atomic<bool>* stop = nullptr;  ///< cancels the queries; may be null
};

/// A group that the rule would alert about.
struct PreviewRow {
  Severity severity = Severity::kMedium;
  std::string group;    ///< `service="pay", host="a"`
  std::string summary;  ///< the annotation, or empty
};

struct RulePreview {
  std::string rule;
  TimeRange window;              ///< the newest that is due
  std::string error;             ///< of the query; empty: it ran
  uint64_t event_count = 0;      ///< that matched, the baseline's included
  bool learning = false;         ///< no group has a baseline yet
  std::vector<PreviewRow> rows;  ///< the most severe first
  Duration duration = 0;         ///< wall time
};

/// In the order of evaluation. `excluding alerts` excludes nothing, since there is no state. Rules
/// with errors are left out: check_rules() reports them.
std::vector<RulePreview> preview_rules(const Database& database, const std::vector<RuleFile>& files,
                                       const PreviewOptions& options);

}  // namespace tocsin
