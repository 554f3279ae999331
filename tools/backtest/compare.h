// What one of two backtests raises and the other does not.
#pragma once

#include <string>

#include "db/base/time.h"
#include "rules/backtest.h"

namespace tocsin::backtesting {

/// A line for each firing that is only in `now`, only in `before`, or in both with different
/// severities. Two firings are the same if their types and groups are equal and their times
/// overlap, so that a rule may be renamed.
std::string comparison(const BacktestReport& now, const BacktestReport& before, TimeRange range);

}  // namespace tocsin::backtesting
