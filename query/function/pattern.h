// Regular expressions: RE2, with bounded size.
#pragma once

#include <memory>
#include <string>

namespace re2 {
class RE2;
}

namespace tocsin {

/// Why a pattern does not compile; `fragment` is the invalid part of the pattern, or empty.
struct PatternError {
  std::string message;
  std::string fragment;
};

/// The compiled pattern; null with `error` set if it is invalid or too long.
std::unique_ptr<const re2::RE2> compile_pattern(const std::string& pattern, PatternError& error);

}  // namespace tocsin
