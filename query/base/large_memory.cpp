#include "query/base/large_memory.h"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <new>

#include <sys/mman.h>

#include "db/base/mutex.h"

namespace tocsin {
namespace {

size_t rounded(size_t bytes) {
  return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
}

std::byte* map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

/// Freed blocks, by size.
class BlockCache {
 public:
  static BlockCache& instance() {
    static BlockCache* cache = new BlockCache;  // never destroyed: threads may still free
    return *cache;
  }

  /// A cached block of that size, or null.
  std::byte* remove(size_t size) {
    const MutexLock lock(mutex_);
    const auto found = by_size_.find(size);
    if (found == by_size_.end()) return nullptr;
    std::byte* const memory = found->second;
    by_size_.erase(found);
    bytes_ -= size;
    return memory;
  }

  /// False when the cache is full.
  bool insert(std::byte* memory, size_t size) {
    const MutexLock lock(mutex_);
    if (bytes_ + size > kCachedLargeBytesMax) return false;
    by_size_.emplace(size, memory);
    bytes_ += size;
    return true;
  }

 private:
  Mutex mutex_;
  std::multimap<size_t, std::byte*> by_size_ TOCSIN_GUARDED_BY(mutex_);
  size_t bytes_ TOCSIN_GUARDED_BY(mutex_) = 0;
};

}  // namespace

std::byte* allocate_large(size_t bytes) {
  if (bytes < kHugePageBytes) {
    void* memory = std::malloc(bytes);
    if (!memory) throw std::bad_alloc();
    return static_cast<std::byte*>(memory);
  }
  const size_t size = rounded(bytes);
  if (std::byte* const cached = BlockCache::instance().remove(size)) return cached;
  // Map one huge page more, then unmap what is outside the aligned block.
  std::byte* memory = map(size + kHugePageBytes);
  const size_t before =
      (kHugePageBytes - reinterpret_cast<uintptr_t>(memory) % kHugePageBytes) % kHugePageBytes;
  if (before != 0) munmap(memory, before);
  if (before != kHugePageBytes) munmap(memory + before + size, kHugePageBytes - before);
  memory += before;
  madvise(memory, size, MADV_HUGEPAGE);  // a hint; failure only costs speed
  return memory;
}

void free_large(std::byte* memory, size_t bytes) {
  if (bytes < kHugePageBytes) {
    std::free(memory);
  } else if (!BlockCache::instance().insert(memory, rounded(bytes))) {
    munmap(memory, rounded(bytes));
  }
}

}  // namespace tocsin
