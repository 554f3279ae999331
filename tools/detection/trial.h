// Runs the rules over one world: its events are stored as they arrive, and the rules are evaluated
// by a clock that follows them.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "rules/engine.h"
#include "tools/detection/match.h"
#include "tools/generate/generator.h"

namespace tocsin::detection {

struct TrialOptions {
  generate::WorldOptions world;
  TimeRange evaluated;  ///< whole ticks; the history before begins at the world's birth
  /// Forwarders, zone, start and samples are replaced.
  RuleEngineOptions engine;
  std::vector<RuleFile> rules;
  const std::atomic<bool>* stop = nullptr;  ///< kCancelled soon after it is true; may be null
};

struct TrialResult {
  std::vector<generate::Label> labels;  ///< of everything that began up to the end
  std::vector<Firing> firings;        ///< delivered alerts; those about Tocsin itself are troubles
  std::vector<std::string> troubles;  ///< rules that failed, alerts about Tocsin itself
  size_t service_count = 0;
  uint64_t event_count = 0;
  double load_seconds = 0, evaluate_seconds = 0;  ///< of wall time
};

/// Errors: those of make_source(), of the database, and of the rule files.
Result<TrialResult> run_trial(const TrialOptions& options);

}  // namespace tocsin::detection
