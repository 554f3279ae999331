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
#include "db/schema/batch.h"
#include "db/schema/schema.h"
#include "db/segment/segment.h"

namespace tocsin {

/// What long work tells while it runs: units done, and all that there are to do.
using ProgressFunction = std::function<void(uint64_t done, uint64_t total)>;

/// Small transactional tables beside the rows. Values are opaque to the store.
enum class SmallTable : uint8_t {
  kSources,  ///< tail positions, by source and file
  kRules,    ///< rule state, by alert name
  kOutbox,   ///< alerts still to deliver, by destination and sequence
};

/// Puts `value` under `key`, or removes the key when there is no value. Keys are 1 to 400 bytes.
struct SmallChange {
  SmallTable table = SmallTable::kSources;
  std::string key;
  std::optional<std::string> value;
};

struct SmallEntry {
  std::string key;
  std::string value;
};

/// Which of a list's entries are asked for.
struct SmallRange {
  std::string_view from = {};  ///< keys below it are left out
  size_t count_max = SIZE_MAX;
};

/// A line that was refused before it became a row; kept in the measurement `rejected`.
struct RejectedLine {
  std::string reason;
  std::string line;  ///< the raw line; its first 4 KiB are kept
  /// Not 0: this stands for so many lines of which nothing is kept but their number.
  uint64_t counted = 0;
};

/// How many lines they stand for.
inline uint64_t line_count(const std::vector<RejectedLine>& rejected) {
  uint64_t count = 0;
  for (const RejectedLine& line : rejected) count += line.counted == 0 ? 1 : line.counted;
  return count;
}

/// What becomes durable together: all of it or nothing.
struct WriteRequest {
  Batch batch;
  std::vector<SmallChange> changes;
  std::vector<RejectedLine> rejected;
  std::string source;  ///< who sent it, for `rejected`: `tcp 127.0.0.1`, `/var/log/a.json`
  /// Rows of `alerts`, `deliveries` and `rejected` are refused unless this is set.
  bool allow_reserved = false;
  /// Commit as soon as the writer is free instead of gathering for commit_interval.
  bool urgent = false;
  /// For imports: gather these rows in memory, over many requests, until whole segments are full,
  /// and commit late: when enough is gathered, at seal(), or at close. Only submit() obeys it; it
  /// then waits for room instead of answering kBusy, and `done` comes as late as the commit.
  bool bulk = false;
};

/// A row that the store refused.
struct RejectedRow {
  std::string measurement;
  size_t row = 0;      ///< in that measurement's RowBatch
  std::string reason;  ///< e.g. `field type conflict: ...`
};

struct WriteReport {
  uint64_t commit_number = 0;
  size_t rows_written = 0;
  std::vector<RejectedRow> rejected;  ///< those rows of the batch that were refused
  std::vector<std::string> warnings;  ///< e.g. values that went into `_rest`
};

struct DatabaseOptions {
  /// Creates the database when there is none. Without it, a missing one is kNotFound.
  bool create = true;
  /// Opens for reading only; several processes may, also while another one writes.
  bool read_only = false;
  /// How long rows may gather before they are committed. More: fewer fsyncs, later visibility.
  Duration commit_interval = 200 * kMillisecond;
  /// Bytes of pending rows that are committed at once.
  size_t commit_bytes = 8 * kMiB;
  /// Bytes of rows that may wait for the writer; past it `submit` answers kBusy.
  size_t pending_bytes_max = 64 * kMiB;
  /// Rows further ahead of the clock than this are rejected: most likely a wrong unit.
  Duration future_max = kDay;
  /// Rows older than this are rejected and dropped by partition; 0 keeps everything.
  Duration retention = 0;
  /// By measurement name; overrides `retention`.
  std::vector<std::pair<std::string, Duration>> measurement_retention;
  /// Must outlive the database; null means the system's clock.
  const Clock* clock = nullptr;
};

/// A consistent, detached view: the catalog and the segments that overlap what was asked for, as of
/// one commit. Holds no transaction, so it blocks nobody and may live as long as its query.
/// Immutable; safe to read from several threads. Cheap to move.
class Snapshot {
 public:
  uint64_t commit_number = 0;
  std::shared_ptr<const Catalog> catalog;                ///< shared with the database
  std::vector<std::shared_ptr<const Segment>> segments;  ///< shared with the database's cache;
                                                         ///< by measurement id, then min_time
};

/// What a snapshot should hold.
struct SnapshotScope {
  std::vector<std::string> measurements;  ///< names; unknown ones are ignored
  TimeRange range;
};

struct DatabaseCounters {
  uint64_t rows_written = 0;   ///< since opening
  uint64_t rows_rejected = 0;  ///< lines and rows, since opening
  uint64_t commits = 0;
  uint64_t pending_bytes = 0;
  uint64_t hot_bytes = 0;
  bool writable = true;  ///< false while the disk is full or the last commit failed
  std::string trouble;   ///< why not writable
};

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
