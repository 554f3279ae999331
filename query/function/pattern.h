// Regular expressions: RE2, with bounded size.
#pragma once

#include <memory>
#include <string>

namespace re2 {
class RE2;
}

namespace tocsin {

/// Why a pattern does not compile; `fragment` is the part at fault, as it stands in the pattern.
struct PatternError {
  std::string message;
  std::string fragment;
};

/// The compiled pattern, or null with `error` filled in.
std::unique_ptr<const re2::RE2> compile_pattern(const std::string& pattern, PatternError& error);

}  // namespace tocsin
