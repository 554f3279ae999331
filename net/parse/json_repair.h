// JSON with invalid text in its strings, which some writers produce.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// `json` with invalid UTF-8 and escapes of half a surrogate pair replaced by U+FFFD: invalid UTF-8
/// is displayed that way everywhere, and half a pair remains when a writer truncates a text.
std::string repaired_json(std::string_view json);

}  // namespace tocsin
