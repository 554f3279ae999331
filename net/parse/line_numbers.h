// Counts lines only when somebody asks: good lines cost nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "net/parse/scan.h"

namespace tocsin {

/// Numbers of places in one buffer, asked for in ascending order.
class LineNumbers {
 public:
  explicit LineNumbers(std::string_view buffer) : position_(buffer.data()) {}

  /// The number, from 1, of the line that `place` lies in. Requires: not before the last one asked
  /// for.
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
