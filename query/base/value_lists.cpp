#include "query/base/value_lists.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace tocsin {

void ValueLists::add_chunk(Group& list) {
  uint32_t capacity = kFirstCapacity;
  if (list.last) {
    list.last->size = list.last->capacity;
    capacity = std::min(list.last->capacity * 2, kCapacityMax);
  }
  const size_t bytes = sizeof(Chunk) + capacity * sizeof(double);
  if (slab_used_ + bytes > slab_size_) {
    slab_size_ = std::clamp(slab_size_ * 2, kFirstSlabBytes, kHugePageBytes);
    slabs_.push_back(make_large(slab_size_));
    slab_bytes_ += slab_size_;
    slab_used_ = 0;
  }
  auto* chunk = new (slabs_.back().get() + slab_used_) Chunk{list.last, 0, capacity};
  slab_used_ += bytes;
  list.last = chunk;
  list.next = chunk->values();
  list.end = list.next + capacity;
}

void ValueLists::absorb(ValueLists& other, std::span<const uint32_t> map) {
  for (size_t group = 0; group < other.groups_.size(); ++group) {
    Group& from = other.groups_[group];
    Group& to = groups_[map[group]];
    if (!from.last) continue;
    if (!to.last) {
      to = from;
      continue;
    }
    // Appended to the oldest chunk, so that the newest one can keep growing.
    from.last->size = static_cast<uint32_t>(from.next - from.last->values());
    Chunk* oldest = to.last;
    while (oldest->previous) oldest = oldest->previous;
    oldest->previous = from.last;
  }
  slab_bytes_ += other.slab_bytes_;
  if (slabs_.empty()) {
    slab_size_ = other.slab_size_;
    slab_used_ = other.slab_used_;
  }
  // Inserted at the front: the last slab is the one being filled.
  slabs_.insert(slabs_.begin(), std::make_move_iterator(other.slabs_.begin()),
                std::make_move_iterator(other.slabs_.end()));
  other = ValueLists();
}

size_t ValueLists::count(size_t group) const {
  size_t count = 0;
  for_each_chunk(group, [&](std::span<const double> values) { count += values.size(); });
  return count;
}

}  // namespace tocsin
