// Recognises what else gets sent to the line port by mistake, from a connection's first bytes.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// One sentence that says what it looks like and which setting to change; empty when it looks like
/// lines.
std::string foreign_protocol(std::string_view first_bytes);

}  // namespace tocsin
