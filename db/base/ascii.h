// ASCII characters, without the locale that <cctype> asks.
#pragma once

namespace tocsin {

constexpr bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

}  // namespace tocsin
