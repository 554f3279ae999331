#include "query/value_lists.h"

#include <algorithm>
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
  if (slab_used_ + bytes > kSlabBytes) {
    slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(kSlabBytes));
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
    // Behind the oldest chunk, so that the newest one can go on growing.
    from.last->size = static_cast<uint32_t>(from.next - from.last->values());
    Chunk* oldest = to.last;
    while (oldest->previous) oldest = oldest->previous;
    oldest->previous = from.last;
  }
  for (auto& slab : other.slabs_) slabs_.push_back(std::move(slab));
  // The last slab is the one that is filled, so that stays the own one.
  if (!other.slabs_.empty()) {
    std::rotate(slabs_.begin(), slabs_.end() - static_cast<ptrdiff_t>(other.slabs_.size()),
                slabs_.end());
  }
  if (slabs_.size() == other.slabs_.size()) slab_used_ = kSlabBytes;
  other = ValueLists();
}

size_t ValueLists::count(size_t group) const {
  size_t count = 0;
  for_each_chunk(group, [&](std::span<const double> values) { count += values.size(); });
  return count;
}

}  // namespace tocsin
