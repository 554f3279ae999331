// Large blocks of memory, in huge pages where the system has them.
//
// The first touch of a 4 KiB page costs a fault, a microsecond or more on a virtual machine; a
// query that fills 100 MiB would spend most of its time on faults.
#pragma once

#include <cstddef>
#include <memory>

namespace tocsin {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

/// Freed blocks are cached, up to this many bytes, and reused for requests of the same size: a
/// virtual machine may need a millisecond or two to find and clear a huge page.
inline constexpr size_t kCachedLargeBytesMax = size_t{64} << 20;

/// A block of `bytes`, uninitialised; aligned to kHugePageBytes if at least that large. Throws
/// std::bad_alloc. Thread-safe.
std::byte* allocate_large(size_t bytes);
void free_large(std::byte* memory, size_t bytes);

struct FreeLarge {
  size_t bytes = 0;
  void operator()(std::byte* memory) const { free_large(memory, bytes); }
};
using LargeMemory = std::unique_ptr<std::byte[], FreeLarge>;
inline LargeMemory make_large(size_t bytes) {
  return LargeMemory(allocate_large(bytes), FreeLarge{bytes});
}

/// The same for std::vector.
template <class T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) {}
  T* allocate(size_t count) { return reinterpret_cast<T*>(allocate_large(count * sizeof(T))); }
  void deallocate(T* memory, size_t count) {
    free_large(reinterpret_cast<std::byte*>(memory), count * sizeof(T));
  }
  bool operator==(const LargeAllocator&) const = default;
};

}  // namespace tocsin
