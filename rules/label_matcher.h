// Matchers of labels, in Alertmanager's form, as inhibit rules, silences and routes use them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/section.h"
#include "db/base/result.h"

namespace re2 {
class RE2;
}

namespace tocsin {

/// By name.
using MatchLabels = std::map<std::string, std::string>;
/// The value of a label; of one that is missing, the empty text.
const std::string& label_of(const MatchLabels& labels, const std::string& name);

/// `name="value"`, `name!="value"`, `name=~"pattern"` or `name!~"pattern"`. A pattern must match
/// the whole value.
struct LabelMatcher {
  std::string name;
  std::string value;
  bool negated = false;
  std::shared_ptr<const re2::RE2> pattern;  ///< shared by copies of the matcher; null: no pattern

  bool matches(std::string_view text) const;
};

/// kInvalid if the pattern is wrong.
Result<LabelMatcher> make_label_matcher(std::string name, std::string value, bool negated,
                                        bool is_pattern);
Result<LabelMatcher> parse_label_matcher(std::string_view text);
/// Text that parse_label_matcher() reads as the same matcher.
std::string format_matcher(const LabelMatcher& matcher);

bool all_match(const std::vector<LabelMatcher>& matchers, const MatchLabels& labels);

/// Reads a list of matchers. Reports invalid ones and, if it is `required`, a missing or empty
/// list.
void read_matchers(Section& section, const char* key, bool required, Problems& problems,
                   std::vector<LabelMatcher>& out);

}  // namespace tocsin
