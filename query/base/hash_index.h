// Maps the hash of an item to its number. Items are numbered from 1 in order of appearance; the
// caller stores them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "query/base/large_memory.h"

namespace tocsin {

/// Mixes all bits of a word: the finalizer of MurmurHash3 (Austin Appleby, public domain).
inline uint64_t mix_word(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  return x ^ (x >> 33);
}

/// Open addressing with linear probing, at most two thirds full. A slot keeps the upper half of the
/// hash, and the leading bits of that are the slot's index. So the slots are roughly ordered by
/// hash, and growing makes one pass over the old and new slots without the items or their full
/// hashes. Not thread-safe.
class HashIndex {
 public:
  /// The number with this hash for which `equal(number)` is true. If there is none, the reference
  /// is to a 0 that the caller must set. Valid until the next call.
  template <class Equal>
  uint32_t& find(uint64_t hash, Equal equal) {
    if (used_ * 3 >= slots_.size() * 2) grow(slots_.empty() ? kFirstSlots : slots_.size() * 2);
    const auto tag = static_cast<uint32_t>(hash >> 32);
    for (size_t at = tag >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.number == 0) {
        slot.tag = tag;
        ++used_;
        return slot.number;
      }
      if (slot.tag == tag && equal(slot.number)) return slot.number;
    }
  }
  /// Prefetches the slot where find() starts: called for many hashes in advance, their cache misses
  /// overlap.
  void prefetch(uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash >> 32 >> shift_]);
  }

  /// Makes room for `count` numbers.
  void reserve(size_t count) {
    const size_t slots = std::bit_ceil(std::max(kFirstSlots, count * 3 / 2 + 1));
    if (slots > slots_.size()) grow(slots);
  }

  bool empty() const { return used_ == 0; }
  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = 0;  // 0: free
  };

  static constexpr size_t kFirstSlots = 256;

  [[gnu::noinline]] void grow(size_t slot_count) {
    const auto old = std::exchange(slots_, {});
    slots_.resize(slot_count);
    shift_ = 32 - static_cast<unsigned>(std::countr_zero(slots_.size()));
    for (const Slot& slot : old) {
      if (slot.number == 0) continue;
      size_t at = slot.tag >> shift_;
      while (slots_[at].number != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot, LargeAllocator<Slot>> slots_;
  unsigned shift_ = 0;  // a tag's first slot is tag >> shift_
  size_t used_ = 0;
};

}  // namespace tocsin
