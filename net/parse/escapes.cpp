#include "net/parse/escapes.h"

#include <cstdint>

#include "db/base/ascii.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

// UTF-8 of the four hexadecimal digits at `p`; half of a surrogate pair becomes U+FFFD.
bool add_character(const char*& p, const char* end, std::string& out) {
  const auto four = [&](const char* at, uint32_t& code) {
    if (end - at < 4) return false;
    code = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = hex_value(at[i]);
      if (digit < 0) return false;
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return true;
  };
  uint32_t code = 0;
  if (!four(p, code)) return false;
  p += 4;
  if (code >= 0xD800 && code < 0xE000) {
    uint32_t low = 0;
    const bool pair = code < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
                      four(p + 2, low) && low >= 0xDC00 && low < 0xE000;
    if (pair) p += 6;
    code = pair ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
  }
  const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
    return true;
  }
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
  return true;
}

// An escape that is not known stays as it is written.
void add_escape(const char*& p, const char* end, std::string& out) {
  const char c = *p++;
  switch (c) {
    case 'n': out += '\n'; return;
    case 't': out += '\t'; return;
    case 'r': out += '\r'; return;
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case '"':
    case '\\':
    case '/':
    case '\'': out += c; return;
    case 'u':
      if (add_character(p, end, out)) return;
      break;
    default: break;
  }
  out += '\\';
  out += c;
}

}  // namespace

void append_unescaped(std::string_view text, std::string& out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const next = scan::find_any<'\\'>(p, end);
    out.append(p, next);
    p = next;
    if (p == end) return;
    if (++p == end) {
      out += '\\';
      return;
    }
    add_escape(p, end, out);
  }
}

}  // namespace tocsin
