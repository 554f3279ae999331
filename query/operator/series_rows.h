// The rows of a table as series: by group, each in order of time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "query/plan/plan.h"
#include "query/scan/execution.h"
#include "query/vector/table.h"

namespace tocsin {

struct SeriesRows {
  std::vector<uint32_t> rows;  ///< by group, then time; rows without a time come last in a group
  std::vector<size_t> ends;    ///< by group: the place in `rows` after its last row

  std::span<const uint32_t> group(size_t index) const {
    const size_t start = index == 0 ? 0 : ends[index - 1];
    return std::span(rows).subspan(start, ends[index] - start);
  }
};

/// Requires: the table is in order.
Result<SeriesRows> series_rows(Execution& execution, const Table& table, const SeriesInput& series);

/// The rows at the start of `rows` that have the same time. Requires: the first one has a time.
std::span<const uint32_t> same_bucket(const TableColumn& times, std::span<const uint32_t> rows);
/// The mean of the values that are not null; NaN without any.
double mean_value(const TableColumn& values, std::span<const uint32_t> rows);

/// Identifies the group of a row among tables with the same columns.
std::string group_text(const Table& table, std::span<const uint32_t> group_columns, uint32_t row);

}  // namespace tocsin
