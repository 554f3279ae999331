// Compares the firings of a backtest with labelled incidents.
#pragma once

#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "rules/backtest.h"
#include "tools/detection/figures.h"
#include "tools/generate/label.h"

namespace tocsin::backtesting {

/// Reads JSON lines as `tocsin generate --labels` writes them: `kind`, `service`, `start`, `end`,
/// and perhaps `cause`, `permanent`, `counts` and `quiet`. The error names the line.
Result<std::vector<generate::Label>> read_labels(const std::string& path);

/// The figures of all kinds together. Firings that were inhibited do not count.
detection::KindFigures figures_of_all(const std::vector<generate::Label>& labels,
                                      const BacktestReport& report, TimeRange range,
                                      Duration delay);
/// The harmonic mean of precision and recall; 0 if both are.
double f1_of(const detection::KindFigures& figures);

/// A table with precision, recall, F1 and delay of each kind.
std::string figures_text(const std::vector<generate::Label>& labels, const BacktestReport& report,
                         TimeRange range, Duration delay);

}  // namespace tocsin::backtesting
