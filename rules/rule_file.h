// Reads rule files: YAML in the format of Prometheus rule files.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/value.h"
#include "rules/engine.h"
#include "rules/inhibit.h"
#include "rules/rule.h"

namespace tocsin {

/// The rules of one file, without those that have errors.
struct ParsedRuleFile {
  std::vector<Rule> rules;
  std::vector<InhibitRule> inhibit_rules;
  std::vector<Silence> silences;
  /// Some have errors, or the file cannot be read.
  bool inhibit_rules_wrong = false, silences_wrong = false;
  std::vector<std::string> errors;  ///< as in RuleLoadReport
};

/// Checks everything except queries, expressions and templates, which stay text. An empty file has
/// no rules. If the file could not be read, that is the only error. `zone` is that of silences.
ParsedRuleFile parse_rule_file(const RuleFile& file, const TimeZone& zone = TimeZone());

/// The value of a parameter: `20` is an integer, `0.5` a float, `7d` a duration, `true` a boolean,
/// `2026-11-24` (midnight in `zone`) or an RFC 3339 time a time. `"..."`, with its quotes, is a
/// string literal as in a query; any other text is a string as written.
Value parse_parameter(std::string_view text, const TimeZone& zone = TimeZone());
/// parse_parameter for each entry; a date is midnight UTC.
std::map<std::string, Value> parse_parameters(const std::map<std::string, std::string>& texts);

}  // namespace tocsin
