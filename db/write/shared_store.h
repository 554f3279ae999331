// What the door, the writer and the sealer of one open database share.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "db/catalog/environment.h"
#include "db/catalog/segment_cache.h"
#include "db/catalog/store.h"
#include "db/options.h"
#include "db/segment/snapshot.h"

namespace tocsin {

/// Which segment files are being appended to, so that two writers never choose one file.
class FileLeases {
 public:
  bool take(const FileId& file);
  void give_back(const FileId& file);

 private:
  std::mutex mutex_;
  std::set<FileId> taken_;
};

/// Safe from any thread.
struct Store {
  Store(std::string dir, DatabaseOptions opts, std::shared_ptr<Environment> env);

  const std::string directory;
  const DatabaseOptions options;
  const SystemClock system_clock;
  const Clock& clock;
  const std::shared_ptr<Environment> environment;  // shared by this process's databases of one path

  SegmentCache cache;
  FileLeases leases;
  std::atomic<uint64_t> next_segment_id{1};
  std::atomic<uint64_t> next_file_number{1};

  /// The catalog as that transaction sees it; the last one is remembered.
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

  std::mutex catalog_mutex_;
  std::shared_ptr<const Catalog> catalog_ = std::make_shared<Catalog>();  // shared with snapshots
  uint64_t schema_version_ = 0;
};

/// The UTC day of a time.
int64_t partition_of(Timestamp time);

}  // namespace tocsin
