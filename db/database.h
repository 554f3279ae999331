// The store's door: open a database, write batches, take snapshots, read its small tables.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/options.h"
#include "db/schema/schema.h"
#include "db/schema/write_request.h"
#include "db/segment/segment.h"
#include "db/segment/snapshot.h"

namespace tocsin {

/// An open database directory. All functions are safe to call from any thread. One process may
/// have it open for writing; its one writer thread owns every write transaction.
class Database {
 public:
  /// Errors: kNotFound (no database there and `create` is off), kConflict (another process writes;
  /// names its pid), kUnsupported (format of a later version; names both), kCorrupt, kIo.
  static Result<std::unique_ptr<Database>> open(const std::string& directory,
                                                DatabaseOptions options = {});
  /// Commits what is pending, seals nothing, releases the lock.
  virtual ~Database() = default;

  virtual const std::string& directory() const = 0;

  /// Queues a write. `done` runs once on the writer thread after the commit is durable or has
  /// failed; it must be quick and must not call back into `write`. Returns kBusy (nothing queued,
  /// `done` is never called) when pending_bytes_max is passed, and kDiskFull or kIo while not
  /// writable.
  virtual Status submit(WriteRequest request, std::function<void(Result<WriteReport>)> done) = 0;
  /// Queues a write, waits for room if need be, and returns when it is durable. Not for event
  /// loops.
  virtual Result<WriteReport> write(WriteRequest request) = 0;
  /// Commits all that is pending and seals every hot segment.
  virtual Status seal() = 0;
  /// The same, and merges small segments as far as they go; what they lay in is unlinked later.
  /// `progress` runs on a thread of the database: merges done and to do.
  virtual Status compact(ProgressFunction progress) = 0;

  virtual std::shared_ptr<const Catalog> catalog() const = 0;
  /// kBusy when no reader slot is free; kCorrupt names the segment that cannot be opened.
  virtual Result<Snapshot> snapshot(const SnapshotScope& scope) const = 0;
  /// Catalog entries only, for schedulers and `info`: no column is read, no file is opened.
  virtual Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope& scope) const = 0;

  virtual Result<std::optional<std::string>> get(SmallTable table, std::string_view key) const = 0;
  /// The entries whose key starts with `prefix`, by key. Reads no more of them than `range` allows.
  virtual Result<std::vector<SmallEntry>> list(SmallTable table, std::string_view prefix,
                                               SmallRange range = {}) const = 0;

  virtual DatabaseCounters counters() const = 0;
};

}  // namespace tocsin
