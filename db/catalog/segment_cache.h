// Opened segments of one process, by id, and mapped files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "db/base/result.h"
#include "db/catalog/store.h"
#include "db/segment/file.h"
#include "db/segment/segment.h"

namespace tocsin {

/// A copy of a hot segment: `body` is its value in a transaction. kCorrupt when it is damaged.
Result<std::shared_ptr<const Segment>> open_hot(const SegmentRecord& record, ByteView body);

/// Bounded by kCachedSegmentsMax and kCachedHotBytesMax; what is evicted lives on while a
/// snapshot holds it. Safe from any thread.
class SegmentCache {
 public:
  explicit SegmentCache(std::string directory) : directory_(std::move(directory)) {}

  /// Opens a segment, or finds it open. `body` is a hot segment's value in the running transaction.
  /// kNotFound when a sealed segment's file is missing, kCorrupt when it is too short.
  Result<std::shared_ptr<const Segment>> open(const SegmentRecord& record, ByteView body);

 private:
  struct Entry {
    std::shared_ptr<const Segment> segment;  // shared with snapshots
    uint64_t last_used = 0;
    size_t hot_bytes = 0;
  };

  Result<std::shared_ptr<const Segment>> open_sealed(const SegmentRecord& record);
  void evict();

  const std::string directory_;
  std::mutex mutex_;  // guards all below
  std::unordered_map<uint64_t, Entry> entries_;
  std::map<FileId, std::weak_ptr<const FileMapping>> mappings_;  // kept alive by their segments
  size_t hot_bytes_ = 0;
  uint64_t tick_ = 0;
};

}  // namespace tocsin
