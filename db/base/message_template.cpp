#include "db/base/message_template.h"

#include <algorithm>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr size_t kHexWordMin = 8;   // shorter words may be English
constexpr size_t kHexGroupMin = 4;  // within an id like 3f2a91bc-dead-beef-…

bool joins(char c) { return std::string_view(".:-/,+@").find(c) != std::string_view::npos; }

size_t word_length(std::string_view text) {
  size_t n = 0;
  while (n < text.size() && is_word_character(text[n])) ++n;
  return n;
}

bool is_variable(std::string_view word, size_t hex_min) {
  if (std::any_of(word.begin(), word.end(), is_digit)) return true;
  return word.size() >= hex_min && std::all_of(word.begin(), word.end(), is_hex_digit);
}

// Length of the variable at the start of `text`, or 0.
size_t variable_length(std::string_view text) {
  size_t length = word_length(text);
  if (length == 0 || !is_variable(text.substr(0, length), kHexWordMin)) return 0;
  while (length + 1 < text.size() && joins(text[length])) {
    const std::string_view rest = text.substr(length + 1);
    const size_t next = word_length(rest);
    if (next == 0 || !is_variable(rest.substr(0, next), kHexGroupMin)) break;
    length += 1 + next;
  }
  return length;
}

}  // namespace

std::string message_template(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (const size_t length = variable_length(text)) {
      out += kTemplateMask;
      text.remove_prefix(length);
      continue;
    }
    const size_t plain = std::max<size_t>(1, word_length(text));
    out += text.substr(0, plain);
    text.remove_prefix(plain);
  }
  return out;
}

}  // namespace tocsin
