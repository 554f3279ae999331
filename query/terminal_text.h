// Text on terminals: what a log line says is shown, never obeyed, and takes so many columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// The text with control characters (C0, DEL, C1) as escapes like \n and \x1b, and what is no UTF-8
/// as U+FFFD.
std::string escape_controls(std::string_view text);
/// Code points.
size_t width_of(std::string_view text);
/// The first `width` code points, the last of them a sign if more would follow. Requires: width > 0
std::string cut_to(std::string text, size_t width);

}  // namespace tocsin
