// A growing list of numbers per group, for aggregates that need every value.
//
// Lists are chains of chunks that double in size and are cut from slabs, so both a million groups
// of a few values and a few groups of millions need little more memory than their values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "query/base/large_memory.h"

namespace tocsin {

/// Not thread-safe, but different groups may be read by different threads.
class ValueLists {
 public:
  size_t group_count() const { return groups_.size(); }
  void resize(size_t group_count) { groups_.resize(group_count); }

  void append(uint32_t group, double value) {
    Group& list = groups_[group];
    if (list.next == list.end) add_chunk(list);
    *list.next++ = value;
  }
  /// Moves the lists of `other` here and leaves it empty. `map[g]` is the group here for group g
  /// of `other`.
  void absorb(ValueLists& other, std::span<const uint32_t> map);

  size_t count(size_t group) const;
  /// Calls f(span of values) for each chunk of the group, in unspecified order.
  template <class F>
  void for_each_chunk(size_t group, F f) const {
    const Group& list = groups_[group];
    for (const Chunk* chunk = list.last; chunk; chunk = chunk->previous) {
      f(std::span<const double>(chunk->values(), size_of(list, chunk)));
    }
  }
  size_t memory_bytes() const { return slab_bytes_ + groups_.capacity() * sizeof(Group); }

 private:
  struct Chunk {
    Chunk* previous;
    uint32_t size;  // set once a newer chunk follows
    uint32_t capacity;

    double* values() { return reinterpret_cast<double*>(this + 1); }
    const double* values() const { return reinterpret_cast<const double*>(this + 1); }
  };
  static_assert(sizeof(Chunk) % sizeof(double) == 0);
  struct Group {
    Chunk* last = nullptr;
    double* next = nullptr;  // in `last`
    double* end = nullptr;
  };
  static constexpr size_t kFirstSlabBytes = size_t{64} << 10;
  static constexpr uint32_t kFirstCapacity = 2;
  static constexpr uint32_t kCapacityMax = 4096;

  static size_t size_of(const Group& list, const Chunk* chunk) {
    return chunk == list.last ? static_cast<size_t>(list.next - chunk->values()) : chunk->size;
  }
  void add_chunk(Group& list);

  std::vector<Group> groups_;
  std::vector<LargeMemory> slabs_;  // the last one is being filled
  size_t slab_size_ = 0;
  size_t slab_used_ = 0;
  size_t slab_bytes_ = 0;  // of all slabs
};

}  // namespace tocsin
