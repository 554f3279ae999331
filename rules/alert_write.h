// Alert events as part of a write request: rows of the measurement `alerts` and outbox entries.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/database.h"
#include "rules/alert.h"
#include "rules/engine.h"

namespace tocsin {

/// Ascending numbers for outbox entries, larger than any number still in the outbox from an earlier
/// run. Not thread-safe.
class OutboxSequence {
 public:
  /// Starts after the largest number in the outbox.
  static Result<OutboxSequence> load(const Database& database);
  uint64_t next(Timestamp now);

 private:
  uint64_t last_ = 0;
};

/// Whether the event goes to the forwarder: a firing if the forwarder wants its severity, a
/// resolution if it wanted any severity with which the firing was sent.
bool wants(const AlertRoute& route, const AlertEvent& event);

/// Adds the rows of `events` and their outbox entries to `request`. Returns the number of
/// entries.
size_t add_alerts(const std::vector<AlertEvent>& events, const std::vector<AlertRoute>& routes,
                  Timestamp now, OutboxSequence& sequence, WriteRequest& request);

}  // namespace tocsin
