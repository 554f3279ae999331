// The state that an open database, its writer and its sealer share.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "db/base/mutex.h"
#include "db/catalog/environment.h"
#include "db/catalog/opened_paths.h"
#include "db/catalog/segment_cache.h"
#include "db/catalog/store.h"
#include "db/options.h"
#include "db/segment/snapshot.h"
#include "db/write/clock_guard.h"

namespace tocsin {

/// The segment files that are being appended to, so that two threads never append to one file.
/// Safe from any thread.
class FileLeases {
 public:
  /// False if the file is leased already.
  bool acquire(const FileId& file);
  void release(const FileId& file);

 private:
  Mutex mutex_;
  std::set<FileId> leased_ TOCSIN_GUARDED_BY(mutex_);
};

/// Safe from any thread.
struct Store {
  Store(std::string dir, DatabaseOptions opts, std::shared_ptr<Environment> env);

  const std::string directory;
  /// Those that Writer::change_options changes are used by the writer thread alone.
  DatabaseOptions options;
  const SystemClock system_clock;
  const Clock& clock;
  ClockGuard clock_guard;  // started by the writer
  // Shared by the databases of this process on one path.
  const std::shared_ptr<Environment> environment;
  std::optional<OpenedPaths> opened_paths;  // set before the writer starts; empty for readers

  SegmentCache cache;
  FileLeases leases;
  std::atomic<uint64_t> next_segment_id{1};
  std::atomic<uint64_t> next_file_number{1};

  /// The catalog as that transaction sees it. Remembers the newest one.
  Result<std::shared_ptr<const Catalog>> catalog_of(const Transaction& transaction,
                                                    const CatalogState& state);
  void remember(std::shared_ptr<const Catalog> catalog, uint64_t schema_version);
  std::shared_ptr<const Catalog> remembered();

  Result<Snapshot> take_snapshot(const SnapshotScope& scope);
  Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope& scope);
  /// Retention of a measurement by name; 0 keeps everything.
  Duration retention_of(std::string_view measurement) const;

 private:
  Result<Snapshot> try_snapshot(const SnapshotScope& scope);

  Mutex catalog_mutex_;
  // Shared with snapshots.
  std::shared_ptr<const Catalog> catalog_ TOCSIN_GUARDED_BY(catalog_mutex_) =
      std::make_shared<Catalog>();
  uint64_t schema_version_ TOCSIN_GUARDED_BY(catalog_mutex_) = 0;
};

/// The UTC day of a time.
int64_t partition_of(Timestamp time);

}  // namespace tocsin
