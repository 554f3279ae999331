// Templates of annotations: plain text with `{{ expression | filter | filter(argument) }}`.
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
  kRound,     ///< round, round(1): to the given number of decimals [0]
  kDuration,  ///< a duration, or a number of seconds, or with duration(ms) of milliseconds: `1m30s`
  kTime,      ///< a time, or nanoseconds since the epoch: `2026-11-24T10:04:05Z`
};

struct TemplateFilter {
  TemplateFilterKind kind = TemplateFilterKind::kRound;
  int64_t argument = 0;  ///< decimals of kRound; nanoseconds of one unit of kDuration
  bool operator==(const TemplateFilter&) const = default;
};

struct TemplatePart {
  std::string literal;                  ///< the text before the expression
  RuleText expression;                  ///< empty only in the last part
  std::vector<TemplateFilter> filters;  ///< applied from left to right
};

/// An error in a template.
struct TemplateProblem {
  FilePosition position;
  std::string message;
};

/// A parsed annotation. Its expressions are not checked here: they need the columns of a query.
class Template {
 public:
  /// Splits `text`. Errors are appended to `problems`; the result must not be used then.
  static Template parse(const RuleText& text, std::vector<TemplateProblem>& problems);

  const std::vector<TemplatePart>& parts() const { return parts_; }
  /// The text with the values of the expressions, which `value_of` returns by part. Floats have six
  /// significant digits, or more if the integer part is longer.
  std::string render(const std::function<Value(size_t part)>& value_of) const;

 private:
  std::vector<TemplatePart> parts_;
};

/// A value as text for a label: exact, so that different values have different texts. A null is
/// `unknown`.
std::string display(const Value& value);

}  // namespace tocsin
