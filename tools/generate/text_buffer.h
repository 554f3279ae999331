// A growing byte buffer that appends text and numbers quickly, as formatting is most of the
// generator's work.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace tocsin::generate {

/// Not thread-safe. Appending requires space: call reserve() first.
class TextBuffer {
 public:
  std::string_view view() const { return {bytes_.data(), size_}; }
  size_t size() const { return size_; }
  void clear() { size_ = 0; }

  /// Makes space for `more` bytes to be appended.
  void reserve(size_t more) {
    if (bytes_.size() - size_ < more) bytes_.resize(size_ + more + bytes_.size() / 2);
  }

  // All functions below require reserved space.
  void text(std::string_view value) {
    std::memcpy(bytes_.data() + size_, value.data(), value.size());
    size_ += value.size();
  }
  void byte(char value) { bytes_[size_++] = value; }
  void number(uint64_t value) {
    const auto [end, error] =
        std::to_chars(bytes_.data() + size_, bytes_.data() + bytes_.size(), value);
    size_ = static_cast<size_t>(end - bytes_.data());
  }
  /// `value` tenths with one decimal: 1824 is `182.4`.
  void tenths(uint64_t value) {
    number(value / 10);
    byte('.');
    byte(static_cast<char>('0' + value % 10));
  }
  /// `value` with `digits` digits, padded with zeros.
  void padded(uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i, value /= 10) {
      bytes_[size_ + static_cast<size_t>(i)] = static_cast<char>('0' + value % 10);
    }
    size_ += static_cast<size_t>(digits);
  }
  /// The low `digits` hexadecimal digits.
  void hex(uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i, value >>= 4) {
      bytes_[size_ + static_cast<size_t>(i)] = "0123456789abcdef"[value & 15];
    }
    size_ += static_cast<size_t>(digits);
  }

 private:
  std::vector<char> bytes_;
  size_t size_ = 0;
};

}  // namespace tocsin::generate
