#include "query/base/search.h"

#include <cstdint>
#include <cstring>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

// For shorter parts, comparing at each place where the first byte occurs is faster than memmem, and
// costs at most this many comparisons per byte.
constexpr size_t kShortPartBytes = 32;

constexpr uint64_t all_bytes(uint8_t byte) { return uint64_t{0x0101010101010101} * byte; }

// The eight bytes with A-Z in lower case.
uint64_t lower_word(uint64_t word) {
  const uint64_t low_bits = word & all_bytes(0x7f);
  const uint64_t from_a = low_bits + all_bytes(0x80 - 'A');    // bit 7: at least A
  const uint64_t beyond_z = low_bits + all_bytes(0x7f - 'Z');  // bit 7: beyond Z
  const uint64_t upper = (from_a ^ beyond_z) & ~word & all_bytes(0x80);
  return word | upper >> 2;
}

void lower_into(std::string_view text, std::string& out) {
  out.resize(text.size());
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= text.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    word = lower_word(word);
    std::memcpy(out.data() + i, &word, sizeof word);
  }
  for (; i < text.size(); ++i) out[i] = to_lower(text[i]);
}

}  // namespace

size_t find_text(std::string_view text, std::string_view part, size_t from) {
  if (part.size() <= kShortPartBytes || from > text.size()) return text.find(part, from);
  const void* const found =
      memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found ? static_cast<size_t>(static_cast<const char*>(found) - text.data())
               : std::string_view::npos;
}

CaselessSearch::CaselessSearch(std::string_view part) : part_(lower_case(part)) {}

bool CaselessSearch::found_in(std::string_view text) {
  if (text.size() < part_.size()) return false;
  lower_into(text, lower_);
  return find_text(lower_, part_) != std::string_view::npos;
}

}  // namespace tocsin
