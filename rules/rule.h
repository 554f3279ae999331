// A rule as its file says it: still text where the language is concerned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/yaml.h"
#include "db/base/time.h"
#include "query/base/value.h"
#include "rules/alert.h"

namespace tocsin {

/// A piece of a rule file that is read further (a query, an expression, a template), knowing where
/// each of its lines stands in the file, so that every error names the place in the file.
struct RuleText {
  std::string text;
  std::vector<FilePosition> lines;  ///< of the first byte of each line of `text`

  bool empty() const { return text.empty(); }
  FilePosition at(size_t offset) const;               ///< of the byte at `offset`
  RuleText part(size_t offset, size_t length) const;  ///< Requires: offset + length <= text.size()
  bool operator==(const RuleText&) const = default;
};

/// `CRITICAL when rate > 0.5`, or `HIGH` alone.
struct SeverityCase {
  Severity severity = Severity::kMedium;
  RuleText condition;  ///< empty: always
  bool operator==(const SeverityCase&) const = default;
};

struct Rule {
  std::string name;  ///< of `alert`: unique over all files
  std::string type;
  std::string group;
  std::string file;
  FilePosition position;
  Duration interval = kMinute;
  RuleText expr;
  RuleText value;     ///< an expression over a result row; empty: none
  RuleText baseline;  ///< likewise
  /// The first whose condition holds; the last has none.
  std::vector<SeverityCase> severities;
  Duration hold = 0;             ///< `for`: how long it must match before it fires
  Duration keep_firing_for = 0;  ///< how long it fires on after it matched last
  std::map<std::string, std::string> labels;
  std::vector<std::pair<std::string, RuleText>> annotations;  ///< templates, by name
  std::map<std::string, Value> parameters;                    ///< the group's `params`

  /// Whether two versions of a rule are the same to its reader; where it stands does not matter.
  bool same_as(const Rule& other) const;
};

}  // namespace tocsin
