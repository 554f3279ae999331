#include "db/write/rest_column.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/limits.h"

namespace tocsin {
namespace {

void add_incoming(std::span<const LaneSelection> incoming, RestRow& merged) {
  for (const LaneSelection& selection : incoming) {
    const auto& rows = selection.lane->rows;
    const auto at = std::lower_bound(rows.begin(), rows.end(), merged.row);
    if (at == rows.end() || *at != merged.row) continue;
    const auto k = static_cast<uint32_t>(at - rows.begin());
    merged.json += fmt::format(",\"{}\":{}", kRestColumn, json_of_value(*selection.lane, k));
  }
}

}  // namespace

std::vector<RestRow> merge_rest(std::vector<RestValue> values,
                                std::span<const LaneSelection> incoming, RowRefusals& refusals) {
  std::vector<RestRow> merged_rows;
  std::stable_sort(values.begin(), values.end(),
                   [](const RestValue& a, const RestValue& b) { return a.row < b.row; });
  for (size_t i = 0; i < values.size();) {
    RestRow merged{values[i].row, "{"};
    for (; i < values.size() && values[i].row == merged.row; ++i) {
      if (merged.json.size() > 1) merged.json += ',';
      merged.json += json_quote(values[i].name) + ':' + values[i].json;
    }
    add_incoming(incoming, merged);
    merged.json += '}';
    if (merged.json.size() > kStringBytesMax) {
      refusals.refuse(merged.row,
                      fmt::format("the values that fit no column have {} bytes as JSON; at most {} "
                                  "are allowed",
                                  merged.json.size(), kStringBytesMax));
    } else {
      merged_rows.push_back(std::move(merged));
    }
  }
  return merged_rows;
}

}  // namespace tocsin
