// Text for terminals: shows control characters instead of sending them, and measures width in
// terminal columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Width in columns: none for a combining mark, two for a wide character (CJK, emoji). An invalid
/// byte counts as one, like the replacement character that terminals show for it.
size_t width_of(std::string_view text);
/// `text`, cut at its end to at most `width` columns; a cut text ends in `…`. It may be one column
/// narrower where half of a wide character would remain. Requires: width > 0
std::string cut_to(std::string text, size_t width);
/// The same, cut at the start and beginning with `…`. Requires: width > 0
std::string cut_front_to(std::string text, size_t width);

}  // namespace tocsin
