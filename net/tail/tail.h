// Follows files: every line becomes a row exactly once, despite rotations, crashes and full disks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "net/event_loop/loop.h"
#include "net/parse/event_lag.h"
#include "net/tail/options.h"

namespace tocsin {

struct TailTiming {
  /// How often the globs are expanded without change notifications. Less: files on file systems
  /// without inotify are read sooner, at the cost of more `stat` calls.
  Duration poll_interval = kSecond;
  Duration scan_gap = 50 * kMillisecond;  ///< minimum time between scans
  /// How long a rotated file must be unchanged before its last line counts without a newline.
  Duration settle = 5 * kSecond;
  Duration open_quote_max = 5 * kSecond;      ///< see ServerOptions
  Duration retry_delay = 200 * kMillisecond;  ///< after the store was busy; doubles each time
  Duration retry_delay_max = 5 * kSecond;
};

struct TailCounters {
  uint64_t files = 0;         ///< with a current path
  uint64_t bytes_behind = 0;  ///< of followed files, not committed yet
  uint64_t bytes = 0;         ///< committed since start
  uint64_t rows = 0;
  uint64_t rejected = 0;  ///< lines and rows
  uint64_t untimed = 0;   ///< JSON events and lines of text without a time
};

/// All functions except caught_up() must be called on the loop's thread. `loop`, `database`,
/// `clock` and `lags` must outlive it. Destruction stops it at once; lines that were not committed
/// are read again after the next start. The loop must continue to run until the background work has
/// ended, and `database` must exist until then.
class Tail {
 public:
  /// Adds the lags of events that are read when they are written to `lags`, unless it is null.
  /// kInvalid names the wrong option.
  static Result<std::unique_ptr<Tail>> create(uv_loop_t* loop, Database& database,
                                              const Clock& clock, std::vector<TailOptions> options,
                                              TailTiming timing = {}, LagLog* lags = nullptr);
  ~Tail();

  /// Reads the stored positions and starts the first scan. Errors: those of Database::list.
  Status start();

  /// Whether every file known at start has been read and committed up to its size at start. May be
  /// called on any thread.
  bool caught_up() const;
  TailCounters counters() const;

 private:
  class Impl;
  explicit Tail(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with background work
};

}  // namespace tocsin
