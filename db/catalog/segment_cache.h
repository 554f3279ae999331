// The opened segments of one process, by id, and its mapped files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "db/base/mutex.h"
#include "db/base/result.h"
#include "db/catalog/store.h"
#include "db/segment/file.h"
#include "db/segment/segment.h"

namespace tocsin {

/// Opens a copy of a hot segment, whose value in a transaction is `body`. kCorrupt if it is
/// damaged.
Result<std::shared_ptr<const Segment>> open_hot(const SegmentRecord& record, ByteView body);

/// Bounded by kCachedSegmentsMax and kCachedHotBytesMax. An evicted segment lives as long as a
/// snapshot holds it. Safe from any thread.
class SegmentCache {
 public:
  explicit SegmentCache(std::string directory) : directory_(std::move(directory)) {}

  /// Opens a segment, or returns it from the cache. `body` is a hot segment's value in the current
  /// transaction. kNotFound if a sealed segment's file is missing, kCorrupt if it is too short.
  Result<std::shared_ptr<const Segment>> open(const SegmentRecord& record, ByteView body);

 private:
  struct Entry {
    std::shared_ptr<const Segment> segment;  // shared with snapshots
    uint64_t last_used = 0;
    size_t hot_bytes = 0;
  };

  Result<std::shared_ptr<const Segment>> open_sealed(const SegmentRecord& record)
      TOCSIN_REQUIRES(mutex_);
  void evict() TOCSIN_REQUIRES(mutex_);

  const std::string directory_;
  Mutex mutex_;
  std::unordered_map<uint64_t, Entry> entries_ TOCSIN_GUARDED_BY(mutex_);
  // Kept alive by their segments.
  std::map<FileId, std::weak_ptr<const FileMapping>> mappings_ TOCSIN_GUARDED_BY(mutex_);
  size_t hot_bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;
  uint64_t tick_ TOCSIN_GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin
