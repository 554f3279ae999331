// The public API of the store: open a database, write batches, take snapshots, read small tables.
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

/// An open database directory. All functions may be called from any thread. Only one process may
/// have a directory open for writing.
class Database {
 public:
  /// Errors: kNotFound (there is no database and `create` is off), kConflict (another process
  /// writes; names its pid), kUnsupported (a later format; names both versions), kCorrupt, kIo.
  static Result<std::unique_ptr<Database>> open(const std::string& directory,
                                                DatabaseOptions options = {});
  /// Commits everything pending, seals nothing, and releases the lock.
  virtual ~Database() = default;

  virtual const std::string& directory() const = 0;

  /// Queues a write. `done` runs once, on the writer thread, after the commit is durable or has
  /// failed. It must be quick and must not call `write`. If an error is returned, nothing is queued
  /// and `done` is never called: kBusy if pending_bytes_max would be exceeded, kDiskFull or kIo
  /// while the database is not writable.
  virtual Status submit(WriteRequest request, std::function<void(Result<WriteReport>)> done) = 0;
  /// Queues a write, waiting for room if necessary, and returns when it is durable. Not for event
  /// loops.
  virtual Result<WriteReport> write(WriteRequest request) = 0;
  /// Commits everything pending and seals every hot segment.
  virtual Status seal() = 0;
  /// The same, and merges small segments as far as possible. Their files are unlinked later.
  /// `progress` runs on a thread of the database; its units are merges.
  virtual Status compact(ProgressFunction progress) = 0;

  /// Believes the clock, and lets retention drop the days that wait, at once. Returns what was
  /// confirmed, as text; empty if nothing waited. See "Clocks" in db/README.md.
  virtual Result<std::string> confirm_retention() = 0;

  virtual std::shared_ptr<const Catalog> catalog() const = 0;
  /// kBusy if no reader slot is free; kCorrupt names the segment that cannot be opened.
  virtual Result<Snapshot> snapshot(const SnapshotScope& scope) const = 0;
  /// The segments' catalog entries. Reads no column and opens no file.
  virtual Result<std::vector<SegmentInfo>> segment_infos(const SnapshotScope& scope) const = 0;

  virtual Result<std::optional<std::string>> get(SmallTable table, std::string_view key) const = 0;
  /// The entries in `range` whose key starts with `prefix`, sorted by key. Reads only those.
  virtual Result<std::vector<SmallEntry>> list(SmallTable table, std::string_view prefix,
                                               SmallRange range = {}) const = 0;

  /// Replaces future_max, retention and measurement_retention. The other options are fixed when
  /// the database is opened.
  virtual Status change_options(const DatabaseOptions& options) = 0;

  virtual DatabaseCounters counters() const = 0;
};

}  // namespace tocsin
