// Annotation texts: `{{ expression | filter | filter(argument) }}` inside plain text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "query/base/value.h"
#include "rules/rule.h"

namespace tocsin {

enum class TemplateFilterKind : uint8_t {
  kPercent,   ///< 0.123 -> `12.3 %`
  kRound,     ///< round, round(1): to so many decimals [0]
  kDuration,  ///< a duration, or a number of seconds, or with duration(ms) of milliseconds: `1m30s`
  kTime,      ///< a time, or nanoseconds since the epoch: `2026-11-24T10:04:05Z`
};

struct TemplateFilter {
  TemplateFilterKind kind = TemplateFilterKind::kRound;
  int64_t argument = 0;  ///< decimals of kRound; nanoseconds of one unit of kDuration
  bool operator==(const TemplateFilter&) const = default;
};

struct TemplatePart {
  std::string literal;                  ///< stands before the expression
  RuleText expression;                  ///< empty only in the last part
  std::vector<TemplateFilter> filters;  ///< applied from left to right
};

/// A mistake in a template: where, and what.
struct TemplateProblem {
  FilePosition position;
  std::string message;
};

/// An annotation, checked but for its expressions, which need a query's columns.
class Template {
 public:
  /// Splits `text`; what is wrong goes to `problems`, and the result is then of no use.
  static Template parse(const RuleText& text, std::vector<TemplateProblem>& problems);

  const std::vector<TemplatePart>& parts() const { return parts_; }
  /// The text with each expression's value, floats with six digits or all before the point;
  /// `value_of` is asked for the expressions by part.
  std::string render(const std::function<Value(size_t part)>& value_of) const;

 private:
  std::vector<TemplatePart> parts_;
};

/// A value as it stands in a label: different values read differently. A null is `unknown`.
std::string display(const Value& value);

}  // namespace tocsin
