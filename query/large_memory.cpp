#include "query/large_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <new>

namespace tocsin {
namespace {

size_t rounded(size_t bytes) { return (bytes + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes; }

std::byte* map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(memory);
}

}  // namespace

std::byte* allocate_large(size_t bytes) {
  if (bytes < kHugePageBytes) {
    void* memory = std::malloc(bytes);
    if (!memory) throw std::bad_alloc();
    return static_cast<std::byte*>(memory);
  }
  // One huge page more, of which the ends before and behind the aligned part go back.
  const size_t size = rounded(bytes);
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
  } else {
    munmap(memory, rounded(bytes));
  }
}

}  // namespace tocsin
