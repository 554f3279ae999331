// Memory in large pieces: in huge pages where the system has them.
//
// A page of 4 KiB costs a fault when it is first touched, a microsecond or more on a virtual
// machine; a query that fills 100 MiB would spend most of its time in these.
#pragma once

#include <cstddef>
#include <memory>

namespace tocsin {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

/// What is freed is kept, up to so many bytes, for the next who asks for as much: a virtual machine
/// may need a millisecond or two to find a huge page and to clear it.
inline constexpr size_t kKeptLargeBytesMax = size_t{64} << 20;

/// `bytes`, uninitialised, aligned to kHugePageBytes from that size on. Throws std::bad_alloc. Safe
/// from any thread.
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

/// For std::vector: the same.
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
