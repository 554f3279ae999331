// A range that a parameter is drawn from, so that no rule can be tuned to one value.
#pragma once

#include <cmath>

#include "tools/generate/random.h"

namespace tocsin::generate {

struct Range {
  double min = 0;
  double max = 0;

  double draw(Random& random) const { return random.uniform(min, max); }
  /// Every order of magnitude is equally likely. Requires: 0 < min <= max.
  double draw_log(Random& random) const {
    return std::exp(random.uniform(std::log(min), std::log(max)));
  }
};

}  // namespace tocsin::generate
