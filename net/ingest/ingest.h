// Parses texts (large ones in the background), submits them to the store, and reports when they are
// durable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "db/limits.h"
#include "net/event_loop/loop.h"
#include "net/ingest/dry_run.h"
#include "net/ingest/once.h"
#include "net/parse/event_lag.h"
#include "net/parse/framer.h"
#include "net/parse/line_protocol.h"
#include "net/parse/records.h"

namespace tocsin {

/// Problems reported for one text. All are counted, and all go to `rejected`.
inline constexpr size_t kIngestProblemsMax = 20;

/// Whole lines of one format from one client, or a body of records.
struct IngestText {
  std::string text;
  LineFormat format = LineFormat::kLineProtocol;
  /// If set, parses the text, which then has records in place of lines.
  RecordParser records = nullptr;
  /// How its rejected records are parsed again, if the parser states their lines.
  LineOrigin (*origin)(const ParseOptions&) = nullptr;
  ParseOptions options;
  std::optional<RejectedLine> rejected;  ///< a line that the caller has already rejected
  std::string source;                    ///< recorded in `rejected`, such as `tcp 127.0.0.1`
  std::string path;                      ///< of an HTTP request; recorded in `rejected`
  Duration patience = 0;  ///< how long to retry while the store is busy, full or failing
  bool urgent = false;    ///< commit without waiting for more
  size_t problems_max = kIngestProblemsMax;  ///< in the report
  bool alone = false;  ///< nothing else of the client has arrived; see kLoopTextBytesMax
  /// If set, receives the rows and rejected lines, and nothing is stored.
  std::shared_ptr<DryRun> dry_run;
  /// If set, the text is stored once: a second one with this key gets the report of the first, if
  /// all its lines had a time. Requires: the database outlives its request.
  std::shared_ptr<OnceRequest> once;
  size_t once_index = 0;  ///< of the text in its request
  /// For the log, if events have no time: how the user names its key for this input.
  const char* time_advice = "";
};

/// A text that is `alone` and not larger is parsed on the loop's thread: that takes less time than
/// to wake up another thread. A larger one would hold up the other clients.
inline constexpr size_t kLoopTextBytesMax = 4 * kKiB;

struct IngestReport : TextOutcome {
  Status status;  ///< on an error, nothing of the text was stored
  std::vector<std::string> warnings;
};

struct IngestCounters {
  uint64_t lines_rejected = 0;  ///< that could not be parsed
  uint64_t bytes = 0;           ///< of stored texts
  uint64_t untimed = 0;         ///< JSON events without a time
  uint64_t duplicates = 0;      ///< texts that were stored before
};

/// All functions must be called on the loop's thread. After destruction no callbacks are called.
/// The loop must continue to run until the background work has ended, and `database` and `lags`
/// must exist until then.
class Ingest {
 public:
  /// Adds the lags of stored events to `lags`, unless it is null.
  Ingest(uv_loop_t* loop, Database& database, LagLog* lags);
  ~Ingest();

  /// Reads which texts were stored once. Call before the first add().
  Status load_once();
  /// Adds a text. `accepted` is called when the store has queued the text or refused it for good;
  /// to keep the order of a client's texts, add the next one only then. `done` is called once,
  /// after `accepted`, when the text is committed or has failed. Both are called on the loop, for a
  /// text that is parsed on the loop possibly before this returns.
  void add(IngestText text, std::function<void()> accepted, std::function<void(IngestReport)> done);
  /// Logs something odd about the requests of a source, once, and a few different ones of a kind.
  void warn(const std::string& source, std::string_view kind, std::string_view description,
            const std::string& message);
  /// From now on, limits the `patience` of all texts.
  void limit_patience(Duration patience);

  bool idle() const;  ///< no text is being parsed or waiting for its commit
  IngestCounters counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with background work
};

}  // namespace tocsin
