// The escapes of JSON in texts between quotes.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// Appends `text` to `out` with its escapes replaced: those of JSON, and `\'`. Half of a surrogate
/// pair becomes U+FFFD; an escape that is not known stays as it is written.
void append_unescaped(std::string_view text, std::string& out);

}  // namespace tocsin
