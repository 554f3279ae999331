// Integers as frame of reference or delta, bit-packed in vectors of kVectorRows, with what does not
// fit the width beside them: times, row numbers, and what encoding_integer.h builds on.
//
// Byte layout of a stream (little-endian, starts on an 8-byte boundary):
//   u32 kind         1 constant, 2 packed
//   u32 count        values
//   u64 value        constant: the value; packed: 0
//   packed only, for each vector of kVectorRows values (the last may be shorter):
//     u64 base         frame: the minimum; delta: the first value
//     u64 min_delta    delta: the smallest difference (two's complement); frame: 0
//     u32 word_offset  where its words start, counted in words from the end of these headers
//     u8  width        bits of each packed value, 0 to 64
//     u8  mode         1 frame of reference, 2 delta (the first difference stands as 0);
//                      3 and 4: the same with patches
//     u16 patch_count  values that are wider than `width`; 0 without patches
//   packed only: the words of all vectors. Those of one vector: its values packed (bit_packing.h),
//   and with patches one word (bits 0 to 7: the width of what the patches add; bit 8: whether a
//   bitmap says which values they are), then the bitmap or the indexes packed with 11 bits,
//   ascending, then what is to be added above `width` bits, packed.
//
// Patches follow PFOR (Zukowski et al., ICDE 2006): one value far out, or a share of larger ones,
// does not widen all others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "db/encoding/bytes.h"

namespace tocsin {

/// Appends a stream of `values` to `out`. Values are patterns of 64 bits, compared as signed.
/// Requires: out.size() is a multiple of 8.
void encode_packed(std::span<const uint64_t> values, std::vector<uint8_t>& out);

/// Reads a stream in place. Borrows its bytes; safe for concurrent readers.
class PackedIntegers {
 public:
  /// Checks the structure against the bytes' size; false when it is damaged.
  /// Requires: bytes lie on an 8-byte boundary.
  bool open(ByteView bytes, size_t expected_count);
  size_t count() const { return count_; }

  /// Decodes values [start, start + n). With `only`, ascending indexes of `out`, few of them, the
  /// others may come out as 0. Requires: start + n <= count().
  void read(size_t start, size_t n, uint64_t* out, std::span<const uint32_t> only = {}) const;
  void read(size_t start, size_t n, int64_t* out, std::span<const uint32_t> only = {}) const;
  void read(size_t start, size_t n, uint32_t* out, std::span<const uint32_t> only = {}) const;

  /// The first index whose value, as signed, is not below `value`. Requires: values ascend.
  size_t lower_bound(int64_t value) const;

 private:
  struct VectorHeader {
    uint64_t base;
    uint64_t min_delta;
    uint32_t word_offset;
    uint8_t width;
    uint8_t mode;
    uint16_t patch_count;
  };
  static_assert(sizeof(VectorHeader) == 24);
  friend class PackedWriter;

  template <class T>
  void read_any(size_t start, size_t n, T* out, std::span<const uint32_t> only) const;
  template <class T>
  bool read_only(size_t start, size_t n, T* out, std::span<const uint32_t> only) const;
  template <class T>
  void read_vector(size_t vector, size_t n, T* out) const;
  bool check_vector(size_t vector, size_t words) const;

  size_t count_ = 0;
  bool constant_ = true;
  uint64_t value_ = 0;
  const VectorHeader* headers_ = nullptr;
  const uint64_t* words_ = nullptr;
};

}  // namespace tocsin
