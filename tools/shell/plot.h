// Results drawn in a terminal with Unicode blocks and braille.
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

/// With a column of times and columns of numbers: a line chart for each of them and each
/// combination of the other columns' values. With other columns and a number: a bar for each row.
/// kInvalid says what is missing.
Result<std::string> plot(const ResultTable& table, PlotSize size);

}  // namespace tocsin
