// From rule files to the rules that run: parsing, checking, and what is kept when something is
// wrong.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "query/query.h"
#include "rules/engine.h"
#include "rules/evaluate.h"

namespace tocsin {

struct RuleSet {
  std::vector<CompiledRule> rules;  ///< what is to run now, in the order of the files
  RuleLoadReport report;
  /// Files with mistakes, with their first one.
  std::vector<std::pair<std::string, std::string>> broken;
};

struct RuleSetOptions {
  std::map<std::string, Value> parameters;
  TimeZone zone;
  Timestamp now = 0;  ///< the clock: only ranges are computed from it
};

/// Reads all files. While a file has mistakes, the rules of it that ran before (`previous`) go on
/// running unless the file still holds a good version of them.
RuleSet load_rule_set(const std::vector<RuleFile>& files,
                      const std::vector<const CompiledRule*>& previous, const QueryEngine& queries,
                      const RuleSetOptions& options);

}  // namespace tocsin
