// Detectors remembered between evaluations of a rule, so that each evaluation continues instead of
// learning weeks again.
//
// Segments never change and their ids are never reused. So detectors that have learnt the buckets
// before a checkpoint are valid as long as the segments that reach before it are the same.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "db/base/mutex.h"
#include "db/base/time.h"
#include "db/limits.h"
#include "query/plan/fingerprint.h"
#include "query/series/detector.h"

namespace tocsin {

inline constexpr size_t kDetectMemoryBytesMax = 128 * kMiB;
/// A query with more groups learns them at every evaluation.
inline constexpr size_t kDetectGroupsMax = 1'000;

/// The detectors of all groups, by their text, which have learnt the buckets before `time`. Shared
/// by the memory and running evaluations, and immutable then.
struct DetectCheckpoint {
  Timestamp time = 0;
  std::unordered_map<std::string, std::shared_ptr<const SeriesDetector>> groups;
};

struct DetectSegment {
  uint64_t id = 0;
  Timestamp min_time = 0;
  bool operator<(const DetectSegment& other) const { return id < other.id; }
};

/// What is remembered of one query.
struct DetectRecord {
  Timestamp learn_from = 0;             ///< the first bucket learnt
  std::vector<DetectSegment> segments;  ///< that the checkpoints were made from, by id
  std::vector<std::shared_ptr<const DetectCheckpoint>> checkpoints;  ///< by time

  /// The checkpoints that are valid for these segments, none of them after `latest`.
  std::vector<std::shared_ptr<const DetectCheckpoint>> valid(Timestamp start,
                                                             const std::vector<DetectSegment>& now,
                                                             Timestamp latest) const;
};

/// Bounded in bytes: the least recently used records are forgotten first. Thread-safe.
class DetectMemory {
 public:
  explicit DetectMemory(size_t bytes_max = kDetectMemoryBytesMax) : bytes_max_(bytes_max) {}

  /// Null if nothing is remembered.
  std::shared_ptr<const DetectRecord> find(const Fingerprint& fingerprint);
  /// Replaces what is remembered; drops the oldest checkpoints if they are too large.
  void put(const Fingerprint& fingerprint, DetectRecord record);
  size_t memory_bytes() const;

 private:
  struct Slot {
    std::shared_ptr<const DetectRecord> record;
    uint64_t last_used = 0;
    size_t bytes = 0;
  };

  const size_t bytes_max_;
  mutable Mutex mutex_;
  std::map<Fingerprint, Slot> slots_ TOCSIN_GUARDED_BY(mutex_);
  size_t bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;
  uint64_t tick_ TOCSIN_GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin
