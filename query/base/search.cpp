#include "query/base/search.h"

#include <algorithm>
#include <cstring>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

// For shorter parts, comparing at each place where the first byte occurs is faster than memmem, and
// costs at most this many comparisons per byte.
constexpr size_t kShortPartBytes = 32;

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
  lower_.resize(text.size());
  std::ranges::transform(text, lower_.begin(), to_lower);
  return find_text(lower_, part_) != std::string_view::npos;
}

}  // namespace tocsin
