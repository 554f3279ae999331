// The finished rows of baseline windows, remembered between evaluations.
//
// Segments never change and their ids are never reused. So the rows of a window depend only on the
// query's fingerprint, the window, and the ids of the segments that overlap it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "db/base/mutex.h"
#include "db/base/time.h"
#include "query/aggregate/group_table.h"
#include "query/plan/fingerprint.h"

namespace tocsin {

inline constexpr size_t kWindowMemoryBytesMax = 128 * kMiB;

/// The rows of one window after the last stage before `baseline`. Groups are numbered by the
/// series' GroupTable. Immutable once shared.
struct WindowRecord {
  uint64_t source_rows = 0;   ///< of the query's measurements, before any filter
  uint64_t matched_rows = 0;  ///< after the filters before the first stats
  /// Groups with a row after the last stats: first the `kept_count` that passed all later stages,
  /// then those that a later `where` removed.
  std::vector<uint32_t> groups;
  uint32_t kept_count = 0;
  /// Value column c of kept row i: `values[c * kept_count + i]`; NaN is null.
  std::vector<double> values;

  size_t memory_bytes() const;
};

struct WindowKey {
  TimeRange window;
  uint64_t segments[2] = {0, 0};  ///< sums of two hashes of the ids, so that order does not matter
  bool operator==(const WindowKey&) const = default;
};

/// The windows remembered for one fingerprint.
struct WindowSeries {
  explicit WindowSeries(std::span<const ValueType> key_types) : groups(key_types) {}

  struct KeyHash {
    size_t operator()(const WindowKey& key) const;
  };
  struct Entry {
    std::shared_ptr<const WindowRecord> record;  // shared with running evaluations
    uint64_t last_used = 0;
  };

  Mutex mutex;
  GroupTable groups TOCSIN_GUARDED_BY(mutex);
  std::unordered_map<WindowKey, Entry, KeyHash> windows TOCSIN_GUARDED_BY(mutex);
  size_t record_bytes TOCSIN_GUARDED_BY(mutex) = 0;

  /// Null if the window is not remembered.
  std::shared_ptr<const WindowRecord> find(const WindowKey& key, uint64_t tick)
      TOCSIN_REQUIRES(mutex);
  void insert(const WindowKey& key, std::shared_ptr<const WindowRecord> record, uint64_t tick)
      TOCSIN_REQUIRES(mutex);
  /// Forgets the records that were not used at or after `tick`.
  void forget_before(uint64_t tick) TOCSIN_REQUIRES(mutex);
  size_t memory_bytes() const TOCSIN_REQUIRES(mutex) {
    return sizeof *this + record_bytes + groups.memory_bytes();
  }
};

/// The series of all fingerprints, bounded in bytes: the least recently used ones are forgotten
/// first. Thread-safe.
class WindowMemory {
 public:
  explicit WindowMemory(size_t bytes_max = kWindowMemoryBytesMax) : bytes_max_(bytes_max) {}

  /// The series of a fingerprint, which is created if there is none. Shared by this memory, until
  /// it forgets the series, and running evaluations.
  std::shared_ptr<WindowSeries> series(const Fingerprint& fingerprint,
                                       std::span<const ValueType> key_types);
  /// The number of a new evaluation, for `last_used`.
  uint64_t next_tick();
  /// Forgets series, or records of `series`, until the limit is kept again. Call after `series`
  /// grew in evaluation `tick`. Requires: the series' mutex is not held.
  void trim(const std::shared_ptr<WindowSeries>& series, uint64_t tick);
  size_t memory_bytes() const;

 private:
  struct Slot {
    std::shared_ptr<WindowSeries> series;
    uint64_t last_used = 0;
    size_t bytes = 0;  // measured by its last trim()
  };

  void set_bytes(Slot& slot, size_t bytes) TOCSIN_REQUIRES(mutex_);

  const size_t bytes_max_;
  mutable Mutex mutex_;
  std::map<Fingerprint, Slot> slots_ TOCSIN_GUARDED_BY(mutex_);
  size_t bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;  // of all slots
  uint64_t tick_ TOCSIN_GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin
