// Loads all rule files: parses and checks them, and decides which earlier rules continue when a
// file has errors.
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
  std::vector<CompiledRule> rules;  ///< the rules to run, in the order of the files
  RuleLoadReport report;
  /// Files with errors, each with its first error.
  std::vector<std::pair<std::string, std::string>> broken;
};

struct RuleSetOptions {
  std::map<std::string, Value> parameters;
  TimeZone zone;
  Timestamp now = 0;  ///< the clock; used only to compute time ranges
};

/// Reads all files. While a file has errors, its rules that ran before (`previous`) continue to
/// run, unless the file has a valid new version of them.
RuleSet load_rule_set(const std::vector<RuleFile>& files,
                      const std::vector<const CompiledRule*>& previous, const QueryEngine& queries,
                      const RuleSetOptions& options);

}  // namespace tocsin
