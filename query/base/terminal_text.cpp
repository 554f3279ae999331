#include "query/base/terminal_text.h"

#include <utf8proc.h>

namespace tocsin {
namespace {

// As wcwidth() in most terminals, in any locale: each emoji of a joined sequence counts.
size_t columns_of(utf8proc_int32_t code) {
  return code < 0x80 ? 1 : static_cast<size_t>(utf8proc_charwidth(code));
}

// The first code point of `text`; `length` is set to its bytes. Requires: !text.empty()
utf8proc_int32_t code_point(std::string_view text, size_t& length) {
  constexpr utf8proc_int32_t kReplacement = 0xFFFD;
  length = 1;
  if (static_cast<unsigned char>(text[0]) < 0x80) return text[0];
  utf8proc_int32_t code = 0;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (bytes <= 0) return kReplacement;
  length = static_cast<size_t>(bytes);
  return code;
}

// One character as readers see it: a letter with its marks, an emoji of several parts (Unicode
// Standard Annex 29, grapheme clusters).
struct Cluster {
  size_t byte_size = 0;
  size_t columns = 0;
};

// Requires: !text.empty()
Cluster first_cluster(std::string_view text) {
  Cluster cluster;
  utf8proc_int32_t before = 0, state = 0;
  while (cluster.byte_size < text.size()) {
    size_t length = 0;
    const utf8proc_int32_t code = code_point(text.substr(cluster.byte_size), length);
    const bool first = cluster.byte_size == 0;
    if (!first && utf8proc_grapheme_break_stateful(before, code, &state)) break;
    cluster.byte_size += length;
    cluster.columns += columns_of(code);
    before = code;
  }
  return cluster;
}

constexpr const char* kMore = "…";

}  // namespace

size_t width_of(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    size_t length = 0;
    columns += columns_of(code_point(text, length));
    text.remove_prefix(length);
  }
  return columns;
}

std::string cut_to(std::string text, size_t width) {
  if (width_of(text) <= width) return text;
  size_t kept = 0, columns = 0;
  while (true) {
    const Cluster next = first_cluster(std::string_view(text).substr(kept));
    columns += next.columns;
    if (columns >= width) break;
    kept += next.byte_size;
  }
  text.resize(kept);
  return text + kMore;
}

std::string cut_front_to(std::string text, size_t width) {
  size_t columns = width_of(text);
  if (columns <= width) return text;
  size_t cut = 0;
  while (columns >= width) {
    const Cluster next = first_cluster(std::string_view(text).substr(cut));
    columns -= next.columns;
    cut += next.byte_size;
  }
  return kMore + text.substr(cut);
}

}  // namespace tocsin
