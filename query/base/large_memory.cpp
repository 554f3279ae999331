#include "query/base/large_memory.h"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#include <sys/mman.h>

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

/// Freed pieces, by size.
class KeptPieces {
 public:
  static KeptPieces& instance() {
    static KeptPieces* pieces = new KeptPieces;  // never destroyed: threads may still free
    return *pieces;
  }

  std::byte* take(size_t size) {
    const std::lock_guard lock(mutex_);
    const auto found = by_size_.find(size);
    if (found == by_size_.end()) return nullptr;
    std::byte* const memory = found->second;
    by_size_.erase(found);
    bytes_ -= size;
    return memory;
  }

  bool keep(std::byte* memory, size_t size) {
    const std::lock_guard lock(mutex_);
    if (bytes_ + size > kKeptLargeBytesMax) return false;
    by_size_.emplace(size, memory);
    bytes_ += size;
    return true;
  }

 private:
  std::mutex mutex_;
  std::multimap<size_t, std::byte*> by_size_;
  size_t bytes_ = 0;
};

}  // namespace

std::byte* allocate_large(size_t bytes) {
  if (bytes < kHugePageBytes) {
    void* memory = std::malloc(bytes);
    if (!memory) throw std::bad_alloc();
    return static_cast<std::byte*>(memory);
  }
  // One huge page more, of which the ends before and behind the aligned part go back.
  const size_t size = rounded(bytes);
  if (std::byte* const kept = KeptPieces::instance().take(size)) return kept;
  std::byte* memory = map(size + kHugePageBytes);
  const size_t before =
      (kHugePageBytes - reinterpret_cast<uintptr_t>(memory) % kHugePageBytes) % kHugePageBytes;
  if (before != 0) munmap(memory, before);
  if (before != kHugePageBytes) munmap(memory + before + size, kHugePageBytes - before);
  memory += before;
  madvise(memory, size, MADV_HUGEPAGE);  // a wish: without it, it is only slower
  return memory;
}

void free_large(std::byte* memory, size_t bytes) {
  if (bytes < kHugePageBytes) {
    std::free(memory);
  } else if (!KeptPieces::instance().keep(memory, rounded(bytes))) {
    munmap(memory, rounded(bytes));
  }
}

}  // namespace tocsin
