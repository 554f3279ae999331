// Evaluates rules over a stored range, as if a server had run then, and writes nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "rules/alert.h"
#include "rules/engine.h"

namespace tocsin {

struct BacktestOptions {
  /// Windows end in (start, end]. A baseline reads what is stored before, too.
  TimeRange range;
  /// Parameters, zone, delay, limits; routes, start and functions are replaced. Late events are
  /// known from the start, because the stored rows do not tell when they arrived.
  RuleEngineOptions engine;
  /// Called after every few windows with how many of all are done; may be empty.
  std::function<void(uint64_t done, uint64_t total)> progress;
  const std::atomic<bool>* stop = nullptr;  ///< ends it with kCancelled; may be null
};

/// The value that is furthest from its baseline, or from zero if it has none.
struct WorstValue {
  double value = kNoNumber;     ///< kNoNumber: none
  double baseline = kNoNumber;  ///< its own; kNoNumber: none

  /// Replaces it if the other one is worse.
  void add(const WorstValue& other);

 private:
  double deviation() const;  // -1 without a value
};

/// One firing of one alert instance.
struct BacktestFiring {
  AlertEvent start;                    ///< the event with which it began
  Timestamp end = 0;                   ///< 0: it still fires at the end of the range
  Severity severity = Severity::kLow;  ///< the highest
  WorstValue worst;
  HeldBack held_back;  ///< not empty: it was never sent
};

/// A rule in a backtest.
struct BacktestRule {
  RuleStatus status;              ///< at the end
  uint64_t windows = 0;           ///< evaluated
  uint64_t empty_windows = 0;     ///< without any event in the window and its baseline
  uint64_t learning_windows = 0;  ///< without a baseline of any group
};

struct BacktestReport {
  std::vector<BacktestFiring> firings;  ///< by start
  std::vector<BacktestRule> rules;
  std::vector<std::string> warnings;  ///< of the rule files
};

/// The number of windows that a backtest evaluates, to estimate how long it takes. The rules are
/// read without checking them.
uint64_t count_windows(const std::vector<RuleFile>& files, TimeRange range);

/// kInvalid with all errors of the rule files, each on a line. A rule whose evaluation fails has
/// its error in its status. Queries read `database`; alerts in it are those that were really
/// stored.
Result<BacktestReport> backtest(const Database& database, const std::vector<RuleFile>& files,
                                const BacktestOptions& options);

}  // namespace tocsin
