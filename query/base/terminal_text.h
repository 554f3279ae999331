// Text on terminals: what a log line says is shown, never obeyed, and takes so many columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// The text with control characters (C0, DEL, C1) as escapes like \n and \x1b, and what is no UTF-8
/// as U+FFFD.
std::string escape_controls(std::string_view text);
/// Columns that the text takes: none for a combining mark, two for a wide character (CJK, emoji).
/// A byte that is no UTF-8 takes one, as the sign that terminals show for it.
size_t width_of(std::string_view text);
/// As many characters from the beginning as `width` columns hold, the last of them a sign if more
/// would follow; one column less where half of a wide character would be left. Requires: width > 0
std::string cut_to(std::string text, size_t width);
/// The same of the end, a sign in front. Requires: width > 0
std::string cut_front_to(std::string text, size_t width);

}  // namespace tocsin
