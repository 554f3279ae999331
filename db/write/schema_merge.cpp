#include "db/write/schema_merge.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "db/limits.h"
#include "db/write/column_routing.h"
#include "db/write/column_types.h"
#include "db/write/row_append.h"
#include "db/write/row_refusals.h"

namespace tocsin {
namespace {

/// Why all rows are refused; empty if the measurement may be written to.
std::string measurement_fault(const std::string& name, const MergeOptions& options,
                              SchemaDraft& schema) {
  if (name.empty()) return "the measurement has no name";
  if (name.size() > kNameBytesMax) {
    return fmt::format("the measurement's name has {} bytes; at most {} are allowed", name.size(),
                       kNameBytesMax);
  }
  if (!options.allow_reserved && is_reserved_measurement(name)) {
    return fmt::format("measurement `{}` is reserved for tocsin itself", name);
  }
  if (schema.find(name) == nullptr && schema.size() >= kMeasurementCountMax) {
    return fmt::format("measurement `{}` would be number {}; at most {} are allowed", name,
                       schema.size() + 1, kMeasurementCountMax);
  }
  return {};
}

void refuse_by_time(const RowBatch& rows, const MergeOptions& options, RowRefusals& refusals) {
  const Timestamp now = options.clock.latest();
  const Timestamp latest =
      now > kTimeMax - options.future_max ? kTimeMax : now + options.future_max;
  const Duration retention = options.retention ? options.retention(rows.measurement()) : 0;
  const Timestamp earliest = retention > 0 ? options.clock.earliest() - retention : kTimeMin;
  const auto times = rows.times();
  for (size_t row = 0; row < times.size(); ++row) {
    if (times[row] > latest) {
      refusals.refuse(
          row, fmt::format("time {} is more than {} ahead of the clock; its unit is probably wrong",
                           format_time_short(times[row]), format_duration(options.future_max)));
    } else if (times[row] < earliest) {
      refusals.refuse(row, fmt::format("time {} is older than the retention of {}",
                                       format_time_short(times[row]), format_duration(retention)));
    }
  }
}

}  // namespace

void merge_rows(const RowBatch& rows, const MergeOptions& options, SchemaDraft& schema,
                BuilderSet& builders, WriteReport& report) {
  if (rows.row_count() == 0) return;
  RowRefusals refusals(rows, report);
  const std::string fault = measurement_fault(rows.measurement(), options, schema);
  if (!fault.empty()) {
    for (size_t row = 0; row < rows.row_count(); ++row) refusals.refuse(row, fault);
    return;
  }
  refuse_by_time(rows, options, refusals);
  if (refusals.left() == 0) return;
  MeasurementDraft* measurement = schema.find(rows.measurement());
  if (measurement == nullptr) measurement = &schema.add(rows.measurement());
  RoutedRows routed = route_columns(rows, refusals);
  const TypedRows typed = assign_columns(std::move(routed), options.policy, *measurement, refusals);
  if (refusals.left() == 0) return;
  append_rows(rows, typed, refusals, *measurement, builders);
  report.rows_written += refusals.left();
}

}  // namespace tocsin
