// Text helpers that every layer shares: nearest names for error messages, UTF-8, control
// characters.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/ascii.h"

namespace tocsin {

/// The candidate nearest to `name` by edit distance (Levenshtein 1966; swapping two adjacent
/// characters counts as one edit), or empty when none is near enough to be a likely misspelling.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";  ///< U+FFFD

/// The length of the valid UTF-8 sequence at the start of `text`, or 0 (RFC 3629, section 4).
/// Requires: !text.empty().
size_t utf8_length(std::string_view text);
/// Whether a byte of UTF-8 is not the first of its character.
constexpr bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}
/// `text` with every invalid UTF-8 sequence replaced by U+FFFD; `replaced` is increased by the
/// number of replacements.
std::string valid_utf8(std::string_view text, size_t& replaced);
bool is_valid_utf8(std::string_view text);

/// The parts of a list separated by commas; empty ones are left out.
std::vector<std::string> split_list(std::string_view text);

/// The length of the control character (C0, DEL, or C1 as UTF-8) at the start of `text`, or 0.
constexpr size_t control_length(std::string_view text) {
  if (text.empty()) return 0;
  if (is_control(text[0])) return 1;
  const bool is_c1 = text[0] == '\xC2' && text.size() > 1 &&
                     static_cast<unsigned char>(text[1]) >= 0x80 &&
                     static_cast<unsigned char>(text[1]) < 0xA0;
  return is_c1 ? 2 : 0;
}
/// `text` with control characters as escapes like `\n` and `\x1b`, and invalid UTF-8 as U+FFFD:
/// text from elsewhere must not control a terminal.
std::string escape_controls(std::string_view text);

}  // namespace tocsin
