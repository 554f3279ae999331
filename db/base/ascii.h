// ASCII characters and strings. Unlike <cctype>, nothing here depends on the locale, and bytes
// outside ASCII belong to no class.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tocsin {

constexpr bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_letter(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_alphanumeric(char c) { return is_letter(c) || is_digit(c); }
/// Letters, digits and `_`: the characters of identifiers.
constexpr bool is_word_character(char c) { return is_alphanumeric(c) || c == '_'; }
/// U+0000 to U+001F, and DEL.
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

/// The value of a hexadecimal digit of either case, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
constexpr bool is_hex_digit(char c) { return hex_value(c) >= 0; }

inline std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}
inline std::string upper_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_upper);
  return out;
}

inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}
inline bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// White space within a line. A carriage return counts because lines may end with CRLF.
constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_space(char c) { return is_blank(c) || c == '\n'; }

/// Whether a line (without its newline) has nothing but white space.
constexpr bool is_blank_line(std::string_view line) {
  for (const char c : line) {
    if (!is_blank(c)) return false;
  }
  return true;
}

constexpr std::string_view trimmed_start(std::string_view text) {
  size_t start = 0;
  while (start < text.size() && is_space(text[start])) ++start;
  return text.substr(start);
}
constexpr std::string_view trimmed_end(std::string_view text) {
  size_t size = text.size();
  while (size > 0 && is_space(text[size - 1])) --size;
  return text.substr(0, size);
}
/// `text` without white space at both ends.
constexpr std::string_view trimmed(std::string_view text) {
  return trimmed_end(trimmed_start(text));
}

}  // namespace tocsin
