#include "db/encoding/text_splitter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "db/base/ascii.h"
#include "db/schema/string_hash.h"

namespace tocsin {
namespace {

using string_hash::load64;

constexpr size_t kHexWordMin = 8;  // shorter ones may be English words
constexpr size_t kHexWordMax = 16;
constexpr std::array<size_t, 5> kUuidGroups = {8, 4, 4, 4, 12};
constexpr size_t kUuidSize = 36;
constexpr size_t kBlockBytes = 64;
constexpr size_t kPartBytes = 16;
constexpr size_t kCopyBytes = 16;  // a short literal is copied with one load of this size

using Block = TextSplitter::Block;

/// The classes of 16 bytes; see Block.
struct Part {
  uint64_t digits = 0;
  uint64_t hex = 0;
  uint64_t word = 0;
  bool marks = false;  // one of the bytes marks a slot in patterns
};

bool is_mark(char c) { return c >= 1 && c <= char{kSlotKindMax}; }

#if defined(__SSE2__) && !defined(TOCSIN_PORTABLE)  // which parse_bench defines

// For each byte: whether it is in [first, first + count), unsigned.
__m128i in_range(__m128i bytes, char first, char count) {
  const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(count - 1))), offset);
}

Part classify(const char* bytes) {
  const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const __m128i lower = _mm_or_si128(part, _mm_set1_epi8(0x20));
  const __m128i digit = in_range(part, '0', 10);
  const auto bits = [](__m128i set) { return static_cast<uint64_t>(_mm_movemask_epi8(set)); };
  return {bits(digit), bits(_mm_or_si128(digit, in_range(lower, 'a', 6))),
          bits(_mm_or_si128(digit, in_range(lower, 'a', 26))),
          bits(in_range(part, 1, kSlotKindMax)) != 0};
}

#else

Part classify(const char* bytes) {
  Part part;
  for (unsigned i = 0; i < kPartBytes; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if (is_digit(bytes[i])) part.digits |= bit;
    if (is_hex_digit(bytes[i])) part.hex |= bit;
    if (is_alphanumeric(bytes[i])) part.word |= bit;
    part.marks |= is_mark(bytes[i]);
  }
  return part;
}

#endif

// The classes of the part that starts at `at`. Reads no byte after the text.
Part classify_at(std::string_view text, size_t at) {
  const size_t left = text.size() - at;
  if (left >= kPartBytes) return classify(text.data() + at);
  if (text.size() < kPartBytes) {
    std::array<char, kPartBytes> bytes{};
    std::memcpy(bytes.data(), text.data(), left);
    return classify(bytes.data());
  }
  Part part = classify(text.data() + text.size() - kPartBytes);
  const size_t before = kPartBytes - left;
  return {part.digits >> before, part.hex >> before, part.word >> before, part.marks};
}

using Bits = uint64_t Block::*;

// The first byte from `from` on whose bit is set (flip 0) or clear (flip ~0); the blocks' end if
// there is none.
template <Bits kBits, uint64_t kFlip>
size_t find_bit(std::span<const Block> blocks, size_t from) {
  size_t i = from / kBlockBytes;
  if (i >= blocks.size()) return blocks.size() * kBlockBytes;
  uint64_t left = (blocks[i].*kBits ^ kFlip) & (~uint64_t{0} << (from % kBlockBytes));
  while (left == 0) {
    if (++i == blocks.size()) return blocks.size() * kBlockBytes;
    left = blocks[i].*kBits ^ kFlip;
  }
  return i * kBlockBytes + static_cast<size_t>(std::countr_zero(left));
}
template <Bits kBits>
size_t find_set(std::span<const Block> blocks, size_t from) {
  return find_bit<kBits, 0>(blocks, from);
}
template <Bits kBits>
size_t find_clear(std::span<const Block> blocks, size_t from) {
  return find_bit<kBits, ~uint64_t{0}>(blocks, from);
}

// The start of the word that contains byte `at`.
size_t word_start(std::span<const Block> blocks, size_t at) {
  size_t i = at / kBlockBytes;
  uint64_t clear = ~blocks[i].word & (~uint64_t{0} >> (63 - at % kBlockBytes));
  while (clear == 0) {
    if (i == 0) return 0;
    clear = ~blocks[--i].word;
  }
  return i * kBlockBytes + static_cast<size_t>(std::bit_width(clear));
}

// Words that may hold variables have a digit, or enough hexadecimal letters in a row.
void find_candidates(std::span<Block> blocks) {
  static_assert(kHexWordMin == 8);
  for (Block& block : blocks) block.candidates = block.hex;
  for (const unsigned step : {1, 2, 4}) {  // keeps the starts of runs of 2, then 4, then 8
    for (size_t i = 0; i < blocks.size(); ++i) {
      const uint64_t next = i + 1 < blocks.size() ? blocks[i + 1].candidates : 0;
      blocks[i].candidates &= blocks[i].candidates >> step | next << (kBlockBytes - step);
    }
  }
  for (Block& block : blocks) block.candidates |= block.digits;
}

// The value of 8 hexadecimal digits of either case.
uint64_t hex_value(uint64_t digits) {
  // A letter's value is its low four bits plus 9.
  uint64_t value = (digits & 0x0f0f0f0f0f0f0f0f) + 9 * (digits >> 6 & 0x0101010101010101);
  value = (value << 4 | value >> 8) & 0x00ff00ff00ff00ff;  // the first digit is the high one
  value = (value << 8 | value >> 16) & 0x0000ffff0000ffff;
  return (value << 16 | value >> 32) & 0xffffffff;
}

uint64_t hex_value(const char* digits, size_t count) {
  uint64_t value = 0;
  for (; count >= 8; count -= 8, digits += 8) value = value << 32 | hex_value(load64(digits));
  for (; count > 0; --count, ++digits) {
    const uint64_t digit = static_cast<unsigned char>(*digits);
    value = value << 4 | ((digit & 15) + 9 * (digit >> 6 & 1));
  }
  return value;
}

/// The cases of the letters in hexadecimal digits.
struct HexCase {
  bool lower = false;
  bool upper = false;
};
HexCase hex_case(const char* digits, size_t count) {
  HexCase found;
  for (size_t i = 0; i < count; ++i) {
    found.lower |= digits[i] >= 'a';
    found.upper |= digits[i] >= 'A' && digits[i] <= 'F';
  }
  return found;
}

}  // namespace

char* write_slot(const Slot& slot, uint64_t value, char* out) {
  std::array<char, kSlotTextMax> digits;
  char* const end = digits.data() + digits.size();
  char* at = end;
  if (slot.kind == SlotKind::kHex || slot.kind == SlotKind::kUpperHex) {
    const char* const names = slot.kind == SlotKind::kHex ? "0123456789abcdef" : "0123456789ABCDEF";
    for (uint8_t i = 0; i < slot.digits; ++i, value >>= 4) *--at = names[value & 15];
  } else {
    do {
      *--at = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    while (end - at < slot.digits) *--at = '0';
  }
  return std::copy(at, end, out);
}

bool TextSplitter::classify_blocks() {
  const size_t size = text_.size();
  blocks_.resize((size + kBlockBytes - 1) / kBlockBytes);
  bool marks = false;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Block block;
    const size_t end = std::min(size, (i + 1) * kBlockBytes);
    for (size_t at = i * kBlockBytes; at < end; at += kPartBytes) {
      const Part part = classify_at(text_, at);
      const size_t shift = at % kBlockBytes;
      block.digits |= part.digits << shift;
      block.hex |= part.hex << shift;
      block.word |= part.word << shift;
      marks |= part.marks;
    }
    blocks_[i] = block;
  }
  return !marks;
}

bool TextSplitter::split(std::string_view text) {
  text_ = text.empty() ? std::string_view("") : text;  // an empty view may point nowhere
  variables_.clear();
  pattern_size_ = 0;
  if (!classify_blocks()) return false;
  // A slot is never longer than its digits.
  if (pattern_.size() < text.size() + kCopyBytes) pattern_.resize(2 * text.size() + kCopyBytes);
  literal_ = 0;
  find_candidates(blocks_);
  for (size_t at = find_set<&Block::candidates>(blocks_, 0); at < text.size();) {
    const size_t start = word_start(blocks_, at);
    const size_t end = std::min(find_clear<&Block::word>(blocks_, at), text.size());
    at = find_set<&Block::candidates>(blocks_, add_word(start, end));
  }
  add_literal(text.size());
  return true;
}

// Returns where to continue.
size_t TextSplitter::add_word(size_t start, size_t end) {
  const size_t size = end - start;
  if (size < kHexWordMin || size > kHexWordMax || find_clear<&Block::hex>(blocks_, start) < end) {
    add_numbers(start, end);
    return end;
  }
  if (size == kUuidGroups[0] && add_uuid(start)) return start + kUuidSize;
  const HexCase letters = hex_case(text_.data() + start, size);
  // 16 decimal digits are treated as an id that happens to have no letter.
  const bool number = !letters.lower && !letters.upper && size != kHexWordMax;
  if (number || (letters.lower && letters.upper)) {
    add_numbers(start, end);
  } else {
    add_hex(start, size, letters.upper ? SlotKind::kUpperHex : SlotKind::kHex);
  }
  return end;
}

// Each group of a UUID is a separate variable; the hyphens are literals.
bool TextSplitter::add_uuid(size_t start) {
  if (text_.size() - start < kUuidSize) return false;
  if (find_set<&Block::word>(blocks_, start + kUuidSize) == start + kUuidSize) return false;
  HexCase letters;
  size_t at = start;
  for (size_t size : kUuidGroups) {
    if (at != start && text_[at - 1] != '-') return false;
    if (find_clear<&Block::hex>(blocks_, at) < at + size) return false;
    const HexCase more = hex_case(text_.data() + at, size);
    letters = {letters.lower || more.lower, letters.upper || more.upper};
    at += size + 1;
  }
  if (letters.lower && letters.upper) return false;
  at = start;
  for (size_t size : kUuidGroups) {
    add_hex(at, size, letters.upper ? SlotKind::kUpperHex : SlotKind::kHex);
    at += size + 1;
  }
  return true;
}

void TextSplitter::add_hex(size_t start, size_t count, SlotKind kind) {
  add_literal(start);
  add_slot(kind, count);
  variables_.push_back(hex_value(text_.data() + start, count));
  literal_ = start + count;
}

void TextSplitter::add_numbers(size_t start, size_t end) {
  for (size_t at = find_set<&Block::digits>(blocks_, start); at < end;
       at = find_set<&Block::digits>(blocks_, at)) {
    const size_t run_end = std::min(find_clear<&Block::digits>(blocks_, at), end);
    // A longer run becomes several numbers.
    while (at < run_end) {
      const size_t count = std::min(kSlotDigitsMax, run_end - at);
      add_number(at, count);
      at += count;
    }
  }
}

void TextSplitter::add_number(size_t start, size_t count) {
  add_literal(start);
  const char* const digits = text_.data() + start;
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value * 10 + static_cast<uint64_t>(digits[i] - '0');
  if (digits[0] == '0' && count > 1) {
    add_slot(SlotKind::kPadded, count);
  } else {
    add_slot(SlotKind::kNumber, 0);
  }
  variables_.push_back(value);
  literal_ = start + count;
}

void TextSplitter::add_slot(SlotKind kind, size_t digits) {
  pattern_[pattern_size_++] = static_cast<char>(kind);
  if (digits != 0) pattern_[pattern_size_++] = static_cast<char>(digits);
}

void TextSplitter::add_literal(size_t end) {
  const size_t size = end - literal_;
  const bool fixed = size <= kCopyBytes && text_.size() - literal_ >= kCopyBytes;
  std::memcpy(&pattern_[pattern_size_], text_.data() + literal_, fixed ? kCopyBytes : size);
  pattern_size_ += size;
  literal_ = end;
}

std::optional<std::vector<PatternPiece>> parse_pattern(std::string_view pattern) {
  std::vector<PatternPiece> pieces;
  size_t literal = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (!is_mark(pattern[i])) continue;
    Slot slot{static_cast<SlotKind>(pattern[i]), 0};
    const std::string_view text = pattern.substr(literal, i - literal);
    if (slot.kind != SlotKind::kNumber) {
      if (++i == pattern.size()) return std::nullopt;
      slot.digits = static_cast<uint8_t>(pattern[i]);
      if (slot.digits == 0 || slot.digits > kSlotDigitsMax) return std::nullopt;
    }
    pieces.push_back({text, slot});
    literal = i + 1;
  }
  pieces.push_back({pattern.substr(literal), std::nullopt});
  return pieces;
}

}  // namespace tocsin
