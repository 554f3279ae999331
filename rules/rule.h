// A rule as read from its file. Queries, expressions and templates are still text.
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

/// A query, expression or template of a rule file, with the file position of each of its lines, so
/// that every error names its place in the file.
struct RuleText {
  std::string text;
  std::vector<FilePosition> lines;  ///< where each line of `text` begins in the file

  bool empty() const { return text.empty(); }
  FilePosition at(size_t offset) const;               ///< position of the byte at `offset`
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
  std::string name;  ///< the key `alert`; unique across all files
  std::string type;
  std::string group;
  std::string file;
  FilePosition position;
  Duration interval = kMinute;
  RuleText expr;
  /// Columns; the query runs once for each, which it names `$part`. Empty: it runs once.
  std::vector<std::string> parts;
  RuleText value;     ///< an expression over a result row; empty: none
  RuleText baseline;  ///< likewise
  /// Conditions over a result row. A row that does not fulfil `starts_when` keeps an alert firing
  /// or pending but starts none; one that fulfils `forget_when` ends a firing that goes on. Empty:
  /// every row starts, none ends.
  RuleText starts_when;
  RuleText forget_when;
  /// The first case whose condition holds applies; the last has no condition.
  std::vector<SeverityCase> severities;
  Duration hold = 0;             ///< `for`: how long a group must match before it fires
  Duration keep_firing_for = 0;  ///< how long it keeps firing after its last match
  std::map<std::string, std::string> labels;
  std::vector<std::pair<std::string, RuleText>> annotations;  ///< templates, by name
  std::map<std::string, Value> parameters;                    ///< the group's `params`

  size_t query_count() const { return parts.empty() ? 1 : parts.size(); }
  /// The text of the query for a part.
  std::string query_of(size_t part) const;
  /// The place in `expr` of an offset into query_of(part).
  size_t offset_in_expr(size_t part, size_t offset) const;
  bool uses_parts() const;  ///< whether the query names `$part`
  /// Whether both mean the same; their places in files are not compared.
  bool same_as(const Rule& other) const;
};

}  // namespace tocsin
