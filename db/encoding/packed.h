// Integers as frame of reference or delta, bit-packed in vectors of kVectorRows; bits that do not
// fit the width are stored as patches. Used for times and row numbers, and by integer.h.
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
//     u8  mode         1 frame of reference, 2 delta (the first difference is stored as 0);
//                      3 and 4: the same with patches
//     u16 patch_count  values that are wider than `width`; 0 without patches
//   packed only: the words of all vectors. Those of one vector: its values packed (bit_packing.h),
//   and with patches one word (bits 0 to 7: the width of the patches; bit 8: whether a bitmap marks
//   the patched values), then the bitmap or the ascending indexes packed with 11 bits, then the
//   patches, packed: the bits of each patched value above `width`.
//
// Patches follow PFOR (Zukowski et al., ICDE 2006): an outlier, or a few larger values, do not
// widen all others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "db/encoding/bytes.h"

namespace tocsin {

/// Appends a stream of `values`, 64-bit patterns that compare as signed, to `out`.
/// Requires: out.size() is a multiple of 8.
void encode_packed(std::span<const uint64_t> values, std::vector<uint8_t>& out);

/// Reads a stream in place. Borrows its bytes; safe for concurrent readers.
class PackedIntegers {
 public:
  /// Checks the structure against the size of `bytes`; false if it is damaged.
  /// Requires: `bytes` start on an 8-byte boundary.
  bool open(ByteView bytes, size_t expected_count);
  size_t count() const { return count_; }

  /// Decodes values [start, start + n). With `only`, a few ascending indexes of `out`, all other
  /// values may come out as 0. Requires: start + n <= count().
  void read(size_t start, size_t n, uint64_t* out, std::span<const uint32_t> only = {}) const;
  void read(size_t start, size_t n, int64_t* out, std::span<const uint32_t> only = {}) const;
  void read(size_t start, size_t n, uint32_t* out, std::span<const uint32_t> only = {}) const;

  /// The first index whose value, as signed, is at least `value`. Requires: values ascend.
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
