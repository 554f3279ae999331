// The word `explain` before a query.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Bytes up to the end of the word `explain` at the start of a text; 0 if it does not start with
/// it.
size_t explain_prefix(std::string_view text);
/// The text with that word replaced by spaces, so that offsets in diagnostics still apply.
std::string without_explain(std::string_view text);

}  // namespace tocsin
