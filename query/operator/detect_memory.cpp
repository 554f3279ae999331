#include "query/operator/detect_memory.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace tocsin {
namespace {

// Detectors that several checkpoints share count once.
size_t bytes_of(const DetectRecord& record) {
  std::unordered_set<const SeriesDetector*> counted;
  size_t bytes = sizeof record + record.segments.capacity() * sizeof(DetectSegment);
  for (const auto& checkpoint : record.checkpoints) {
    constexpr size_t kEntryBytes = 128;
    for (const auto& [group, detector] : checkpoint->groups) {
      bytes += kEntryBytes + group.capacity();
      if (counted.insert(detector.get()).second) bytes += detector->memory_bytes();
    }
  }
  return bytes;
}

}  // namespace

std::vector<std::shared_ptr<const DetectCheckpoint>> DetectRecord::valid(
    Timestamp start, const std::vector<DetectSegment>& now, Timestamp latest) const {
  std::vector<std::shared_ptr<const DetectCheckpoint>> out;
  if (start != learn_from) return out;
  std::vector<DetectSegment> changed;
  std::set_symmetric_difference(segments.begin(), segments.end(), now.begin(), now.end(),
                                std::back_inserter(changed));
  for (const DetectSegment& segment : changed) latest = std::min(latest, segment.min_time);
  for (const auto& checkpoint : checkpoints) {
    if (checkpoint->time <= latest) out.push_back(checkpoint);
  }
  return out;
}

std::shared_ptr<const DetectRecord> DetectMemory::find(const Fingerprint& fingerprint) {
  const MutexLock lock(mutex_);
  const auto found = slots_.find(fingerprint);
  if (found == slots_.end()) return nullptr;
  found->second.last_used = ++tick_;
  return found->second.record;
}

void DetectMemory::put(const Fingerprint& fingerprint, DetectRecord record) {
  size_t bytes = bytes_of(record);
  while (bytes > bytes_max_ && !record.checkpoints.empty()) {
    record.checkpoints.erase(record.checkpoints.begin());
    bytes = bytes_of(record);
  }
  const MutexLock lock(mutex_);
  Slot& slot = slots_[fingerprint];
  bytes_ += bytes - slot.bytes;
  slot = {std::make_shared<const DetectRecord>(std::move(record)), ++tick_, bytes};
  while (bytes_ > bytes_max_ && slots_.size() > 1) {
    const auto oldest = std::ranges::min_element(
        slots_, {}, [](const auto& entry) { return entry.second.last_used; });
    bytes_ -= oldest->second.bytes;
    slots_.erase(oldest);
  }
}

size_t DetectMemory::memory_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace tocsin
