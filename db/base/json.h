// Writing JSON (RFC 8259).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

/// `text` as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. Control characters,
/// including those of text direction, are escapes, so that the string can be shown on a terminal.
std::string json_quote(std::string_view text);

/// The shortest text that parses back to the same value; `null` for NaN and infinities.
std::string json_number(double value);

/// An object with string values.
std::string json_object(const std::map<std::string, std::string>& entries);

/// An array of strings.
std::string json_strings(std::span<const std::string> texts);

/// An array of values that are JSON already.
std::string json_array(std::span<const std::string> values);

}  // namespace tocsin
