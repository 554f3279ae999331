// Backtests as text: for people, as JSON, and as CSV.
#pragma once

#include <cstdint>
#include <string>

#include "rules/backtest.h"

namespace tocsin {

/// How often people would have been called, without firings that were inhibited.
double pages_per_week(uint64_t pages, TimeRange range);
uint64_t count_pages(const BacktestReport& report);

/// The columns of the alert that identify its instance, as `host=a, service=pay`.
std::string group_text(const AlertEvent& event);

/// A row for each rule and group that fired, and a line for each rule about which there is
/// something to say: it failed, saw no events, or had no baseline. Times are UTC.
std::string backtest_table(const BacktestReport& report, TimeRange range);
/// One object: `range`, `rules`, `firings`, `pages_per_week`, `warnings`.
std::string backtest_json(const BacktestReport& report, TimeRange range);
/// One line per firing, after a header.
std::string backtest_csv(const BacktestReport& report);

}  // namespace tocsin
