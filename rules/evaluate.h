// The language side of a rule: its parts checked once when it is loaded, its query run for one
// window.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "query/query.h"
#include "rules/apply.h"
#include "rules/rule.h"
#include "rules/template.h"

namespace tocsin {

inline constexpr size_t kSampleBytesMax = 4 * 1024;  ///< of one event kept as evidence

/// An annotation with, by part, which of the rule's expressions stands there.
struct CompiledAnnotation {
  std::string name;
  Template text;
  std::vector<size_t> expressions;
};

/// A rule whose query, expressions and templates have been checked.
struct CompiledRule {
  static constexpr size_t kNone = SIZE_MAX;

  Rule rule;
  std::map<std::string, Value> parameters;  ///< the engine's, overridden by the group's
  /// The rule's query with one more column for each expression of the rule: `tocsin.0`, `tocsin.1`,
  /// …
  std::string query;
  size_t value = kNone;            ///< index of an expression
  size_t baseline = kNone;         ///< likewise
  std::vector<size_t> conditions;  ///< by severity case; kNone: always
  std::vector<CompiledAnnotation> annotations;
  std::vector<std::string> keys;  ///< the `by` columns of the last stats
  Duration range = 0;             ///< length of a window
  Duration baseline_depth = 0;    ///< 0: no baseline
  Duration baseline_reach = 0;    ///< how far back its `min` windows reach from a window's start
  bool excluding_alerts = false;
  std::vector<std::string> warnings;  ///< e.g. a measurement that does not exist yet
};

/// Checks everything of the language. Adds what is wrong, with its place in the file, to `errors`.
std::optional<CompiledRule> compile_rule(const Rule& rule, const QueryEngine& queries,
                                         const std::map<std::string, Value>& parameters,
                                         const TimeZone& zone, Timestamp now,
                                         std::vector<std::string>& errors);

struct EvaluateOptions {
  TimeZone zone;
  std::vector<Exclusion> exclusions;
  /// Instances whose state depends on whether they match or cannot be judged.
  std::set<std::string> active;
  bool was_learning = false;  ///< whether some group has a baseline by now is worth a look
  const std::atomic<bool>* cancelled = nullptr;
};

/// Runs the query for the window of the rule's range that ends at `end`.
Result<Evaluation> evaluate_rule(const CompiledRule& compiled, const QueryEngine& queries,
                                 Timestamp end, const EvaluateOptions& options);

/// A few events of that group and window, each as a line of JSON: those that the query's first
/// stats saw, and of these the ones that an aggregate's own `where` picks out, if it has one.
Result<std::vector<std::string>> sample_events(const CompiledRule& compiled,
                                               const QueryEngine& queries, TimeRange window,
                                               const GroupValues& group, size_t count,
                                               const TimeZone& zone);

/// The measurements that the rule reads now; for `from *` all that exist.
Result<std::vector<std::string>> measurements_of(const CompiledRule& compiled,
                                                 const QueryEngine& queries, const TimeZone& zone);

}  // namespace tocsin
