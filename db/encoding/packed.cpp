#include "db/encoding/packed.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "db/encoding/bit_packing.h"
#include "db/limits.h"

namespace tocsin {
namespace {

enum Kind : uint32_t { kConstant = 1, kPacked = 2 };
enum Mode : uint8_t { kFrame = 1, kDelta = 2, kPatchedFrame = 3, kPatchedDelta = 4 };

/// Reading a delta vector costs a running sum, so it must save at least this many bits a value.
constexpr unsigned kDeltaSavesBitsMin = 2;
/// Reading a patch costs a write, so patches must save at least one bit in this many.
constexpr size_t kPatchesSaveShareMin = 10;

constexpr unsigned kIndexBits = 11;  // of a value in its vector
static_assert(kVectorRows == size_t{1} << kIndexBits);
constexpr uint64_t kPatchBitmap = 1 << 8;

struct StreamHeader {
  uint32_t kind;
  uint32_t count;
  uint64_t value;
};
static_assert(sizeof(StreamHeader) == 16);

struct Range {
  int64_t min = INT64_MAX;
  int64_t max = INT64_MIN;

  void add(int64_t value) {
    min = std::min(min, value);
    max = std::max(max, value);
  }
  unsigned width() const {
    return std::bit_width(static_cast<uint64_t>(max) - static_cast<uint64_t>(min));
  }
};

/// The ranges of the values, and of the differences between each and the one before it.
std::pair<Range, Range> ranges_of(std::span<const uint64_t> values) {
  Range frame, delta;
  frame.add(static_cast<int64_t>(values[0]));
  for (size_t i = 1; i < values.size(); ++i) {
    frame.add(static_cast<int64_t>(values[i]));
    delta.add(static_cast<int64_t>(values[i] - values[i - 1]));
  }
  if (values.size() < 2) delta.add(0);
  return {frame, delta};
}

/// Counts the values of each bit width. Requires: no value is wider than `width`.
std::array<uint16_t, 65> count_widths(std::span<const uint64_t> values, unsigned width) {
  std::array<uint16_t, 65> counts{};
  if (width > 52) {
    for (uint64_t value : values) ++counts[std::bit_width(value)];
    return counts;
  }
  // A double's exponent is the width of an integer below 2^52. Converting vectorises, bit_width
  // does not.
  constexpr uint64_t kMagicBits = 0x4330000000000000;  // of 2^52, whose last bit counts ones
  constexpr double kMagic = 0x1p52;
  constexpr uint64_t kExponentOfOne = 1023;
  std::array<uint64_t, kVectorRows> exponents;
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = std::bit_cast<double>(values[i] | kMagicBits) - kMagic;
    exponents[i] = std::bit_cast<uint64_t>(value) >> 52;
  }
  // Two tables, so that equal widths in a row do not wait for each other.
  std::array<std::array<uint16_t, kExponentOfOne + 52>, 2> tables{};
  for (size_t i = 0; i < values.size(); ++i) ++tables[i % 2][exponents[i]];
  counts[0] = tables[0][0] + tables[1][0];
  for (unsigned w = 1; w <= width; ++w) {
    const uint64_t at = kExponentOfOne + w - 1;
    counts[w] = static_cast<uint16_t>(tables[0][at] + tables[1][at]);
  }
  return counts;
}

/// How the patches of a vector are written.
struct Patching {
  unsigned width = 0;        // of all values
  unsigned extra_width = 0;  // of the patches
  size_t count = 0;
  bool bitmap = false;

  size_t words(size_t value_count) const {
    const size_t where = bitmap ? (value_count + 63) / 64 : packed_words(count, kIndexBits);
    return packed_words(value_count, width) + 1 + where + packed_words(count, extra_width);
  }
};

/// The smallest way to patch `values`, the widest of which has `width` bits; without patches if
/// they would save too little.
Patching choose_patching(std::span<const uint64_t> values, unsigned width) {
  const std::array<uint16_t, 65> with_width = count_widths(values, width);
  const Patching whole{width, 0, 0, false};
  const size_t whole_words = packed_words(values.size(), width);
  Patching best = whole;
  size_t best_words = whole_words - whole_words / kPatchesSaveShareMin;
  size_t wider = 0;
  for (unsigned w = width; w-- > 0;) {
    wider += with_width[w + 1];
    for (bool bitmap : {false, true}) {
      const Patching patching{w, width - w, wider, bitmap};
      const size_t words = patching.words(values.size());
      if (words >= best_words) continue;
      best = patching;
      best_words = words;
    }
  }
  return best;
}

}  // namespace

/// Builds the headers and words of one stream.
class PackedWriter {
 public:
  void add_vector(std::span<const uint64_t> values) {
    const auto [frame, delta] = ranges_of(values);
    const bool use_delta = delta.width() + kDeltaSavesBitsMin <= frame.width();
    PackedIntegers::VectorHeader header{};
    header.word_offset = static_cast<uint32_t>(words_.size());
    header.base = use_delta ? values[0] : static_cast<uint64_t>(frame.min);
    if (use_delta) {
      header.min_delta = static_cast<uint64_t>(delta.min);
      scaled_[0] = 0;
      for (size_t i = 1; i < values.size(); ++i) {
        scaled_[i] = values[i] - values[i - 1] - header.min_delta;
      }
    } else {
      for (size_t i = 0; i < values.size(); ++i) scaled_[i] = values[i] - header.base;
    }
    const std::span<uint64_t> scaled = std::span(scaled_).first(values.size());
    const Patching patching = choose_patching(scaled, use_delta ? delta.width() : frame.width());
    header.width = static_cast<uint8_t>(patching.width);
    header.patch_count = static_cast<uint16_t>(patching.count);
    if (patching.count == 0) {
      header.mode = use_delta ? kDelta : kFrame;
      pack(scaled, patching.width);
    } else {
      header.mode = use_delta ? kPatchedDelta : kPatchedFrame;
      pack_patched(scaled, patching);
    }
    headers_.push_back(header);
  }

  void write(std::vector<uint8_t>& out) const {
    append(out, headers_.data(), headers_.size());
    append(out, words_.data(), words_.size());
  }

 private:
  void pack(std::span<const uint64_t> values, unsigned width) {
    const size_t at = words_.size();
    words_.resize(at + packed_words(values.size(), width));
    pack_bits(values.data(), values.size(), width, words_.data() + at);
  }

  void pack_patched(std::span<uint64_t> values, const Patching& patching) {
    std::array<uint64_t, kVectorRows> indexes, extra;
    std::array<uint64_t, kVectorRows / 64> bitmap{};
    const uint64_t mask = (uint64_t{1} << patching.width) - 1;
    size_t count = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] <= mask) continue;
      indexes[count] = i;
      extra[count++] = values[i] >> patching.width;
      bitmap[i / 64] |= uint64_t{1} << (i % 64);
      values[i] &= mask;
    }
    pack(values, patching.width);
    words_.push_back(patching.extra_width | (patching.bitmap ? kPatchBitmap : 0));
    if (patching.bitmap) {
      const auto end = bitmap.begin() + static_cast<ptrdiff_t>((values.size() + 63) / 64);
      words_.insert(words_.end(), bitmap.begin(), end);
    } else {
      pack(std::span(indexes).first(count), kIndexBits);
    }
    pack(std::span(extra).first(count), patching.extra_width);
  }

  std::vector<PackedIntegers::VectorHeader> headers_;
  std::vector<uint64_t> words_;
  std::array<uint64_t, kVectorRows> scaled_;
};

void encode_packed(std::span<const uint64_t> values, std::vector<uint8_t>& out) {
  StreamHeader header{kConstant, static_cast<uint32_t>(values.size()),
                      values.empty() ? 0 : values[0]};
  if (std::all_of(values.begin(), values.end(), [&](uint64_t v) { return v == header.value; })) {
    append(out, &header, 1);
    return;
  }
  header.kind = kPacked;
  header.value = 0;
  PackedWriter writer;
  for (size_t start = 0; start < values.size(); start += kVectorRows) {
    writer.add_vector(values.subspan(start, std::min(kVectorRows, values.size() - start)));
  }
  append(out, &header, 1);
  writer.write(out);
}

bool PackedIntegers::open(ByteView bytes, size_t expected_count) {
  StreamHeader header;
  if (bytes.size() < sizeof header || reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) {
    return false;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.count != expected_count) return false;
  count_ = header.count;
  constant_ = header.kind == kConstant;
  value_ = header.value;
  if (constant_) return true;
  if (header.kind != kPacked) return false;

  const size_t vectors = vector_count(count_);
  bytes = bytes.subspan(sizeof header);
  if (bytes.size() / sizeof(VectorHeader) < vectors) return false;
  headers_ = reinterpret_cast<const VectorHeader*>(bytes.data());
  bytes = bytes.subspan(vectors * sizeof(VectorHeader));
  words_ = reinterpret_cast<const uint64_t*>(bytes.data());
  for (size_t v = 0; v < vectors; ++v) {
    if (!check_vector(v, bytes.size() / sizeof(uint64_t))) return false;
  }
  return true;
}

bool PackedIntegers::check_vector(size_t vector, size_t words) const {
  const VectorHeader& header = headers_[vector];
  const size_t values = std::min(kVectorRows, count_ - vector * kVectorRows);
  if (header.width > 64 || header.word_offset > words) return false;
  const size_t room = words - header.word_offset;
  const size_t packed = packed_words(values, header.width);
  if (header.mode == kFrame || header.mode == kDelta) return packed <= room;
  if (header.mode != kPatchedFrame && header.mode != kPatchedDelta) return false;
  if (packed >= room || header.width == 64 || header.patch_count > values) return false;
  const uint64_t patches = words_[header.word_offset + packed];
  const auto extra_width = static_cast<unsigned>(patches % kPatchBitmap);
  if (extra_width == 0 || header.width + extra_width > 64) return false;
  const Patching patching{header.width, extra_width, header.patch_count,
                          (patches & kPatchBitmap) != 0};
  return patching.words(values) <= room;
}

namespace {

/// Adds a patch: the bits above `width`.
template <class T>
void add_above(T extra, unsigned width, T& value) {
  value = static_cast<T>(static_cast<uint64_t>(value) + (static_cast<uint64_t>(extra) << width));
}

/// Adds the patches, which start at `words`, of a vector of n values.
template <class T>
void apply_patches(const uint64_t* words, size_t n, unsigned width, size_t count, T* out) {
  const uint64_t how = *words++;
  const bool bitmap = (how & kPatchBitmap) != 0;
  const size_t where_words = bitmap ? (n + 63) / 64 : packed_words(count, kIndexBits);
  std::array<T, kVectorRows> extra;
  unpack_bits(words + where_words, count, static_cast<unsigned>(how % kPatchBitmap), 0,
              extra.data());
  if (!bitmap) {
    std::array<uint16_t, kVectorRows> indexes;
    unpack_bits(words, count, kIndexBits, 0, indexes.data());
    for (size_t i = 0; i < count; ++i) {
      if (indexes[i] >= n) return;  // damaged
      add_above(extra[i], width, out[indexes[i]]);
    }
    return;
  }
  size_t marked = 0;
  for (size_t word = 0; word < where_words; ++word) {
    marked += static_cast<size_t>(std::popcount(words[word]));
  }
  const bool ends_inside = n % 64 == 0 || words[where_words - 1] >> (n % 64) == 0;
  if (marked != count || !ends_inside) return;  // damaged
  const T* next = extra.data();
  for (size_t word = 0; word < where_words; ++word) {
    T* const values = out + word * 64;
    for (uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
      add_above(*next++, width, values[std::countr_zero(bits)]);
    }
  }
}

/// As apply_patches, for the values out[at] with `at` in `only`; out[0] is value `skip` of the
/// vector.
template <class T>
void apply_patches_to(const uint64_t* words, size_t n, unsigned width, size_t count, size_t skip,
                      std::span<const uint32_t> only, T* out) {
  const uint64_t how = *words++;
  const auto extra_width = static_cast<unsigned>(how % kPatchBitmap);
  const auto add_patch = [&](const uint64_t* extra, size_t patch, uint32_t at) {
    add_above(static_cast<T>(unpack_one(extra, count, extra_width, patch)), width, out[at]);
  };
  if ((how & kPatchBitmap) == 0) {
    std::array<uint16_t, kVectorRows> indexes;
    unpack_bits(words, count, kIndexBits, 0, indexes.data());
    const uint64_t* const extra = words + packed_words(count, kIndexBits);
    size_t patch = 0;
    for (const uint32_t at : only) {
      while (patch < count && indexes[patch] < skip + at) ++patch;
      if (patch < count && indexes[patch] == skip + at) add_patch(extra, patch, at);
    }
    return;
  }
  const uint64_t* const extra = words + (n + 63) / 64;
  size_t word = 0;
  size_t before = 0;  // patches in the words before this one
  for (const uint32_t at : only) {
    for (; word < (skip + at) / 64; ++word) {
      before += static_cast<size_t>(std::popcount(words[word]));
    }
    const uint64_t bit = uint64_t{1} << ((skip + at) % 64);
    if ((words[word] & bit) == 0) continue;
    const size_t patch = before + static_cast<size_t>(std::popcount(words[word] & (bit - 1)));
    if (patch < count) add_patch(extra, patch, at);  // else damaged
  }
}

}  // namespace

// Reads single values of one vector; false if the range spans vectors or they are deltas.
template <class T>
bool PackedIntegers::read_only(size_t start, size_t n, T* out,
                               std::span<const uint32_t> only) const {
  const size_t vector = start / kVectorRows;
  const size_t skip = start % kVectorRows;
  const size_t in_vector = std::min(kVectorRows, count_ - vector * kVectorRows);
  const VectorHeader& header = headers_[vector];
  if (skip + n > in_vector) return false;
  if (header.mode != kFrame && header.mode != kPatchedFrame) return false;
  const uint64_t* words = words_ + header.word_offset;
  std::fill_n(out, n, T{});
  for (const uint32_t at : only) {
    out[at] = static_cast<T>(unpack_one(words, in_vector, header.width, skip + at) + header.base);
  }
  if (header.mode == kPatchedFrame) {
    apply_patches_to(words + packed_words(in_vector, header.width), in_vector, header.width,
                     header.patch_count, skip, only, out);
  }
  return true;
}

template <class T>
void PackedIntegers::read_vector(size_t vector, size_t n, T* out) const {
  const VectorHeader& header = headers_[vector];
  const uint64_t* words = words_ + header.word_offset;
  const bool is_frame = header.mode == kFrame || header.mode == kPatchedFrame;
  unpack_bits(words, n, header.width, is_frame ? header.base : header.min_delta, out);
  if (header.mode == kPatchedFrame || header.mode == kPatchedDelta) {
    apply_patches(words + packed_words(n, header.width), n, header.width, header.patch_count, out);
  }
  if (is_frame) return;
  T value = static_cast<T>(header.base);
  out[0] = value;
  for (size_t i = 1; i < n; ++i) {
    // Sums wrap on purpose, so they run unsigned.
    value = static_cast<T>(static_cast<uint64_t>(value) + static_cast<uint64_t>(out[i]));
    out[i] = value;
  }
}

template <class T>
void PackedIntegers::read_any(size_t start, size_t n, T* out,
                              std::span<const uint32_t> only) const {
  if (constant_) {
    std::fill_n(out, n, static_cast<T>(value_));
    return;
  }
  if (!only.empty() && read_only(start, n, out, only)) return;
  while (n != 0) {
    const size_t vector = start / kVectorRows;
    const size_t skip = start % kVectorRows;
    const size_t in_vector = std::min(kVectorRows, count_ - vector * kVectorRows);
    const size_t count = std::min(n, in_vector - skip);
    if (count == in_vector) {
      read_vector(vector, in_vector, out);
    } else {
      std::array<T, kVectorRows> whole;
      read_vector(vector, in_vector, whole.data());
      std::copy_n(whole.data() + skip, count, out);
    }
    start += count;
    out += count;
    n -= count;
  }
}

void PackedIntegers::read(size_t start, size_t n, uint64_t* out,
                          std::span<const uint32_t> only) const {
  read_any(start, n, out, only);
}
void PackedIntegers::read(size_t start, size_t n, int64_t* out,
                          std::span<const uint32_t> only) const {
  read_any(start, n, out, only);
}
void PackedIntegers::read(size_t start, size_t n, uint32_t* out,
                          std::span<const uint32_t> only) const {
  read_any(start, n, out, only);
}

size_t PackedIntegers::lower_bound(int64_t value) const {
  if (count_ == 0) return 0;
  if (constant_) return static_cast<int64_t>(value_) < value ? count_ : 0;
  // In ascending values a vector's base is its first value, whatever its mode.
  const size_t vectors = vector_count(count_);
  const VectorHeader* end = headers_ + vectors;
  const VectorHeader* after = std::partition_point(headers_, end, [&](const VectorHeader& header) {
    return static_cast<int64_t>(header.base) < value;
  });
  if (after == headers_) return 0;
  const size_t vector = static_cast<size_t>(after - headers_) - 1;
  const size_t n = std::min(kVectorRows, count_ - vector * kVectorRows);
  std::array<int64_t, kVectorRows> whole;
  read_vector(vector, n, whole.data());
  auto at = std::lower_bound(whole.begin(), whole.begin() + n, value);
  return vector * kVectorRows + static_cast<size_t>(at - whole.begin());
}

}  // namespace tocsin
