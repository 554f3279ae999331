// Bytes: views, aligned buffers, XXH3 checksums, and a little-endian writer and reader for the
// catalog's small values. Bytes from disk are hostile until checked: ByteReader never reads past
// its end.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin {

using ByteView = std::span<const uint8_t>;

inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Appends `count` items in their memory representation.
template <class T>
void append(std::vector<uint8_t>& out, const T* items, size_t count) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto* bytes = reinterpret_cast<const uint8_t*>(items);
  out.insert(out.end(), bytes, bytes + count * sizeof(T));
}

/// XXH3-64 (Collet, xxHash 0.8). `seed` ties the checksum to a place, such as a key.
uint64_t checksum(ByteView bytes, uint64_t seed = 0);

/// Heap memory that starts on a 64-byte boundary, so that typed arrays can be read in place.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(size_t size);
  explicit AlignedBytes(ByteView bytes);

  uint8_t* data() & { return data_.get(); }
  uint8_t* data() && = delete;
  ByteView view() const& { return {data_.get(), size_}; }
  ByteView view() const&& = delete;
  size_t size() const { return size_; }

 private:
  struct Release {
    void operator()(uint8_t* data) const;
  };
  std::unique_ptr<uint8_t, Release> data_;
  size_t size_ = 0;
};

class ByteWriter {
 public:
  void u8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void u32(uint32_t value) { put(&value, sizeof value); }
  void u64(uint64_t value) { put(&value, sizeof value); }
  void i64(int64_t value) { put(&value, sizeof value); }
  void text(std::string_view value) {
    u32(static_cast<uint32_t>(value.size()));
    out_.append(value);
  }
  void raw(ByteView value) { out_.append(text_of(value)); }
  const std::string& bytes() const& { return out_; }
  const std::string& bytes() const&& = delete;
  std::string take() { return std::move(out_); }

 private:
  void put(const void* value, size_t size) { out_.append(static_cast<const char*>(value), size); }

  std::string out_;
};

/// Reads what ByteWriter wrote. Past the end every read returns 0 or nothing, and ok() is false
/// from then on.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

  uint8_t u8() { return get<uint8_t>(); }
  uint32_t u32() { return get<uint32_t>(); }
  uint64_t u64() { return get<uint64_t>(); }
  int64_t i64() { return get<int64_t>(); }
  std::string_view text() { return text_of(raw(u32())); }
  ByteView raw(size_t size) {
    if (!has(size)) return {};
    ByteView part = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return part;
  }
  ByteView rest() { return raw(bytes_.size()); }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

 private:
  bool has(size_t size) {
    if (bytes_.size() < size) ok_ = false;
    return ok_;
  }
  template <class T>
  T get() {
    T value = 0;
    if (has(sizeof value)) {
      std::memcpy(&value, bytes_.data(), sizeof value);
      bytes_ = bytes_.subspan(sizeof value);
    }
    return value;
  }

  ByteView bytes_;
  bool ok_ = true;
};

}  // namespace tocsin
