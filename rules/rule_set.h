// Loads all rule files: parses and checks them, and decides which earlier rules continue when a
// file has errors.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "query/query.h"
#include "rules/engine.h"
#include "rules/evaluate.h"
#include "rules/inhibit.h"

namespace tocsin {

struct RuleSet {
  /// The rules to run: after those that may inhibit them, else in the order of the files.
  std::vector<CompiledRule> rules;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<Silence> silences;
  /// By name of a rule: the names of those that its alerts may inhibit.
  std::map<std::string, std::set<std::string>> inhibits;
  RuleLoadReport report;
  /// Files with errors, each with its first error.
  std::vector<std::pair<std::string, std::string>> broken;
};

struct RuleSetOptions {
  std::map<std::string, Value> parameters;
  TimeZone zone;
  Timestamp now = 0;  ///< the clock; used only for time ranges and for warnings
};

/// The rules that ran before.
struct PreviousRules {
  std::vector<const CompiledRule*> rules;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<Silence> silences;
};

/// Reads all files. While a file has errors, its rules that ran before continue to run, unless the
/// file has a valid new version of them. While its inhibit rules or silences have errors, those
/// that it had before continue.
RuleSet load_rule_set(const std::vector<RuleFile>& files, const PreviousRules& previous,
                      const QueryEngine& queries, const RuleSetOptions& options);

}  // namespace tocsin
