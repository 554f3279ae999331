// Reads rule files: YAML in the shape that operators know from Prometheus, into Rules.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/base/value.h"
#include "rules/engine.h"
#include "rules/rule.h"

namespace tocsin {

/// What one file holds. Rules with a mistake of their own are left out, the others are not.
struct ParsedRuleFile {
  std::vector<Rule> rules;
  std::vector<std::string> errors;  ///< as in RuleLoadReport
};

/// Checks everything but the language: expressions stay text. An empty file holds no rules; that it
/// could not be read is its one mistake.
ParsedRuleFile parse_rule_file(const RuleFile& file);

/// A parameter as the language sees it: `20` is an integer, `0.5` a number, `7d` a duration, `true`
/// a boolean, `2026-11-24` (midnight in `zone`) or an RFC 3339 time a time, `"..."` with its quotes
/// the string that it is in a query; anything else is a string as it stands.
Value parse_parameter(std::string_view text, const TimeZone& zone = TimeZone());
/// The same for all of a configuration's parameters; a date is midnight UTC.
std::map<std::string, Value> parse_parameters(const std::map<std::string, std::string>& texts);

}  // namespace tocsin
