// Second phase of a merge: finds or adds the stored column of every route, decides its type, and
// gives the values that do not fit it to its siblings.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "db/schema/batch.h"
#include "db/schema/draft.h"
#include "db/write/column_routing.h"
#include "db/write/rest_column.h"
#include "db/write/row_refusals.h"

namespace tocsin {

/// Values of the column with index `column` of the measurement. All of them fit its type, except
/// those in refused rows.
struct ColumnValues {
  size_t column = 0;
  std::vector<LaneSelection> selections;
};

struct TypedRows {
  std::vector<ColumnValues> columns;
  std::vector<RestRow> rest;  ///< the rows' objects in `_rest`; they replace values in `columns`
};

/// Extends the measurement by new columns and widens existing ones. By `policy`, a value that does
/// not fit its column's type either refuses its row or goes to a sibling, which is added if there
/// is none; to `_rest` only if the measurement cannot have more columns.
TypedRows assign_columns(RoutedRows routed, ConflictPolicy policy, MeasurementDraft& measurement,
                         RowRefusals& refusals);

/// Records in an integer column that it has a value which no double can hold exactly, if one of
/// `selection` is such a value. Requires: all refusals are known.
void note_large_integers(const LaneSelection& selection, size_t column,
                         MeasurementDraft& measurement, const RowRefusals& refusals);

}  // namespace tocsin
