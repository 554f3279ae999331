// Inhibition: while one alert fires, others that follow from it are stored but not sent. In the
// shape of Alertmanager's `inhibit_rules`.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "config/section.h"
#include "config/yaml.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "rules/label_matcher.h"
#include "rules/rule.h"
#include "rules/state.h"

namespace tocsin {

/// Most inhibit rules of all files, and most rule names that an inhibited alert lists.
inline constexpr size_t kInhibitRuleCountMax = 500;
inline constexpr size_t kInhibitedByMax = 10;

/// An alert that matches `target` is not sent while one that matches `source` fires, if both have
/// the same values of the labels in `equal`. A missing label is the empty text.
struct InhibitRule {
  std::string file;
  FilePosition position;
  std::string path;  ///< `inhibit_rules[1]`, for messages
  std::vector<LabelMatcher> source;
  std::vector<LabelMatcher> target;
  std::vector<std::string> equal;
};

/// Reads the key `inhibit_rules` of a rule file. Reports invalid entries and leaves them out.
std::vector<InhibitRule> read_inhibit_rules(Section& top, const std::string& file,
                                            Problems& problems);

/// The labels of the alert, `alertname`, `type` and `severity`.
MatchLabels match_labels(const Rule& rule, const GroupValues& group, Severity severity);

/// The firings that may inhibit alerts of one window.
///
/// A firing inhibits the windows of others while it fires, and afterwards those that start before
/// the end of its first window without a match: these may still show what the firing was about.
class Inhibitors {
 public:
  /// `rules` must outlive it.
  Inhibitors(std::span<const InhibitRule> rules, TimeRange window)
      : rules_(rules), window_(window), sources_(rules.size()) {}

  /// Adds those firings of the rule's instances that reach the window.
  void add(const Rule& rule, const RuleState& state);
  /// The names of the rules whose alerts inhibit this one, at most kInhibitedByMax. As in
  /// Alertmanager, an alert that matches both sides of an inhibit rule is not inhibited by others
  /// that do, so it never inhibits itself.
  std::vector<std::string> of(const Rule& rule, const std::string& fingerprint,
                              const GroupValues& group, Severity severity) const;

 private:
  struct Source {
    std::string fingerprint;
    std::string rule;
    bool is_target = false;  // it matches `target` too
  };
  using EqualValues = std::vector<std::string>;

  std::span<const InhibitRule> rules_;
  const TimeRange window_;
  std::vector<std::map<EqualValues, std::vector<Source>>> sources_;  // by inhibit rule
};

}  // namespace tocsin
