// Last phase of a merge: appends the values of the rows that are left to segment builders.
#pragma once

#include "db/schema/batch.h"
#include "db/schema/draft.h"
#include "db/write/builder_set.h"
#include "db/write/column_types.h"
#include "db/write/row_refusals.h"

namespace tocsin {

/// Copies the values of all rows that are not refused into the builders of their days. Marks
/// integer columns whose values are too large for a double. Requires: some row is not refused.
void append_rows(const RowBatch& rows, const TypedRows& typed, const RowRefusals& refusals,
                 MeasurementDraft& measurement, BuilderSet& builders);

}  // namespace tocsin
