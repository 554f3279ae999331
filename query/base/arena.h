// Memory for many strings that are freed together.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace tocsin {

/// Copies strings into blocks; views stay valid until clear() or destruction, also when the arena
/// is moved. Not thread-safe.
class StringArena {
 public:
  std::string_view keep(std::string_view value) {
    if (value.empty()) return {};
    if (value.size() > block_size_ - used_) add_block(value.size());
    char* to = blocks_.back().get() + used_;
    std::memcpy(to, value.data(), value.size());
    used_ += value.size();
    return {to, value.size()};
  }
  void clear() {
    blocks_.clear();
    used_ = block_size_ = memory_bytes_ = 0;
  }
  size_t memory_bytes() const { return memory_bytes_; }

 private:
  static constexpr size_t kFirstBlockBytes = 4096;
  static constexpr size_t kBlockBytesMax = 1 << 20;

  void add_block(size_t need) {
    size_t size = block_size_ == 0 ? kFirstBlockBytes : block_size_ * 2;
    if (size > kBlockBytesMax) size = kBlockBytesMax;
    if (size < need) size = need;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    block_size_ = size;
    used_ = 0;
    memory_bytes_ += size;
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t used_ = 0;
  size_t block_size_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace tocsin
