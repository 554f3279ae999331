// Merges rows into the stored schema and into segment builders: the driver of column_routing,
// column_types and row_append. A batch passes each phase once, as a whole.
#pragma once

#include <functional>
#include <string_view>

#include "db/base/time.h"
#include "db/schema/batch.h"
#include "db/schema/draft.h"
#include "db/schema/write_request.h"
#include "db/write/builder_set.h"
#include "db/write/clock_guard.h"

namespace tocsin {

struct MergeOptions {
  ClockView clock;  ///< after a jump, the times of both its sides are accepted
  Duration future_max = kDay;
  /// Retention of a measurement by name; 0 keeps everything.
  std::function<Duration(std::string_view)> retention;
  ConflictPolicy policy = ConflictPolicy::kRejectRow;
  bool allow_reserved = false;
};

/// Appends the rows to the builders, extends the schema, and reports refused rows. Strings are
/// copied, so the batch is not needed afterwards.
void merge_rows(const RowBatch& rows, const MergeOptions& options, SchemaDraft& schema,
                BuilderSet& builders, WriteReport& report);

}  // namespace tocsin
