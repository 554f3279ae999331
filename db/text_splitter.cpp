#include "db/text_splitter.h"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

// Classes of bytes, as bits.
constexpr unsigned kDigit = 1;
constexpr unsigned kLowerHex = 2;
constexpr unsigned kUpperHex = 4;
constexpr unsigned kLetter = 8;  // none of the above
constexpr unsigned kMark = 16;   // stands for a slot in patterns
constexpr unsigned kWord = kDigit | kLowerHex | kUpperHex | kLetter;

constexpr size_t kHexWordMin = 8;  // shorter ones may be English
constexpr size_t kHexWordMax = 16;
constexpr std::array<size_t, 5> kUuidGroups = {8, 4, 4, 4, 12};
constexpr size_t kUuidSize = 36;

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 1; c <= kSlotKindMax; ++c) classes[c] = kMark;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = c <= 'f' ? kLowerHex : kLetter;
  for (unsigned c = 'A'; c <= 'Z'; ++c) classes[c] = c <= 'F' ? kUpperHex : kLetter;
  return classes;
}();

unsigned class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

uint64_t hex_value(char c) {
  if (c <= '9') return static_cast<uint64_t>(c - '0');
  return static_cast<uint64_t>((c | 0x20) - 'a' + 10);
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

bool TextSplitter::split(std::string_view text) {
  pattern_.clear();
  variables_.clear();
  literal_ = text.data();
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p != end;) {
    unsigned classes = class_of(*p);
    if ((classes & kWord) == 0) {
      if (classes == kMark) return false;
      ++p;
      continue;
    }
    const char* const word = p++;
    for (; p != end; ++p) {
      const unsigned next = class_of(*p);
      if ((next & kWord) == 0) break;
      classes |= next;
    }
    const auto size = static_cast<size_t>(p - word);
    if (size == kUuidGroups[0] && (classes & kLetter) == 0 && add_uuid(word, end)) {
      p = word + kUuidSize;
    } else if ((classes & kDigit) != 0 || (size >= kHexWordMin && (classes & kLetter) == 0)) {
      add_word(word, p, classes);
    }
  }
  add_literal(end);
  return true;
}

void TextSplitter::add_word(const char* word, const char* end, unsigned classes) {
  const auto size = static_cast<size_t>(end - word);
  // A number of 16 digits is taken for an id that happens to have no letter.
  const bool may_be_hex =
      size >= kHexWordMin && size <= kHexWordMax && (classes != kDigit || size == kHexWordMax);
  if (may_be_hex && (classes & ~(kDigit | kLowerHex)) == 0) {
    add_literal(word);
    add_hex(word, size, SlotKind::kHex);
  } else if (may_be_hex && (classes & ~(kDigit | kUpperHex)) == 0) {
    add_literal(word);
    add_hex(word, size, SlotKind::kUpperHex);
  } else {
    add_numbers(word, end);
  }
}

// The groups of a UUID are variables of their own, with the hyphens between them.
bool TextSplitter::add_uuid(const char* word, const char* text_end) {
  if (static_cast<size_t>(text_end - word) < kUuidSize) return false;
  unsigned classes = 0;
  const char* p = word;
  for (size_t group = 0; group < kUuidGroups.size(); ++group) {
    if (group != 0 && *p++ != '-') return false;
    for (size_t i = 0; i < kUuidGroups[group]; ++i) classes |= class_of(*p++);
  }
  if (p != text_end && (class_of(*p) & kWord) != 0) return false;
  SlotKind kind = SlotKind::kHex;
  if ((classes & ~(kDigit | kLowerHex)) != 0) {
    if ((classes & ~(kDigit | kUpperHex)) != 0) return false;
    kind = SlotKind::kUpperHex;
  }
  p = word;
  for (size_t size : kUuidGroups) {
    add_literal(p);
    add_hex(p, size, kind);
    p += size + 1;
  }
  return true;
}

void TextSplitter::add_hex(const char* digits, size_t count, SlotKind kind) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 4 | hex_value(digits[i]);
  pattern_.push_back(static_cast<char>(kind));
  pattern_.push_back(static_cast<char>(count));
  variables_.push_back(value);
  literal_ = digits + count;
}

void TextSplitter::add_numbers(const char* word, const char* end) {
  for (const char* p = word; p != end;) {
    if (class_of(*p) != kDigit) {
      ++p;
      continue;
    }
    const char* const digits = p;
    while (p != end && class_of(*p) == kDigit) ++p;
    // Longer runs are several numbers.
    for (const char* part = digits; part != p;) {
      const size_t size = std::min(kSlotDigitsMax, static_cast<size_t>(p - part));
      add_literal(part);
      add_number(part, size);
      part += size;
    }
  }
}

void TextSplitter::add_number(const char* digits, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value * 10 + static_cast<uint64_t>(digits[i] - '0');
  if (digits[0] == '0' && count > 1) {
    pattern_.push_back(static_cast<char>(SlotKind::kPadded));
    pattern_.push_back(static_cast<char>(count));
  } else {
    pattern_.push_back(static_cast<char>(SlotKind::kNumber));
  }
  variables_.push_back(value);
  literal_ = digits + count;
}

void TextSplitter::add_literal(const char* end) {
  pattern_.append(literal_, static_cast<size_t>(end - literal_));
  literal_ = end;
}

std::optional<std::vector<PatternPiece>> parse_pattern(std::string_view pattern) {
  std::vector<PatternPiece> pieces;
  size_t literal = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (class_of(pattern[i]) != kMark) continue;
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
