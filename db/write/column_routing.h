// First phase of a merge: which column each lane of a batch goes to, by name alone.
#pragma once

#include <string>
#include <vector>

#include "db/schema/batch.h"
#include "db/write/lane_selection.h"
#include "db/write/rest_column.h"
#include "db/write/row_refusals.h"

namespace tocsin {

/// All values that go to the column of that name.
struct ColumnRoute {
  std::string name;
  std::vector<LaneSelection> selections;
};

/// Every value of a batch is in exactly one of these.
struct RoutedRows {
  std::vector<ColumnRoute> columns;  ///< names are unique
  std::vector<RestValue> rest;
};

/// A field becomes NAME_field when it is called `time` or `measurement`, or like a tag of the same
/// row. Where a row already has a NAME_field, the value goes to `_rest`, with a warning.
RoutedRows route_columns(const RowBatch& rows, RowRefusals& refusals);

}  // namespace tocsin
