// Compiles a rule when it is loaded, and runs its query for one window.
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

/// An annotation, with the index of the rule's expression for each part of its template.
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
  /// The rule's query with a column for each of the rule's expressions: `tocsin.0`, `tocsin.1`, ...
  std::string query;
  size_t value = kNone;            ///< index of an expression
  size_t baseline = kNone;         ///< likewise
  size_t starts_when = kNone;      ///< likewise; kNone: always
  size_t forget_when = kNone;      ///< likewise; kNone: never
  std::vector<size_t> conditions;  ///< by severity case; kNone: always
  std::vector<CompiledAnnotation> annotations;
  std::vector<std::string> keys;  ///< the `by` columns of the last stats
  Duration range = 0;             ///< length of a window
  Duration baseline_depth = 0;    ///< 0: no baseline
  Duration baseline_reach = 0;  ///< from a window's start back to the start of the `min`-th window
  bool excluding_alerts = false;
  std::vector<std::string> warnings;         ///< of the query, each with its place in the file
  std::vector<std::string> schema_warnings;  ///< of names that are not stored yet, likewise
};

/// Checks queries, expressions and templates. Appends each error, with its place in the file, to
/// `errors` and then returns nothing.
std::optional<CompiledRule> compile_rule(const Rule& rule, const QueryEngine& queries,
                                         const std::map<std::string, Value>& parameters,
                                         const TimeZone& zone, Timestamp now,
                                         std::vector<std::string>& errors);

struct EvaluateOptions {
  TimeZone zone;
  std::vector<Exclusion> exclusions;
  /// Fingerprints of the instances for which a missing row must be distinguished from a missing
  /// baseline.
  std::set<std::string> active;
  bool was_learning = false;  ///< check whether a group has a baseline now
  const std::atomic<bool>* cancelled = nullptr;
};

/// Runs the query for the window of the rule's range that ends at `end`.
Result<Evaluation> evaluate_rule(const CompiledRule& compiled, const QueryEngine& queries,
                                 Timestamp end, const EvaluateOptions& options);

/// A few events of the group in the window, each as a line of JSON: events that reach the query's
/// first stats and, if one of its aggregates has a `where`, that satisfy it.
Result<std::vector<std::string>> sample_events(const CompiledRule& compiled,
                                               const QueryEngine& queries, TimeRange window,
                                               const GroupValues& group, size_t count,
                                               const TimeZone& zone);

/// The measurements that the rule reads now; for `from *` all that exist.
Result<std::vector<std::string>> measurements_of(const CompiledRule& compiled,
                                                 const QueryEngine& queries, const TimeZone& zone);

}  // namespace tocsin
