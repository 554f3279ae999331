// Large blocks of memory: aligned, cached within bounds, and never handed out twice.
#include "query/base/large_memory.h"

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

TEST_CASE("large memory: blocks are aligned and do not overlap, and freed ones are reused",
          "[query]") {
  const size_t size = 3 * kHugePageBytes - 5;
  std::byte* const first = allocate_large(size);
  std::byte* const second = allocate_large(size);
  CHECK(reinterpret_cast<uintptr_t>(first) % kHugePageBytes == 0);
  CHECK(first != second);
  std::memset(first, 1, size);
  std::memset(second, 2, size);
  CHECK(first[size - 1] == std::byte{1});
  free_large(first, size);
  std::byte* const again = allocate_large(size);
  CHECK(again != second);
  CHECK(second[0] == std::byte{2});
  free_large(again, size);
  free_large(second, size);
}

TEST_CASE("large memory: several threads can allocate more than the cache holds", "[query]") {
  const auto work = [] {
    for (int round = 0; round < 3; ++round) {
      std::vector<LargeMemory> pieces;
      std::set<std::byte*> places;
      for (size_t bytes = 0; bytes <= kCachedLargeBytesMax; bytes += 8 * kHugePageBytes) {
        pieces.push_back(make_large(8 * kHugePageBytes));
        pieces.back()[0] = std::byte{7};
        places.insert(pieces.back().get());
      }
      if (places.size() != pieces.size()) return false;
    }
    return true;
  };
  bool fine[3] = {};
  std::vector<std::thread> threads;
  for (bool& each : fine) threads.emplace_back([&] { each = work(); });
  for (std::thread& thread : threads) thread.join();
  for (const bool each : fine) CHECK(each);
}

}  // namespace
}  // namespace tocsin
