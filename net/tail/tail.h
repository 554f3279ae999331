// Follows files: every line of them becomes a row exactly once, whatever rotates, crashes or fills
// up.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "net/event_loop/loop.h"
#include "net/tail/options.h"

namespace tocsin {

struct TailTiming {
  /// How often the globs are expanded when nothing tells of a change. Less: files on file systems
  /// without inotify are read sooner, at the cost of more `stat` calls.
  Duration poll_interval = kSecond;
  Duration scan_gap = 50 * kMillisecond;  ///< between scans, when changes come thick and fast
  Duration settle = 5 * kSecond;  ///< a rotated file's last line without newline is whole then
  Duration open_quote_max = 5 * kSecond;  ///< see ServerOptions
  Duration retry_delay =
      200 * kMillisecond;  ///< after the store was busy; doubles up to retry_delay_max
  Duration retry_delay_max = 5 * kSecond;
};

struct TailCounters {
  uint64_t files = 0;  ///< that some path leads to
  uint64_t bytes = 0;  ///< committed, since start
  uint64_t rows = 0;
  uint64_t rejected = 0;  ///< lines and rows
};

/// All functions on the loop's thread, except caught_up(). `loop`, `database` and `clock` must
/// outlive it. Its destruction stops it at once: what was not committed is read again after the
/// next start. The loop must run on until what it had in the background has ended, and only then
/// may `database` go.
class Tail {
 public:
  /// kInvalid names an option that is wrong.
  static Result<std::unique_ptr<Tail>> create(uv_loop_t* loop, Database& database,
                                              const Clock& clock, std::vector<TailOptions> options,
                                              TailTiming timing = {});
  ~Tail();

  /// Reads the stored positions and begins. Errors: those of Database::list.
  Status start();

  /// Whether every file known at start has been read and committed up to its size at start. Any
  /// thread.
  bool caught_up() const;
  TailCounters counters() const;

 private:
  class Impl;
  explicit Tail(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with its work in the background
};

}  // namespace tocsin
