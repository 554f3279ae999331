// A write request on its way through the writer: queued, merged into builders, then answered.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "db/base/result.h"
#include "db/schema/write_request.h"

namespace tocsin {

/// Called once with the outcome of a write, on the writer thread.
using WriteDone = std::function<void(Result<WriteReport>)>;

/// A request that waits for the writer thread.
struct QueuedWrite {
  WriteRequest request;
  WriteDone done;
  size_t bytes = 0;  ///< its share of WriteQueue::pending_bytes()
};

/// A request whose rows are in builders and whose small changes wait for the commit.
struct MergedWrite {
  WriteDone done;
  WriteReport report;
  std::vector<SmallChange> changes;
  size_t bytes = 0;  ///< its share of WriteQueue::pending_bytes()
};

}  // namespace tocsin
