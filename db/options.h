// Options for opening a database, and its counters.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "db/limits.h"

namespace tocsin {

/// Called during long operations with the units done so far and the total.
using ProgressFunction = std::function<void(uint64_t done, uint64_t total)>;

struct DatabaseOptions {
  /// Creates a missing database. Otherwise a missing database is the error kNotFound.
  bool create = true;
  /// Opens for reading only. Several processes may, even while another process writes.
  bool read_only = false;
  /// How long rows may wait for a commit. Raising it means fewer fsyncs and later visibility.
  Duration commit_interval = 200 * kMillisecond;
  /// Queued rows of this many bytes are committed without waiting any longer.
  size_t commit_bytes = 8 * kMiB;
  /// Bytes of rows that may wait for a commit; beyond it `submit` returns kBusy.
  size_t pending_bytes_max = 64 * kMiB;
  /// Rows further ahead of the clock than this are refused, because their unit is probably wrong.
  Duration future_max = kDay;
  /// How long dropping waits, in running time, for a clock that jumped ahead by more than
  /// `future_max`, and before it drops an unusual share of the days of a measurement at once.
  Duration retention_grace = kHour;
  /// Rows older than this are refused, and stored ones dropped by whole days; 0 keeps everything.
  Duration retention = 0;
  /// By measurement name; overrides `retention`.
  std::vector<std::pair<std::string, Duration>> measurement_retention;
  /// Must outlive the database. Null means the system clock.
  const Clock* clock = nullptr;
};

struct DatabaseCounters {
  uint64_t rows_written = 0;   ///< since the database was opened
  uint64_t rows_rejected = 0;  ///< lines and rows, since the database was opened
  uint64_t commits = 0;        ///< since the database was opened
  uint64_t pending_bytes = 0;  ///< of requests that wait for a commit
  uint64_t hot_bytes = 0;      ///< of all hot segments
  Duration longest_wait = 0;   ///< how long the oldest request that waits for a commit has waited
  Timestamp last_commit = 0;   ///< the clock at the last commit since the database was opened; or 0
  bool writable = true;        ///< false while the disk is full or the last commit failed
  std::string trouble;         ///< why it is not writable
  /// How far the clock is ahead of the time that the database believes; 0: it believes the clock.
  /// Whatever is forgotten because of its age should be older than `now - clock_ahead`.
  Duration clock_ahead = 0;
  std::string retention_waits;  ///< why old days are not dropped yet; empty: none wait
};

}  // namespace tocsin
