#include "db/encoding/string_pool.h"

#include <algorithm>
#include <cstring>

namespace tocsin {
namespace {

constexpr size_t kFirstSlots = 64;
constexpr size_t kFirstBlockBytes = 512;
constexpr size_t kBlockBytesMax = 256 * 1024;

/// A column counts as distinct if at a check more than kDistinctEighths in 8 strings were new.
constexpr size_t kStringsPerCheck = 32 * 1024;
constexpr size_t kDistinctEighths = 5;

}  // namespace

uint32_t StringPool::add(std::string_view text, uint32_t hash) {
  if (distinct_) return append(text);
  // Rows in a row often repeat a value: comparing is cheaper than hashing.
  if (!entries_.empty() && equal_strings(entries_[last_code_], text)) {
    ++added_;
    return last_code_;
  }
  if (++added_ % kStringsPerCheck == 0 && entries_.size() * 8 > added_ * kDistinctEighths) {
    stop_searching();
    return append(text);
  }
  if (entries_.size() * 2 >= slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  size_t probe = 0;
  for (; probe < kProbesMax; ++probe, at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.code_plus_one == 0) break;
    if (slot.hash == hash && equal_strings(entries_[slot.code_plus_one - 1], text)) {
      return last_code_ = slot.code_plus_one - 1;
    }
  }
  if (probe == kProbesMax) {
    stop_searching();
    return append(text);
  }
  hashes_.push_back(hash);
  last_code_ = append(text);
  slots_[at] = {hash, last_code_ + 1};
  return last_code_;
}

void StringPool::stop_searching() {
  distinct_ = true;
  slots_ = {};
  hashes_ = {};
}

uint32_t StringPool::append(std::string_view text) {
  if (text.size() > block_left_) {
    const size_t next = std::clamp(block_bytes_, kFirstBlockBytes, kBlockBytesMax);
    block_left_ = std::max(next, text.size());
    block_bytes_ += block_left_;
    block_at_ = blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(block_left_)).get();
  }
  if (!text.empty()) std::memcpy(block_at_, text.data(), text.size());
  entries_.emplace_back(block_at_, text.size());
  block_at_ += text.size();
  block_left_ -= text.size();
  return static_cast<uint32_t>(entries_.size() - 1);
}

void StringPool::grow() {
  std::vector<Slot> wider(std::max(kFirstSlots, slots_.size() * 2));
  const size_t mask = wider.size() - 1;
  for (uint32_t code = 0; code < hashes_.size(); ++code) {
    size_t at = hashes_[code] & mask;
    while (wider[at].code_plus_one != 0) at = (at + 1) & mask;
    wider[at] = {hashes_[code], code + 1};
  }
  slots_ = std::move(wider);
}

size_t StringPool::memory_bytes() const {
  return block_bytes_ + entries_.capacity() * sizeof(std::string_view) +
         hashes_.capacity() * sizeof(uint32_t) + slots_.capacity() * sizeof(Slot);
}

}  // namespace tocsin
