// Packs up to kVectorRows integers of equal bit width, so that unpacking is a run of equal shifts.
//
// Layout: `count` values are in lanes = ceil(count / 64) columns, value i in lane i % lanes, row
// i / lanes. Each lane packs its values, at most 64, from the low bit up into `width` words. The
// words of all lanes are interleaved: word w of lane l is at [w * lanes + l]. All values of a row
// are shifted by the same amount, which compilers turn into SIMD code without gathers. (The
// transposed layout follows FastLanes, Afroozeh & Boncz, VLDB 2023, in its simplest form.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "db/limits.h"

namespace tocsin {

inline size_t packed_words(size_t count, unsigned width) { return (count + 63) / 64 * width; }

/// The number of vectors of kVectorRows that hold `count` values; the last may be shorter.
constexpr size_t vector_count(size_t count) { return (count + kVectorRows - 1) / kVectorRows; }

/// Writes packed_words(count, width) words. Requires: count <= kVectorRows, width <= 64, and
/// every value < 2^width.
void pack_bits(const uint64_t* values, size_t count, unsigned width, uint64_t* out);

/// Returns value i of `count` packed values. Requires: i < count.
inline uint64_t unpack_one(const uint64_t* in, size_t count, unsigned width, size_t i) {
  if (width == 0) return 0;
  const size_t lanes = (count + 63) / 64;
  const size_t bit = i / lanes * width;
  const uint64_t* low = in + bit / 64 * lanes + i % lanes;
  const unsigned shift = bit % 64;
  uint64_t value = *low >> shift;
  if (shift + width > 64) value |= low[lanes] << (64 - shift);
  return width == 64 ? value : value & ((uint64_t{1} << width) - 1);
}

/// Writes `count` values, each plus `base` (modulo 2^64, then truncated to T).
template <class T>
void unpack_bits(const uint64_t* in, size_t count, unsigned width, uint64_t base, T* out) {
  if (width == 0) {
    for (size_t i = 0; i < count; ++i) out[i] = static_cast<T>(base);
    return;
  }
  const size_t lanes = (count + 63) / 64;
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  size_t bit = 0;
  for (size_t first = 0; first < count; first += lanes, bit += width) {
    const uint64_t* low = in + bit / 64 * lanes;
    const unsigned shift = bit % 64;
    const size_t n = count - first < lanes ? count - first : lanes;
    T* target = out + first;
    if (shift + width <= 64) {
      for (size_t l = 0; l < n; ++l) target[l] = static_cast<T>(((low[l] >> shift) & mask) + base);
    } else {
      const uint64_t* high = low + lanes;
      for (size_t l = 0; l < n; ++l) {
        const uint64_t value = (low[l] >> shift) | (high[l] << (64 - shift));
        target[l] = static_cast<T>((value & mask) + base);
      }
    }
  }
}

}  // namespace tocsin
