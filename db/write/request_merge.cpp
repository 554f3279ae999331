#include "db/write/request_merge.h"

#include <utility>

#include "db/write/schema_merge.h"

namespace tocsin {

MergedWrite RequestMerge::merge(QueuedWrite write, SchemaDraft& schema, BuilderSet& builders) {
  WriteRequest& request = write.request;
  builders.begin_request();
  MergedWrite merged;
  merged.done = std::move(write.done);
  merged.bytes = write.bytes;
  merged.changes = std::move(request.changes);
  MergeOptions options;
  const ClockView clock = store_.clock_guard.observe();
  options.clock = clock;
  options.future_max = store_.options.future_max;
  options.retention = [this](std::string_view name) { return store_.retention_of(name); };
  options.policy = request.batch.policy();
  options.allow_reserved = request.allow_reserved;

  Batch rejected;
  for (const RowBatch& rows : request.batch.measurements()) {
    const size_t before = merged.report.rejected.size();
    merge_rows(rows, options, schema, builders, merged.report);
    for (size_t i = before; i < merged.report.rejected.size(); ++i) {
      const RejectedRow& row = merged.report.rejected[i];
      rejects_.add(request.source, row.reason, rows.lines()[row.row], clock.now, rejected);
    }
  }
  for (const RejectedLine& line : request.rejected) {
    if (line.counted == 0) {
      rejects_.add(request.source, line.reason, line.line, clock.now, rejected);
    } else {
      rejects_.add_counted(request.source, line.reason, line.counted, clock.now, rejected);
    }
  }
  const uint64_t refused = merged.report.rejected.size() + line_count(request.rejected);
  if (refused != 0) {
    merge_rejected(rejected, schema, builders);
    rows_rejected_ += refused;
  }
  return merged;
}

void RequestMerge::merge_rejected(const Batch& rejected, SchemaDraft& schema,
                                  BuilderSet& builders) const {
  MergeOptions options;
  options.clock = store_.clock_guard.observe();
  options.allow_reserved = true;
  WriteReport ignored;
  for (const RowBatch& rows : rejected.measurements()) {
    merge_rows(rows, options, schema, builders, ignored);
  }
}

bool RequestMerge::add_reject_counts(bool at_close, SchemaDraft& schema, BuilderSet& builders) {
  Batch rejected;
  rejects_.flush(store_.clock.now(), at_close, rejected);
  if (rejected.empty()) return false;
  merge_rejected(rejected, schema, builders);
  return true;
}

}  // namespace tocsin
