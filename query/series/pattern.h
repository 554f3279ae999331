// The pattern judge: how unlike all earlier shapes of the series its newest shape is.
//
// A left discord (Yeh et al., "Matrix Profile I", ICDM 2016, without the normalization) of bins of
// two widths; the rarity of its distance among all earlier distances is comparable between series.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "query/series/tail.h"

namespace tocsin {

class PatternJudge {
 public:
  /// Adds the next bucket; NaN: no value. Returns the score, 1.0 is the border of probability `q`,
  /// when the bucket completes a bin that can be compared.
  std::optional<double> add(double value, double q);
  size_t memory_bytes() const;

 private:
  struct Bins {
    double sum = 0;
    double min = 0;
    double max = 0;
    double level;  ///< a moving average of the means; NaN: none yet
    int known = 0;
    int buckets = 0;
    std::vector<float> values;

    Bins();
    /// Returns whether the bucket completed a bin that has a value.
    bool add(double value, int width);
    float finish();
  };

  std::array<Bins, 2> bins_;
  std::array<UpperTail, 3> distances_;  ///< by view
  UpperTail rarities_;
};

}  // namespace tocsin
