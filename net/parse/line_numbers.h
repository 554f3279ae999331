// Line numbers for error messages, computed on demand so that good lines cost nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "net/parse/scan.h"

namespace tocsin {

/// The line numbers of positions in one buffer, requested in ascending order.
class LineNumbers {
 public:
  explicit LineNumbers(std::string_view buffer) : position_(buffer.data()) {}

  /// The number, from 1, of the line that contains `place`. Requires: `place` is not before the
  /// last requested one.
  uint64_t at(const char* place) {
    line_ += scan::count_byte({position_, static_cast<size_t>(place - position_)}, '\n');
    position_ = place;
    return line_;
  }

 private:
  const char* position_;
  uint64_t line_ = 1;
};

}  // namespace tocsin
