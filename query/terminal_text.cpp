#include "query/terminal_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/text.h"

namespace tocsin {

std::string escape_controls(std::string_view text) {
  size_t replaced = 0;
  const std::string valid = valid_utf8(text, replaced);
  std::string out;
  for (size_t i = 0; i < valid.size(); ++i) {
    const auto c = static_cast<unsigned char>(valid[i]);
    const auto next = i + 1 < valid.size() ? static_cast<unsigned char>(valid[i + 1]) : 0u;
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F
      out += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      out += valid[i];
    }
  }
  return out;
}

size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string cut_to(std::string text, size_t width) {
  if (width_of(text) <= width) return text;
  size_t at = 0;
  for (size_t points = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && ++points == width) break;
  }
  text.resize(at);
  return text + "…";
}

}  // namespace tocsin
