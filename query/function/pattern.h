// Regular expressions: RE2, with bounded size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "query/base/limits.h"

namespace re2 {
class RE2;
}

namespace tocsin {

/// Why a pattern does not compile; `fragment` is the invalid part of the pattern, or empty.
struct PatternError {
  std::string message;
  std::string fragment;
};

/// The compiled pattern, which uses at most about `memory_bytes`; null with `error` set if it is
/// invalid, too long, or needs more.
std::unique_ptr<const re2::RE2> compile_pattern(const std::string& pattern, PatternError& error,
                                                int64_t memory_bytes = kPatternMemoryMax);

}  // namespace tocsin
