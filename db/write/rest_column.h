// `_rest`: the column that keeps values which fit no other column, as one JSON object per row.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "db/write/lane_selection.h"
#include "db/write/row_refusals.h"

namespace tocsin {

inline constexpr const char* kRestColumn = "_rest";

/// A value for `_rest`, under the name that it arrived with.
struct RestValue {
  uint32_t row;
  std::string name;
  std::string json;
};

/// The value of `_rest` in one row.
struct RestRow {
  uint32_t row;
  std::string json;
};

/// One JSON object per row that has values, in row order. A `_rest` that arrived with such a row
/// (`incoming`) becomes a member of the object. Refuses rows whose object is too long.
std::vector<RestRow> merge_rest(std::vector<RestValue> values,
                                std::span<const LaneSelection> incoming, RowRefusals& refusals);

}  // namespace tocsin
