// Bytes as text: base64 and hexadecimal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

/// Base64 with padding (RFC 4648, section 4).
std::string base64_text(std::string_view bytes);
/// The bytes of padded base64, or nothing when `text` is not valid base64.
std::optional<std::string> parse_base64(std::string_view text);

/// Two lower-case hexadecimal digits per byte.
std::string hex_text(std::string_view bytes);
/// The bytes of hexadecimal digits of either case, or nothing when `text` is not valid.
std::optional<std::string> parse_hex(std::string_view text);

}  // namespace tocsin
