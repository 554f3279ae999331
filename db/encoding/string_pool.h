// The strings of one column under construction: equal strings get one code while that pays.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "db/schema/string_hash.h"

namespace tocsin {

/// Owns copies of its strings. Not thread-safe.
class StringPool {
 public:
  /// Returns the code of `text`, a new one if the pool does not have it. Once most strings turn out
  /// to be new, the pool no longer searches for equal ones: then equal strings may have several
  /// codes.
  uint32_t add(std::string_view text) { return add(text, hash_string(text)); }
  /// Prefetches the slot that add() of a text with this hash reads first.
  void prefetch(uint32_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }
  /// Requires: `hash` is hash_string(text).
  uint32_t add(std::string_view text, uint32_t hash);

  size_t size() const { return entries_.size(); }
  std::string_view entry(uint32_t code) const& { return entries_[code]; }
  std::string_view entry(uint32_t code) const&& = delete;
  /// Whether equal strings have equal codes.
  bool is_exact() const { return !distinct_; }
  size_t memory_bytes() const;

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t code_plus_one = 0;
  };

  uint32_t append(std::string_view text);
  void stop_searching();
  void grow();

  std::vector<std::string_view> entries_;
  std::vector<uint32_t> hashes_;  // of the entries, while searching
  std::vector<Slot> slots_;       // open addressing, at most half full; size is a power of two
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  char* block_at_ = nullptr;
  size_t block_bytes_ = 0;
  size_t added_ = 0;
  uint32_t last_code_ = 0;
  bool distinct_ = false;  // no longer searches for equal strings
};

}  // namespace tocsin
