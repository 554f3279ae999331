// Recognises other protocols that are sent to the line port by mistake, by their first bytes.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

/// One sentence that names the protocol and the setting to change; empty if the bytes look like
/// lines.
std::string foreign_protocol(std::string_view first_bytes);

}  // namespace tocsin
