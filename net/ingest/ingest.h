// Text on its way into the store: parsed off the loop, submitted, and answered when it is durable.
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
#include "net/event_loop/loop.h"
#include "net/parse/framer.h"
#include "net/parse/line_protocol.h"

namespace tocsin {

/// Whole lines of one format from one client.
struct IngestText {
  std::string text;
  LineFormat format = LineFormat::kLineProtocol;
  ParseOptions options;
  std::optional<RejectedLine> rejected;  ///< a line that was refused before
  std::string source;                    ///< for `rejected`: `tcp 127.0.0.1`
  Duration patience = 0;  ///< how long to try again while the store is busy or its disk is full
  bool urgent = false;    ///< commit it without waiting for more
};

/// A line that was not stored.
struct IngestProblem {
  uint64_t line = 0;  ///< from 1, in the text
  std::string reason;
  bool unparsed = false;  ///< it was no row at all; else the store refused the row
};

inline constexpr size_t kIngestProblemsMax =
    20;  ///< kept of one text; all are counted, all go to `rejected`

struct IngestReport {
  Status status;  ///< an error: nothing of the text was stored
  size_t rows_written = 0;
  size_t rows_rejected = 0;
  std::vector<IngestProblem> problems;  ///< the first ones, by line
  std::vector<std::string> warnings;
};

struct IngestCounters {
  uint64_t lines_rejected = 0;  ///< that no parser could take
  uint64_t bytes = 0;           ///< of text that was stored
};

/// All functions on the loop's thread. Its destruction drops the reports of what is under way; the
/// loop must run on until the background work has ended, and only then may `database` go.
class Ingest {
 public:
  Ingest(uv_loop_t* loop, Database& database);
  ~Ingest();

  /// Takes a text. `accepted` runs when the store has queued it, or will not: only then may a
  /// client's next text be taken, if its order matters. `done` runs once, after the commit or the
  /// failure, after `accepted`. Both on the loop.
  void add(IngestText text, std::function<void()> accepted, std::function<void(IngestReport)> done);
  /// From now on nothing is tried again for longer than that.
  void limit_patience(Duration patience);

  bool idle() const;  ///< nothing is parsed or waits for its commit
  IngestCounters counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with what it has under way
};

}  // namespace tocsin
