// The strings of one lane of a batch. Equal strings mostly share an entry, so that later steps
// process each entry once instead of each value.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "db/schema/string_hash.h"

namespace tocsin {

/// Stores views: the strings must live as long as the batch. Not thread-safe.
class LaneStrings {
 public:
  struct Entry {
    const char* data = nullptr;
    uint32_t size = 0;
    uint32_t hash = 0;  ///< hash_string(text())
    std::string_view text() const { return {data, size}; }
  };

  /// The number of an entry that equals `text`, added if necessary. Equal strings may have several
  /// entries: the search for equal ones stops once most strings turn out to be new.
  /// Requires: text.size() <= UINT32_MAX.
  uint32_t add(std::string_view text) {
    if (last_ < entries_.size() && equal_strings(entries_[last_].text(), text)) {
      ++found_;
      return last_;
    }
    return last_ = find_or_append(text);
  }

  size_t size() const { return entries_.size(); }
  const Entry& entry(uint32_t number) const { return entries_[number]; }
  std::string_view text(uint32_t number) const { return entries_[number].text(); }
  size_t memory_bytes() const {
    return entries_.size() * sizeof(Entry) + slots_.size() * sizeof(uint32_t);
  }

 private:
  uint32_t find_or_append(std::string_view text);
  void insert(uint32_t number);
  void grow();

  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // entry number + 1, 0 is free; at most half full, a power of two
  uint32_t last_ = 0;
  uint32_t found_ = 0;     // how often the search found an equal entry
  bool distinct_ = false;  // the search has stopped
};

}  // namespace tocsin
