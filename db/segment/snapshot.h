// The segments that a query reads: a consistent view as of one commit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "db/schema/schema.h"
#include "db/segment/segment.h"

namespace tocsin {

/// The catalog and the segments that overlap a scope, as of one commit. Holds no transaction, so it
/// blocks no writer and may live as long as its query. Immutable; safe to read from several
/// threads. Cheap to move.
class Snapshot {
 public:
  uint64_t commit_number = 0;
  std::shared_ptr<const Catalog> catalog;  ///< shared with the database
  /// By measurement id, then min_time; shared with the database's cache.
  std::vector<std::shared_ptr<const Segment>> segments;
};

/// The measurements and times of a snapshot.
struct SnapshotScope {
  std::vector<std::string> measurements;  ///< names; unknown ones are ignored
  TimeRange range;
};

}  // namespace tocsin
