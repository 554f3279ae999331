#include "db/write/request_merge.h"

#include <set>
#include <utility>

#include "db/write/schema_merge.h"

namespace tocsin {
MergedWrite RequestMerge::merge(QueuedWrite write, uint64_t last_commit, SchemaDraft& schema,
                                BuilderSet& builders) {
  WriteRequest& request = write.request;
  builders.begin_request();
  rejects_.begin_commit(last_commit);
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
  std::vector<RefusedRow> refused;
  for (const RowBatch& rows : request.batch.measurements()) {
    const size_t before = merged.report.rejected.size();
    merge_rows(rows, options, schema, builders, merged.report);
    for (size_t i = before; i < merged.report.rejected.size(); ++i) {
      const RejectedRow& row = merged.report.rejected[i];
      refused.push_back({row.reason, rows, row.row});
    }
  }
  Batch rejected;
  if (request.retried.empty()) {
    add_refusals(request, refused, clock.now, rejected);
  } else {
    add_retried(request, refused, clock.now, rejected);
  }
  if (!rejected.empty()) merge_rejected(rejected, schema, builders);
  return merged;
}

void RequestMerge::add_refusals(const WriteRequest& request, const std::vector<RefusedRow>& refused,
                                Timestamp now, Batch& rejected) {
  for (const RefusedRow& row : refused) {
    // One line at a time: a request without lines may have a lot of refused rows.
    const std::string written = request.write_line ? request.write_line(row.rows, row.row) : "";
    const std::string_view line = request.write_line ? written : row.rows.lines()[row.row];
    rejects_.add({request, row.reason, line}, now, rejected);
  }
  for (const RejectedLine& line : request.rejected) {
    if (line.counted == 0) {
      rejects_.add({request, line.reason, line.line, line.cut}, now, rejected);
    } else {
      rejects_.add_counted(request.source, line.reason, line.counted, now, rejected);
    }
  }
  rows_rejected_ += refused.size() + line_count(request.rejected);
}

void RequestMerge::add_retried(const WriteRequest& request, const std::vector<RefusedRow>& refused,
                               Timestamp now, Batch& rejected) {
  std::set<const char*> refused_lines;
  for (const RefusedRow& row : refused) {
    refused_lines.insert(row.rows.lines()[row.row].data());
  }
  for (const RetriedLine& line : request.retried) {
    if (!refused_lines.contains(line.line.data())) rejects_.add_retried(line, now, rejected);
  }
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
