#include "db/write/catalog_commit.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/catalog/check.h"
#include "db/catalog/commit_mark.h"

namespace tocsin {
namespace {

/// The record of the last commit. Programs that do not know it, and repair, leave none: then the
/// time of the newest rows' commit counts, and without any, the clock is believed.
Result<ClockRecord> last_clock(const Transaction& transaction, uint64_t commit_number,
                               const Clock& clock) {
  TOCSIN_TRY(const auto stored, read_clock(transaction, commit_number));
  if (stored) return *stored;
  ClockRecord record;
  const auto use_newest = [&](const SegmentRecord& segment, ByteView) -> Status {
    if (segment.info.commit_number < record.commit_number) return {};
    record.commit_number = segment.info.commit_number;
    record.believed = segment.created_at;
    return {};
  };
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(transaction, CatalogTable::kHot, use_newest));
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(transaction, CatalogTable::kSealed, use_newest));
  if (record.believed == 0) record.believed = clock.now();
  return record;
}

}  // namespace

Status CatalogCommit::load() {
  const CommitMark mark = read_commit_mark(store_.directory);
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
  TOCSIN_TRY(state_, check_catalog(transaction, mark, store_.directory));
  TOCSIN_TRY(auto catalog, read_catalog(transaction));
  schema_ = std::make_unique<SchemaDraft>(catalog, state_.next_measurement_id);
  store_.remember(catalog, state_.schema_version);
  // This process does not reuse numbers that it assigned after the last commit.
  store_.next_segment_id = std::max(store_.next_segment_id.load(), state_.next_segment_id);
  store_.next_file_number = std::max(store_.next_file_number.load(), state_.next_file_number);
  uint64_t hot_bytes = 0;
  TOCSIN_RETURN_IF_ERROR(walk_all_segments(transaction, CatalogTable::kHot,
                                           [&](const SegmentRecord& record, ByteView) -> Status {
                                             hot_bytes += record.info.byte_size;
                                             return {};
                                           }));
  hot_bytes_ = hot_bytes;
  TOCSIN_TRY(const ClockRecord clock, last_clock(transaction, state_.commit_number, store_.clock));
  store_.clock_guard.start(clock);
  return {};
}

Status CatalogCommit::reopen() {
  // Opening a path that was renamed or replaced could make an empty catalog, or load another one.
  Status status = store_.opened_paths->check();
  if (status) status = store_.environment->reopen();
  if (status) status = load();
  stale_ = !status;
  return status;
}

Status CatalogCommit::commit(const CatalogEdit& edit) {
  if (stale_) return fail(ErrorCode::kIo, "the catalog could not be reopened");
  Status status = transact(edit);
  stale_ = !status && status.error().code != ErrorCode::kConflict;
  return status;
}

Status CatalogCommit::transact(const CatalogEdit& edit) {
  CatalogState next = state_;
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_write());
  TOCSIN_RETURN_IF_ERROR(store_.opened_paths->check());
  TOCSIN_TRY(const uint32_t old_format, upgrade_format(transaction));
  TOCSIN_RETURN_IF_ERROR(write_edit(transaction, edit, next));
  TOCSIN_RETURN_IF_ERROR(transaction.commit());
  if (old_format != 0) {
    log(LogLevel::kWarning,
        fmt::format("upgraded {} from format {} to {}: earlier versions of tocsin cannot open it",
                    store_.directory, old_format, kDatabaseFormat));
  }
  // A folder that was renamed meanwhile contains the commit, but nobody may rely on finding it.
  TOCSIN_RETURN_IF_ERROR(store_.opened_paths->check());
  state_ = next;
  CommitMark mark{state_.commit_number, {}};
  if (edit.added != nullptr) {
    for (const SegmentRecord& record : edit.added->sealed()) {
      mark.sealed_ids.push_back(record.info.id);
    }
  }
  write_commit_mark(store_.directory, mark);
  store_.remember(schema_->publish(), state_.schema_version);
  count(edit);
  return {};
}

Status CatalogCommit::write_edit(Transaction& transaction, const CatalogEdit& edit,
                                 CatalogState& next) {
  const auto changed = schema_->changed();
  for (const Measurement* measurement : changed) {
    TOCSIN_RETURN_IF_ERROR(write_measurement(transaction, *measurement));
  }
  for (const SegmentRecord& record : edit.removed) {
    TOCSIN_TRY(const bool was_listed, remove_segment(transaction, record.info));
    if (!was_listed) return fail(ErrorCode::kConflict, record.info.name + " is no longer listed");
  }
  if (edit.added != nullptr) {
    for (const HotSegment& hot : edit.added->hot()) {
      TOCSIN_RETURN_IF_ERROR(write_hot(transaction, hot.record, hot.bytes.view()));
    }
    for (const SegmentRecord& sealed : edit.added->sealed()) {
      TOCSIN_RETURN_IF_ERROR(write_sealed(transaction, sealed));
    }
  }
  for (const SmallChange* change : edit.changes) {
    TOCSIN_RETURN_IF_ERROR(apply_change(transaction, *change));
  }
  TOCSIN_RETURN_IF_ERROR(drop_unlisted_files(transaction, edit.removed));
  ++next.commit_number;
  if (!changed.empty()) ++next.schema_version;
  next.next_segment_id = store_.next_segment_id;
  next.next_file_number = store_.next_file_number;
  next.next_measurement_id = schema_->next_id();
  if (edit.retention_waits != nullptr) {
    TOCSIN_RETURN_IF_ERROR(write_retention_waits(transaction, *edit.retention_waits));
  }
  TOCSIN_RETURN_IF_ERROR(write_clock(transaction, store_.clock_guard.record(next.commit_number)));
  return write_state(transaction, next);
}

/// Moves files in which no segment is listed any more to `dropped`.
Status CatalogCommit::drop_unlisted_files(Transaction& transaction,
                                          const std::vector<SegmentRecord>& removed) {
  std::set<std::pair<MeasurementId, int64_t>> partitions;
  std::set<FileId> candidates;
  for (const SegmentRecord& record : removed) {
    if (!record.info.sealed) continue;
    partitions.emplace(record.info.measurement, record.info.partition);
    candidates.insert(record.file());
  }
  for (const auto& [measurement, partition] : partitions) {
    TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, CatalogTable::kSealed,
                                         {measurement, partition, partition},
                                         [&](const SegmentRecord& record, ByteView) -> Status {
                                           candidates.erase(record.file());
                                           return {};
                                         }));
  }
  for (const FileId& file : candidates) {
    TOCSIN_RETURN_IF_ERROR(
        write_dropped(transaction, {file, transaction.id(), store_.clock.now()}));
  }
  return {};
}

void CatalogCommit::count(const CatalogEdit& edit) {
  uint64_t hot_bytes = hot_bytes_;
  if (edit.added != nullptr) {
    for (const HotSegment& hot : edit.added->hot()) hot_bytes += hot.bytes.size();
  }
  for (const SegmentRecord& record : edit.removed) {
    if (!record.info.sealed) hot_bytes -= std::min(hot_bytes, record.info.byte_size);
  }
  hot_bytes_ = hot_bytes;
  ++commits_;
  last_commit_ = store_.clock.now();
}

Status CatalogCommit::forget_dropped(const std::vector<FileId>& files) {
  TOCSIN_TRY(Transaction transaction, store_.environment->begin_write());
  TOCSIN_RETURN_IF_ERROR(store_.opened_paths->check());
  for (const FileId& file : files) TOCSIN_RETURN_IF_ERROR(remove_dropped(transaction, file));
  CatalogState next = state_;
  TOCSIN_RETURN_IF_ERROR(write_state(transaction, next));
  Status status = transaction.commit();
  if (status) {
    state_ = next;
  } else {
    stale_ = true;
  }
  return status;
}

}  // namespace tocsin
