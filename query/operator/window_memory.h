// What is remembered between evaluations: the finished rows of baseline windows.
//
// Segments never change and their ids are never used again, so the rows of a window depend on
// nothing but the query's fingerprint, the window and the ids of the segments that overlap it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "db/base/time.h"
#include "query/aggregate/group_table.h"
#include "query/plan/fingerprint.h"

namespace tocsin {

inline constexpr size_t kWindowMemoryBytesMax = 128 * kMiB;

/// The rows of one window after the last stage before `baseline`. Groups are numbers of the series'
/// table. Immutable once shared.
struct WindowRecord {
  uint64_t source_rows = 0;   ///< of the query's measurements, before any filter
  uint64_t matched_rows = 0;  ///< after the filters before the first stats
  /// Groups with a row after the last stats: first the `kept_count` that reached the end, then
  /// those that a `where` behind the stats removed.
  std::vector<uint32_t> groups;
  uint32_t kept_count = 0;
  /// Value column c of kept row i: `values[c * kept_count + i]`; NaN is null.
  std::vector<double> values;

  size_t memory_bytes() const;
};

struct WindowKey {
  TimeRange window;
  uint64_t segments[2] = {0, 0};  ///< sums of two hashes of the ids: independent of their order
  bool operator==(const WindowKey&) const = default;
};

/// All that is remembered for one fingerprint. Lock `mutex` around every access.
struct WindowSeries {
  explicit WindowSeries(std::span<const ValueType> key_types) : groups(key_types) {}

  struct KeyHash {
    size_t operator()(const WindowKey& key) const;
  };
  struct Entry {
    std::shared_ptr<const WindowRecord> record;  // shared with evaluations under way
    uint64_t last_used = 0;
  };

  std::mutex mutex;
  GroupTable groups;
  std::unordered_map<WindowKey, Entry, KeyHash> windows;
  size_t record_bytes = 0;

  std::shared_ptr<const WindowRecord> find(const WindowKey& key, uint64_t tick);
  void insert(const WindowKey& key, std::shared_ptr<const WindowRecord> record, uint64_t tick);
  /// Forgets the records that were not used at or after `tick`.
  void forget_before(uint64_t tick);
  size_t memory_bytes() const { return sizeof *this + record_bytes + groups.memory_bytes(); }
};

/// The series of all fingerprints, bounded in bytes: the least recently used ones go first.
/// Thread-safe.
class WindowMemory {
 public:
  explicit WindowMemory(size_t bytes_max = kWindowMemoryBytesMax) : bytes_max_(bytes_max) {}

  /// Who shares: the memory, until it forgets the series, and evaluations under way.
  std::shared_ptr<WindowSeries> series(const Fingerprint& fingerprint,
                                       std::span<const ValueType> key_types);
  /// A number that grows with every evaluation, for `last_used`.
  uint64_t next_tick();
  /// Makes room after `series` grew during the evaluation `tick`. Requires: its mutex is not held.
  void trim(const std::shared_ptr<WindowSeries>& series, uint64_t tick);
  size_t memory_bytes() const;

 private:
  struct Slot {
    std::shared_ptr<WindowSeries> series;
    uint64_t last_used = 0;
    size_t bytes = 0;  // as of its last trim
  };

  const size_t bytes_max_;
  mutable std::mutex mutex_;  // guards the rest
  std::map<Fingerprint, Slot> slots_;
  size_t bytes_ = 0;  // of all slots
  uint64_t tick_ = 0;
};

}  // namespace tocsin
