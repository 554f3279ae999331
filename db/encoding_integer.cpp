#include "db/encoding_integer.h"

#include <algorithm>
#include <array>
#include <bit>

#include "db/bit_packing.h"
#include "db/limits.h"

namespace tocsin {
namespace {

enum Kind : uint32_t { kConstant = 1, kPacked = 2 };
enum Mode : uint8_t { kFrame = 1, kDelta = 2 };

/// A delta vector costs a running sum to read, so it must save at least this many bits a value.
constexpr unsigned kDeltaSavesBitsMin = 2;

struct StreamHeader {
  uint32_t kind;
  uint32_t count;
  uint64_t value;
};
static_assert(sizeof(StreamHeader) == 16);

template <class T>
void append(std::vector<uint8_t>& out, const T* items, size_t count) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(items);
  out.insert(out.end(), bytes, bytes + count * sizeof(T));
}

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

Range range_of_values(std::span<const uint64_t> values) {
  Range range;
  for (uint64_t value : values) range.add(static_cast<int64_t>(value));
  return range;
}

Range range_of_deltas(std::span<const uint64_t> values) {
  Range range;
  for (size_t i = 1; i < values.size(); ++i) {
    range.add(static_cast<int64_t>(values[i] - values[i - 1]));
  }
  if (values.size() < 2) range.add(0);
  return range;
}

}  // namespace

void encode_integers(std::span<const uint64_t> values, std::vector<uint8_t>& out) {
  StreamHeader header{kConstant, static_cast<uint32_t>(values.size()),
                      values.empty() ? 0 : values[0]};
  if (std::all_of(values.begin(), values.end(), [&](uint64_t v) { return v == header.value; })) {
    append(out, &header, 1);
    return;
  }
  header.kind = kPacked;
  header.value = 0;
  std::vector<IntegerStream::VectorHeader> headers;
  std::vector<uint64_t> words;
  std::array<uint64_t, kVectorRows> scaled;
  for (size_t start = 0; start < values.size(); start += kVectorRows) {
    auto part = values.subspan(start, std::min(kVectorRows, values.size() - start));
    const Range frame = range_of_values(part);
    const Range delta = range_of_deltas(part);
    const bool use_delta = delta.width() + kDeltaSavesBitsMin <= frame.width();
    const unsigned width = use_delta ? delta.width() : frame.width();
    const uint64_t min_delta = use_delta ? static_cast<uint64_t>(delta.min) : 0;
    const uint64_t base = use_delta ? part[0] : static_cast<uint64_t>(frame.min);
    if (use_delta) {
      scaled[0] = 0;
      for (size_t i = 1; i < part.size(); ++i) scaled[i] = part[i] - part[i - 1] - min_delta;
    } else {
      for (size_t i = 0; i < part.size(); ++i) scaled[i] = part[i] - base;
    }
    headers.push_back({base, min_delta, static_cast<uint32_t>(words.size()),
                       static_cast<uint8_t>(width), use_delta ? kDelta : kFrame, 0});
    words.resize(words.size() + packed_words(part.size(), width));
    pack_bits(scaled.data(), part.size(), width, words.data() + headers.back().word_offset);
  }
  append(out, &header, 1);
  append(out, headers.data(), headers.size());
  append(out, words.data(), words.size());
}

bool IntegerStream::open(ByteView bytes, size_t expected_count) {
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

  const size_t vectors = (count_ + kVectorRows - 1) / kVectorRows;
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

bool IntegerStream::check_vector(size_t vector, size_t words) const {
  const VectorHeader& header = headers_[vector];
  const size_t values = std::min(kVectorRows, count_ - vector * kVectorRows);
  return header.width <= 64 && (header.mode == kFrame || header.mode == kDelta) &&
         header.word_offset + packed_words(values, header.width) <= words;
}

template <class T>
void IntegerStream::read_vector(size_t vector, size_t n, T* out) const {
  const VectorHeader& header = headers_[vector];
  const uint64_t* words = words_ + header.word_offset;
  if (header.mode == kFrame) {
    unpack_bits(words, n, header.width, header.base, out);
    return;
  }
  unpack_bits(words, n, header.width, header.min_delta, out);
  T value = static_cast<T>(header.base);
  out[0] = value;
  for (size_t i = 1; i < n; ++i) {
    // Sums wrap on purpose, so they run unsigned.
    value = static_cast<T>(static_cast<uint64_t>(value) + static_cast<uint64_t>(out[i]));
    out[i] = value;
  }
}

template <class T>
void IntegerStream::read_any(size_t start, size_t n, T* out) const {
  if (constant_) {
    std::fill_n(out, n, static_cast<T>(value_));
    return;
  }
  while (n != 0) {
    const size_t vector = start / kVectorRows;
    const size_t skip = start % kVectorRows;
    const size_t in_vector = std::min(kVectorRows, count_ - vector * kVectorRows);
    const size_t take = std::min(n, in_vector - skip);
    if (take == in_vector) {
      read_vector(vector, in_vector, out);
    } else {
      std::array<T, kVectorRows> whole;
      read_vector(vector, in_vector, whole.data());
      std::copy_n(whole.data() + skip, take, out);
    }
    start += take;
    out += take;
    n -= take;
  }
}

void IntegerStream::read(size_t start, size_t n, uint64_t* out) const { read_any(start, n, out); }
void IntegerStream::read(size_t start, size_t n, int64_t* out) const { read_any(start, n, out); }
void IntegerStream::read(size_t start, size_t n, uint32_t* out) const { read_any(start, n, out); }

size_t IntegerStream::lower_bound(int64_t value) const {
  if (count_ == 0) return 0;
  if (constant_) return static_cast<int64_t>(value_) < value ? count_ : 0;
  // In ascending values a vector's base is its first value, whatever its mode.
  const size_t vectors = (count_ + kVectorRows - 1) / kVectorRows;
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
