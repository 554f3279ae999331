#include "query/parser/explain_word.h"

#include <algorithm>

#include "query/parser/lexer.h"

namespace tocsin {
namespace {

constexpr std::string_view kWord = "explain";

}  // namespace

size_t explain_prefix(std::string_view text) {
  const size_t start = blank_length(text);
  return starts_with_word(text.substr(start), kWord) ? start + kWord.size() : 0;
}

std::string without_explain(std::string_view text) {
  std::string query(text);
  const size_t prefix = explain_prefix(text);
  if (prefix != 0) query.replace(prefix - kWord.size(), kWord.size(), kWord.size(), ' ');
  return query;
}

}  // namespace tocsin
