// The segment builders that a commit, or an import, fills: one per measurement and day.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "db/schema/schema.h"
#include "db/segment/builder.h"

namespace tocsin {

/// Not thread-safe.
class BuilderSet {
 public:
  using Key = std::pair<MeasurementId, int64_t>;
  struct Entry {
    std::unique_ptr<SegmentBuilder> builder;
    uint64_t last_request = 0;  ///< the request that used the builder last
  };

  /// Starts the next request; later get() calls count towards it.
  void begin_request() { ++request_; }
  /// The builder of that measurement and day, created if there is none.
  SegmentBuilder& get(const Measurement& measurement, int64_t partition);
  std::map<Key, Entry>& builders() { return builders_; }
  /// How many requests have started since one used the builder.
  uint64_t idle_requests(const Entry& entry) const { return request_ - entry.last_request; }
  void clear() { builders_.clear(); }
  size_t memory_bytes() const;

 private:
  std::map<Key, Entry> builders_;
  uint64_t request_ = 0;
};

}  // namespace tocsin
