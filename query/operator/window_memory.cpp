#include "query/operator/window_memory.h"

#include <algorithm>
#include <utility>

namespace tocsin {

size_t WindowRecord::memory_bytes() const {
  constexpr size_t kMapEntry = 128;  // for the hash table and the shared pointer
  return kMapEntry + sizeof(WindowRecord) + groups.capacity() * sizeof(uint32_t) +
         values.capacity() * sizeof(double);
}

size_t WindowSeries::KeyHash::operator()(const WindowKey& key) const {
  // Windows that follow each other and have the same segments are neighbours in the table, because
  // they are looked up one after the other.
  const Duration length = std::max<Duration>(key.window.end - key.window.start, 1);
  return key.segments[0] + static_cast<uint64_t>(key.window.end / length) +
         static_cast<uint64_t>(key.window.end % length) * 0x9e3779b97f4a7c15;
}

std::shared_ptr<const WindowRecord> WindowSeries::find(const WindowKey& key, uint64_t tick) {
  const auto found = windows.find(key);
  if (found == windows.end()) return nullptr;
  found->second.last_used = tick;
  return found->second.record;
}

void WindowSeries::insert(const WindowKey& key, std::shared_ptr<const WindowRecord> record,
                          uint64_t tick) {
  Entry& entry = windows[key];
  if (entry.record) record_bytes -= entry.record->memory_bytes();
  record_bytes += record->memory_bytes();
  entry = {std::move(record), tick};
}

void WindowSeries::forget_before(uint64_t tick) {
  for (auto window = windows.begin(); window != windows.end();) {
    if (window->second.last_used >= tick) {
      ++window;
      continue;
    }
    record_bytes -= window->second.record->memory_bytes();
    window = windows.erase(window);
  }
}

std::shared_ptr<WindowSeries> WindowMemory::series(const Fingerprint& fingerprint,
                                                   std::span<const ValueType> key_types) {
  const MutexLock lock(mutex_);
  Slot& slot = slots_[fingerprint];
  if (!slot.series) slot.series = std::make_shared<WindowSeries>(key_types);
  slot.last_used = tick_;
  return slot.series;
}

uint64_t WindowMemory::next_tick() {
  const MutexLock lock(mutex_);
  return ++tick_;
}

void WindowMemory::set_bytes(Slot& slot, size_t bytes) {
  bytes_ += bytes - slot.bytes;
  slot.bytes = bytes;
}

void WindowMemory::trim(const std::shared_ptr<WindowSeries>& series, uint64_t tick) {
  const auto size_of = [&] {
    const MutexLock lock(series->mutex);
    return series->memory_bytes();
  };
  const auto forget_old = [&] {
    const MutexLock lock(series->mutex);
    series->forget_before(tick);
  };
  const MutexLock lock(mutex_);
  const auto own =
      std::ranges::find_if(slots_, [&](const auto& slot) { return slot.second.series == series; });
  if (own == slots_.end()) return;  // forgotten by another evaluation
  set_bytes(own->second, size_of());
  while (bytes_ > bytes_max_ && slots_.size() > 1) {
    auto oldest = slots_.end();
    for (auto slot = slots_.begin(); slot != slots_.end(); ++slot) {
      if (slot == own) continue;
      if (oldest == slots_.end() || slot->second.last_used < oldest->second.last_used)
        oldest = slot;
    }
    bytes_ -= oldest->second.bytes;
    slots_.erase(oldest);
  }
  if (bytes_ <= bytes_max_) return;
  forget_old();
  set_bytes(own->second, size_of());
  if (bytes_ <= bytes_max_) return;
  bytes_ -= own->second.bytes;
  slots_.erase(own);
}

size_t WindowMemory::memory_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace tocsin
