// A fast hash of short strings, for tables with bounded probing: it does not resist deliberate
// collisions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tocsin {

/// A table stops searching after this many slots with other strings. A good hash does not come near
/// it in a table that is at most half full. A bad one costs only duplicate entries.
inline constexpr size_t kProbesMax = 64;

namespace string_hash {

inline uint64_t load64(const char* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

inline uint64_t load32(const char* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Combines both halves of the product. Source, also of hash_string: wyhash (Wang Yi, 2019).
inline uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace string_hash

inline uint32_t hash_string(std::string_view text) {
  using namespace string_hash;
  constexpr uint64_t kSecret1 = 0xa0761d6478bd642f;
  constexpr uint64_t kSecret2 = 0xe7037ed1a0b428db;
  const char* p = text.data();
  const size_t size = text.size();
  uint64_t low = 0, high = 0, state = kSecret2 ^ size;
  if (size >= 8) {
    for (; static_cast<size_t>(p - text.data()) + 16 < size; p += 16) {
      state = mix(load64(p) ^ kSecret1, load64(p + 8) ^ state);
    }
    low = size >= 16 ? load64(text.data() + size - 16) : load64(text.data());
    high = load64(text.data() + size - 8);
  } else if (size >= 4) {
    low = load32(p);
    high = load32(p + size - 4);
  } else if (size > 0) {
    low = static_cast<uint64_t>(static_cast<unsigned char>(p[0])) << 16 |
          static_cast<uint64_t>(static_cast<unsigned char>(p[size / 2])) << 8 |
          static_cast<unsigned char>(p[size - 1]);
  }
  const uint64_t hash = mix(low ^ kSecret1, high ^ state);
  return static_cast<uint32_t>(hash ^ (hash >> 32));
}

/// Like ==, but without a function call for short strings.
inline bool equal_strings(std::string_view a, std::string_view b) {
  using namespace string_hash;
  if (a.size() != b.size()) return false;
  const size_t size = a.size();
  const char* const p = a.data();
  const char* const q = b.data();
  if (size > 32) return std::memcmp(p, q, size) == 0;
  if (size >= 16) {
    return ((load64(p) ^ load64(q)) | (load64(p + 8) ^ load64(q + 8)) |
            (load64(p + size - 16) ^ load64(q + size - 16)) |
            (load64(p + size - 8) ^ load64(q + size - 8))) == 0;
  }
  if (size >= 8) {
    return ((load64(p) ^ load64(q)) | (load64(p + size - 8) ^ load64(q + size - 8))) == 0;
  }
  if (size >= 4) {
    return ((load32(p) ^ load32(q)) | (load32(p + size - 4) ^ load32(q + size - 4))) == 0;
  }
  for (size_t i = 0; i < size; ++i) {
    if (p[i] != q[i]) return false;
  }
  return true;
}

}  // namespace tocsin
