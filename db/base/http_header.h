// The names and values of HTTP headers: settings check them, and so does the code that sends them.
#pragma once

#include <algorithm>
#include <string_view>

#include "db/base/ascii.h"

namespace tocsin {

/// Whether `text` is a `token` (RFC 9110, section 5.6.2).
inline bool is_header_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// Whether `text` has no control character except tabs.
inline bool is_header_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return is_control(c) && c != '\t'; });
}

}  // namespace tocsin
