// What one evaluation commits: alert rows, rule state and outbox entries, in one request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/database.h"
#include "rules/alert.h"
#include "rules/engine.h"

namespace tocsin {

/// Numbers for outbox entries: each larger than all before, also than those of earlier runs that
/// still wait in the outbox. Not thread-safe.
class OutboxSequence {
 public:
  /// Reads the largest number that still waits.
  static Result<OutboxSequence> load(const Database& database);
  uint64_t next(Timestamp now);

 private:
  uint64_t last_ = 0;
};

/// Whether that event goes to that forwarder: a firing if it wants its severity, the end of one if
/// it wanted any severity that this firing was told with.
bool wants(const AlertRoute& route, const AlertEvent& event);

/// Adds the rows of `events` and their outbox entries to `request`. Returns how many entries.
size_t add_alerts(const std::vector<AlertEvent>& events, const std::vector<AlertRoute>& routes,
                  Timestamp now, OutboxSequence& sequence, WriteRequest& request);

}  // namespace tocsin
