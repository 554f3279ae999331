#include "db/encoding/integer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "db/encoding/bit_packing.h"
#include "db/limits.h"
#include "db/schema/string_hash.h"

namespace tocsin {
namespace {

constexpr uint32_t kRepeats = 3;

/// Narrower values are not worth a look-up.
constexpr size_t kRepeatsBitsMin = 24;
/// Reading distances and entries costs time, so they must save at least one bit in this many.
constexpr size_t kRepeatsSaveShareMin = 8;
/// The encoding is tried if at least one value in this many of a sample is a repeat.
constexpr size_t kRepeatsShareMin = 8;

constexpr size_t kPrefetchAhead = 16;

struct RepeatsHeader {
  uint32_t kind;
  uint32_t count;
  uint64_t entry_count;
  uint64_t entry_base;
  uint64_t entry_width;
};
static_assert(sizeof(RepeatsHeader) == 32);

/// Numbers distinct values in the order of their appearance.
class EntryTable {
 public:
  explicit EntryTable(size_t value_count) : slots_(std::bit_ceil(value_count * 2), 0) {}

  /// Prefetches the slot that add() of this value reads first.
  void prefetch(uint64_t value) const { __builtin_prefetch(&slots_[slot_of(value)]); }

  /// Returns the number of the value's entry, which is new if it equals the previous
  /// entries().size(); nothing if values collide so often that the table is useless.
  std::optional<uint32_t> add(uint64_t value) {
    const size_t mask = slots_.size() - 1;
    size_t at = slot_of(value);
    for (size_t probe = 0; probe < kProbesMax; ++probe, at = (at + 1) & mask) {
      if (slots_[at] == 0) {
        entries_.push_back(value);
        slots_[at] = static_cast<uint32_t>(entries_.size());
        return slots_[at] - 1;
      }
      if (entries_[slots_[at] - 1] == value) return slots_[at] - 1;
    }
    return std::nullopt;
  }
  const std::vector<uint64_t>& entries() const { return entries_; }

 private:
  size_t slot_of(uint64_t value) const {
    return string_hash::mix(value ^ 0x9e3779b97f4a7c15, 0xe7037ed1a0b428db) & (slots_.size() - 1);
  }

  std::vector<uint32_t> slots_;  // entry number + 1, 0 is free
  std::vector<uint64_t> entries_;
};

size_t padded_words(size_t u32_count) { return (u32_count + 1) / 2; }

/// Whether values repeat within a vector's length, estimated from one vector in the middle.
bool seem_to_repeat(std::span<const uint64_t> values) {
  if (values.size() < 2) return false;
  const size_t n = std::min(kVectorRows, values.size());
  EntryTable table(n);
  for (uint64_t value : values.subspan((values.size() - n) / 2, n)) {
    if (!table.add(value)) return false;
  }
  return (n - table.entries().size()) * kRepeatsShareMin >= n;
}

void append_entries(std::span<const uint64_t> entries, uint64_t base, unsigned width,
                    std::vector<uint8_t>& out) {
  std::vector<uint64_t> words((entries.size() * width + 63) / 64 + 1);
  size_t bit = 0;
  for (uint64_t entry : entries) {
    const uint64_t value = entry - base;
    words[bit / 64] |= value << (bit % 64);
    if (bit % 64 + width > 64) words[bit / 64 + 1] |= value >> (64 - bit % 64);
    bit += width;
  }
  append(out, words.data(), words.size());
}

/// False, with `out` unchanged, if the values collide.
bool encode_repeats(std::span<const uint64_t> values, std::vector<uint8_t>& out) {
  EntryTable table(values.size());
  std::vector<uint32_t> before;
  std::vector<uint64_t> distances(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t next = table.entries().size();
    if (i % kVectorRows == 0) before.push_back(static_cast<uint32_t>(next));
    // The table is larger than the caches.
    if (i + kPrefetchAhead < values.size()) table.prefetch(values[i + kPrefetchAhead]);
    const auto number = table.add(values[i]);
    if (!number) return false;
    distances[i] = next - *number;
  }
  before.resize(padded_words(before.size()) * 2);
  const auto [min, max] = std::minmax_element(table.entries().begin(), table.entries().end());
  const RepeatsHeader header{kRepeats, static_cast<uint32_t>(values.size()), table.entries().size(),
                             *min, std::max<uint64_t>(1, std::bit_width(*max - *min))};
  append(out, &header, 1);
  append_entries(table.entries(), header.entry_base, static_cast<unsigned>(header.entry_width),
                 out);
  append(out, before.data(), before.size());
  encode_packed(distances, out);
  return true;
}

}  // namespace

void encode_integers(std::span<const uint64_t> values, std::vector<uint8_t>& out) {
  const size_t start = out.size();
  encode_packed(values, out);
  const size_t packed = out.size() - start;
  if (packed * 8 < values.size() * kRepeatsBitsMin || !seem_to_repeat(values)) return;
  std::vector<uint8_t> repeats;
  if (!encode_repeats(values, repeats)) return;
  if (repeats.size() > packed - packed / kRepeatsSaveShareMin) return;
  out.resize(start);
  out.insert(out.end(), repeats.begin(), repeats.end());
}

bool IntegerStream::open(ByteView bytes, size_t expected_count) {
  uint32_t kind = 0;
  if (bytes.size() >= sizeof kind) std::memcpy(&kind, bytes.data(), sizeof kind);
  entry_count_ = 0;
  if (kind != kRepeats) return packed_.open(bytes, expected_count);

  RepeatsHeader header;
  if (bytes.size() < sizeof header || reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) {
    return false;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.count != expected_count || header.entry_count == 0 ||
      header.entry_count > header.count || header.entry_width == 0 || header.entry_width > 64) {
    return false;
  }
  bytes = bytes.subspan(sizeof header);
  const size_t vectors = vector_count(expected_count);
  const size_t entry_words = (header.entry_count * header.entry_width + 63) / 64 + 1;
  if (bytes.size() / 8 < entry_words + padded_words(vectors)) return false;
  entries_ = reinterpret_cast<const uint64_t*>(bytes.data());
  bytes = bytes.subspan(entry_words * 8);
  entries_before_ = reinterpret_cast<const uint32_t*>(bytes.data());
  bytes = bytes.subspan(padded_words(vectors) * 8);
  entry_count_ = header.entry_count;
  entry_base_ = header.entry_base;
  entry_width_ = static_cast<unsigned>(header.entry_width);
  return packed_.open(bytes, expected_count);
}

uint64_t IntegerStream::entry(size_t index) const {
  const size_t bit = index * entry_width_;
  const uint64_t* word = entries_ + bit / 64;
  const unsigned shift = bit % 64;
  // The next word always exists, because a word of zeros follows the last. Two shifts, because one
  // by 64 is undefined.
  const uint64_t value = word[0] >> shift | word[1] << 1 << (63 - shift);
  const uint64_t mask = ~uint64_t{0} >> (64 - entry_width_);
  return (value & mask) + entry_base_;
}

template <class T>
void IntegerStream::read_any(size_t start, size_t n, T* out, std::span<const uint32_t> only) const {
  if (entry_count_ == 0) {
    packed_.read(start, n, out, only);
    return;
  }
  read_repeats(start, n, [&](size_t index) { *out++ = static_cast<T>(entry(index)); });
}

// Calls `visit` with the index of each value's entry.
template <class Visit>
void IntegerStream::read_repeats(size_t start, size_t n, Visit visit) const {
  std::array<uint32_t, kVectorRows> distances;
  for (const size_t end = start + n; start != end;) {
    const size_t vector = start / kVectorRows;
    const size_t skip = start % kVectorRows;
    const size_t stop = std::min(kVectorRows, skip + (end - start));
    packed_.read(vector * kVectorRows, stop, distances.data());
    size_t next = entries_before_[vector];
    for (size_t i = 0; i < skip; ++i) next += distances[i] == 0;
    for (size_t i = skip; i < stop; ++i) {
      const size_t index = next - distances[i];
      next += distances[i] == 0;
      visit(index < entry_count_ ? index : 0);  // out of range only in a damaged stream
    }
    start += stop - skip;
  }
}

void IntegerStream::read_entries(std::span<uint64_t> out) const {
  if (entry_width_ == 64) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = entries_[i] + entry_base_;
    return;
  }
  for (size_t i = 0; i < out.size(); ++i) out[i] = entry(i);
}

void IntegerStream::read_codes(size_t start, size_t n, uint32_t* out) const {
  read_repeats(start, n, [&](size_t index) { *out++ = static_cast<uint32_t>(index); });
}

void IntegerStream::read(size_t start, size_t n, uint64_t* out,
                         std::span<const uint32_t> only) const {
  read_any(start, n, out, only);
}
void IntegerStream::read(size_t start, size_t n, int64_t* out,
                         std::span<const uint32_t> only) const {
  read_any(start, n, out, only);
}
void IntegerStream::read(size_t start, size_t n, uint32_t* out,
                         std::span<const uint32_t> only) const {
  read_any(start, n, out, only);
}

}  // namespace tocsin
