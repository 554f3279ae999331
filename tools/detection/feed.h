// Stores the events of a world in a database, in the order in which they arrive, and how late they
// arrive, as the server does.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/base/time.h"
#include "db/database.h"
#include "net/parse/event_lag.h"
#include "tools/generate/event_source.h"
#include "tools/generate/format.h"

namespace tocsin::detection {

/// `source`, `clock` and `database` must outlive it. Not thread-safe.
class Feed {
 public:
  Feed(generate::EventSource& source, ManualClock& clock, Database& database)
      : source_(source),
        clock_(clock),
        database_(database),
        formatter_(generate::TextFormat::kLineProtocol, true, source.estate()) {}

  /// Stores everything that arrives before `end`, a tick's boundary, and returns `end`; the clock
  /// follows. If `ordered`, it stops before the first tick with an event that arrives late or is
  /// ahead of the clock, and returns the start of that tick; the last few events before it may be
  /// stored by the next call only.
  Result<Timestamp> play(Timestamp end, bool ordered);

  const std::vector<generate::Label>& labels() const { return labels_; }
  uint64_t event_count() const { return event_count_; }

 private:
  void next_tick();
  bool is_orderly() const;
  void count_lags();
  Status write_bulk();
  Status write_rest();
  Result<WriteRequest> parse_buffer();

  generate::EventSource& source_;
  ManualClock& clock_;
  Database& database_;
  generate::Formatter formatter_;
  std::vector<generate::Event> tick_events_;     ///< of the tick that is stored next
  TimeRange tick_{0, 0};                         ///< at first none
  generate::TextBuffer buffer_;                  ///< lines that are not stored yet
  std::unordered_map<uint32_t, LagRange> lags_;  ///< of this interval, by service and host
  Batch lag_rows_;                               ///< of earlier intervals, not stored yet
  std::vector<generate::Label> labels_;
  uint64_t event_count_ = 0;
  bool in_bulk_ = false;  ///< there are bulk writes that are not durable yet
  Mutex mutex_;
  Status failed_ TOCSIN_GUARDED_BY(mutex_);  ///< the first bulk write that did
};

}  // namespace tocsin::detection
