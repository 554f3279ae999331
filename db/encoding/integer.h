// The encoding of i64 and u64 columns, dictionary codes, lengths, decimal-scaled floats and the
// numbers in texts: packed (packed.h), or, where wide values soon repeat, each distinct value once.
//
// Byte layout of a stream (little-endian, starts on an 8-byte boundary): that of packed.h, or
//   u32 kind         3 repeats
//   u32 count        values
//   u64 entry_count  distinct values, in the order of their first appearance
//   u64 entry_base   added to each entry
//   u64 entry_width  bits of each packed entry, 1 to 64
//   u64[]            the entries, one after the other from the low bit up, and one word of zeros
//   u32[]            for each vector of kVectorRows values, the number of entries that appeared
//                    before it; padded to 8 bytes
//   the distances, a packed stream: 0 for a new value, which is the next entry; else how far the
//   value's entry is before the next entry
#pragma once

#include "db/encoding/packed.h"

namespace tocsin {

/// Appends a stream of `values`, 64-bit patterns that compare as signed, to `out`.
/// Requires: out.size() is a multiple of 8.
void encode_integers(std::span<const uint64_t> values, std::vector<uint8_t>& out);

/// Reads a stream in place. Borrows its bytes; safe for concurrent readers.
class IntegerStream {
 public:
  /// Checks the structure against the size of `bytes`; false if it is damaged.
  /// Requires: `bytes` start on an 8-byte boundary.
  bool open(ByteView bytes, size_t expected_count);
  size_t count() const { return packed_.count(); }

  /// Decodes values [start, start + n). With `only`, a few ascending indexes of `out`, all other
  /// values may come out as 0. Requires: start + n <= count().
  void read(size_t start, size_t n, uint64_t* out, std::span<const uint32_t> only = {}) const;
  void read(size_t start, size_t n, int64_t* out, std::span<const uint32_t> only = {}) const;
  void read(size_t start, size_t n, uint32_t* out, std::span<const uint32_t> only = {}) const;

  /// The number of distinct values if each is stored once, else 0. If not 0, values can also be
  /// read as codes: indexes into the distinct values.
  size_t entry_count() const { return entry_count_; }
  /// The distinct values. Requires: out.size() == entry_count().
  void read_entries(std::span<uint64_t> out) const;
  /// The codes of values [start, start + n). Requires: entry_count() != 0.
  void read_codes(size_t start, size_t n, uint32_t* out) const;

 private:
  template <class T>
  void read_any(size_t start, size_t n, T* out, std::span<const uint32_t> only) const;
  template <class Visit>
  void read_repeats(size_t start, size_t n, Visit visit) const;
  uint64_t entry(size_t index) const;

  PackedIntegers packed_;  // the values, or with entries the distances
  size_t entry_count_ = 0;
  uint64_t entry_base_ = 0;
  unsigned entry_width_ = 0;
  const uint64_t* entries_ = nullptr;
  const uint32_t* entries_before_ = nullptr;  // by vector
};

}  // namespace tocsin
