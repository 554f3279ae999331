// Removes the colours from lines that a program wrote for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// The length of the control sequence at the start of `text`, or 0: ESC `[`, parameters, and a
/// final character, such as `m` for colours (ECMA-48, section 5.4).
constexpr size_t control_sequence_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const auto is_between = [&](size_t at, char first, char last) {
    return at < text.size() && text[at] >= first && text[at] <= last;
  };
  size_t end = 2;
  while (is_between(end, '0', '?')) ++end;
  while (is_between(end, ' ', '/')) ++end;
  return is_between(end, '@', '~') ? end + 1 : 0;
}

/// `line` without control sequences; if it has any, the result is in `buffer`.
inline std::string_view without_colours(std::string_view line, std::string& buffer) {
  size_t at = line.find('\x1b');
  if (at == line.npos) return line;
  buffer.assign(line, 0, at);
  while (at < line.size()) {
    if (const size_t length = control_sequence_length(line.substr(at)); length > 0) {
      at += length;
    } else {
      buffer += line[at++];
    }
  }
  return buffer;
}

}  // namespace tocsin
