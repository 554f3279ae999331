// Text helpers that every layer shares: nearest names for error messages, UTF-8, control
// characters.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/ascii.h"

namespace tocsin {

/// The candidate nearest to `name` by edit distance (Levenshtein 1966; swapping two adjacent
/// characters counts as one edit), or empty when none is near enough to be a likely misspelling.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// A hint for an unknown name: "did you mean `near`?", or `otherwise` if `near` is empty, because
/// no name is near enough.
std::string did_you_mean(std::string_view near, std::string_view otherwise = "");

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

/// The length of the control character at the start of `text`, or 0: C0, DEL, C1, or one of the
/// characters that change the direction of text (Unicode's property Bidi_Control), which can make
/// text look like another one.
constexpr size_t control_length(std::string_view text) {
  if (text.empty()) return 0;
  if (is_control(text[0])) return 1;
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  if (byte(0) == 0xC2) return byte(1) >= 0x80 && byte(1) < 0xA0 ? 2 : 0;  // C1
  if (byte(0) == 0xD8) return byte(1) == 0x9C ? 2 : 0;                    // U+061C
  if (byte(0) != 0xE2) return 0;
  const bool is_mark = byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F);     // U+200E
  const bool is_embedding = byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE;  // U+202A
  const bool is_isolate = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;    // U+2066
  return is_mark || is_embedding || is_isolate ? 3 : 0;
}
/// The code point of the control character at the start of `text`. Requires: there is one.
uint32_t control_code(std::string_view text);
/// `text` with control characters as escapes like `\n`, `\x1b` and `\u202e`, except those in
/// `kept`, and invalid UTF-8 as U+FFFD: text from elsewhere must not control a terminal.
std::string escape_controls(std::string_view text, std::string_view kept = "");

}  // namespace tocsin
