// How a database is opened, and what it counts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "db/base/time.h"
#include "db/limits.h"

namespace tocsin {

/// What long work tells while it runs: units done, and all that there are to do.
using ProgressFunction = std::function<void(uint64_t done, uint64_t total)>;

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

struct DatabaseCounters {
  uint64_t rows_written = 0;   ///< since opening
  uint64_t rows_rejected = 0;  ///< lines and rows, since opening
  uint64_t commits = 0;
  uint64_t pending_bytes = 0;
  uint64_t hot_bytes = 0;
  bool writable = true;  ///< false while the disk is full or the last commit failed
  std::string trouble;   ///< why not writable
};

}  // namespace tocsin
