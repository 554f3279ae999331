#include "db/write/retention.h"

#include <cerrno>
#include <string>
#include <vector>

#include <unistd.h>

#include "db/limits.h"

namespace tocsin {
namespace {

constexpr auto kRetentionEvery = std::chrono::minutes(1);

}  // namespace

bool Retention::is_due(std::chrono::steady_clock::time_point now) {
  if (now < next_) return false;
  next_ = now + kRetentionEvery;
  return true;
}

Status Retention::drop_expired(CatalogCommit& catalog) {
  CatalogEdit edit;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    for (const auto& [name, measurement] : catalog.schema().published()->measurements) {
      const Duration retention = store_.retention_of(name);
      if (retention <= 0) continue;
      const PartitionRange days{measurement.id, INT64_MIN,
                                partition_of(store_.clock.now() - retention) - 1};
      const auto remove = [&](const SegmentRecord& record, ByteView) -> Status {
        edit.removed.push_back(record);
        return {};
      };
      TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, CatalogTable::kHot, days, remove));
      TOCSIN_RETURN_IF_ERROR(walk_segments(transaction, CatalogTable::kSealed, days, remove));
    }
  }
  return edit.removed.empty() ? Status() : catalog.commit(edit);
}

Status Retention::unlink_dropped(CatalogCommit& catalog) {
  std::vector<DroppedFile> dropped;
  {
    TOCSIN_TRY(Transaction transaction, store_.environment->begin_read());
    TOCSIN_TRY(dropped, read_dropped(transaction));
  }
  if (dropped.empty()) return {};
  TOCSIN_RETURN_IF_ERROR(store_.opened_paths->check());
  TOCSIN_TRY(const uint64_t oldest, store_.environment->oldest_reader());
  std::vector<FileId> unlinked;
  for (const DroppedFile& file : dropped) {
    const bool is_old = store_.clock.now() - file.dropped_at > kSnapshotMax;
    if (oldest < file.transaction && !is_old) continue;
    const std::string path = store_.directory + "/" + file_path(file.file);
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) unlinked.push_back(file.file);
  }
  return unlinked.empty() ? Status() : catalog.forget_dropped(unlinked);
}

}  // namespace tocsin
