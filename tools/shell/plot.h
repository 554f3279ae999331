// Draws results in a terminal with Unicode blocks and Braille patterns.
#pragma once

#include <cstddef>
#include <string>

#include "db/base/result.h"
#include "query/format/result.h"

namespace tocsin {

struct PlotSize {
  size_t width = 80;   ///< columns of the terminal
  size_t height = 12;  ///< lines of one chart
};

/// If the result has a time column, draws a line chart for each numeric column and each combination
/// of values in the other columns. Otherwise draws a bar per row for the first numeric column.
/// kInvalid says what is missing.
Result<std::string> plot(const ResultTable& table, PlotSize size);

}  // namespace tocsin
