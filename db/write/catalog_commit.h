// Commits to the catalog: each is one transaction of segments, schema changes, small changes and
// counters, followed by the commit mark.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "db/base/result.h"
#include "db/catalog/store.h"
#include "db/schema/draft.h"
#include "db/schema/write_request.h"
#include "db/write/segment_placer.h"
#include "db/write/shared_store.h"

namespace tocsin {

/// One change of the catalog: all of it becomes durable, or none. Everything that it points to must
/// outlive the commit.
struct CatalogEdit {
  const SegmentPlacer* added = nullptr;  ///< its files must be synced
  /// kConflict, and no change, when one of them is no longer listed.
  std::vector<SegmentRecord> removed;
  std::vector<const SmallChange*> changes;
  const std::vector<RetentionWait>* retention_waits = nullptr;
};

/// Owns the catalog's state and the schema draft. Used by the writer thread alone, except for the
/// counters.
class CatalogCommit {
 public:
  /// `store` must outlive this object.
  explicit CatalogCommit(Store& store) : store_(store) {}

  /// Checks the catalog and reads its state and schema. Required before anything else.
  Status load();
  /// After a failed commit, whose writes are lost: opens the catalog again and loads it.
  Status reopen();
  /// Whether the catalog must be reopened before the next commit.
  bool is_stale() const { return stale_; }

  /// Commits the edit together with the schema draft's changes. On kConflict nothing was attempted;
  /// on any other error the catalog is stale.
  Status commit(const CatalogEdit& edit);
  /// Removes unlinked files from the table of dropped ones. Does not count as a commit.
  Status forget_dropped(const std::vector<FileId>& files);

  SchemaDraft& schema() { return *schema_; }
  const SchemaDraft& schema() const { return *schema_; }
  /// The number of the last commit.
  uint64_t commit_number() const { return state_.commit_number; }

  // Any thread.
  uint64_t commits() const { return commits_; }           ///< since the database was opened
  Timestamp last_commit() const { return last_commit_; }  ///< the clock; 0: none since then
  uint64_t hot_bytes() const { return hot_bytes_; }       ///< of all hot segments

 private:
  Status transact(const CatalogEdit& edit);
  Status write_edit(Transaction& transaction, const CatalogEdit& edit, CatalogState& next);
  Status drop_unlisted_files(Transaction& transaction, const std::vector<SegmentRecord>& removed);
  void count(const CatalogEdit& edit);

  Store& store_;
  std::unique_ptr<SchemaDraft> schema_;
  CatalogState state_;
  bool stale_ = false;
  std::atomic<uint64_t> commits_{0};
  std::atomic<Timestamp> last_commit_{0};
  std::atomic<uint64_t> hot_bytes_{0};
};

}  // namespace tocsin
