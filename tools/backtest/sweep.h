// Backtests with several values of one parameter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "rules/backtest.h"
#include "tools/detection/figures.h"

namespace tocsin::backtesting {

inline constexpr size_t kSweepValuesMax = 100;

struct Sweep {
  std::string name;  ///< of the parameter, without `$`
  std::vector<double> values;
};
/// Parses `min_events=10:100:10`; the end is included.
Result<Sweep> parse_sweep(std::string_view text);

/// A row for each value. With labels, it marks the best F1.
class SweepTable {
 public:
  SweepTable(std::string name, bool with_labels)
      : name_(std::move(name)), with_labels_(with_labels) {}

  void add(const std::string& value, const BacktestReport& report, TimeRange range,
           const detection::KindFigures& figures);
  std::string text() const;

 private:
  struct Row {
    std::string value;
    uint64_t firings = 0;
    double pages_per_week = 0;
    detection::KindFigures figures;
  };

  std::string name_;
  bool with_labels_;
  std::vector<Row> rows_;
};

}  // namespace tocsin::backtesting
