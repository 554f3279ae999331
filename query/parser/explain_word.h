// The word `explain` before a query.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Bytes that the word `explain` takes at the beginning of a text; 0 when it does not begin so.
size_t explain_prefix(std::string_view text);
/// The query behind that word, with blanks in its place, so that what is said about places stays
/// true.
std::string without_explain(std::string_view text);

}  // namespace tocsin
