// Values of one lane of a batch on their way to one column, and their texts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/schema/batch.h"

namespace tocsin {

/// All values of a lane, or some of them. Borrows the lane.
struct LaneSelection {
  const Lane* lane = nullptr;
  std::vector<uint32_t> picks;  ///< indexes into the lane, ascending; unused when `whole`
  bool whole = true;
};

/// Calls `f` with the lane index of every selected value.
template <class F>
void for_each_index(const LaneSelection& selection, F f) {
  if (selection.whole) {
    for (uint32_t k = 0; k < selection.lane->rows.size(); ++k) f(k);
  } else {
    for (uint32_t k : selection.picks) f(k);
  }
}

/// Value `k` of a lane as it was written, or printed if its source was not text.
std::string text_of_value(const Lane& lane, uint32_t k);
std::string json_of_value(const Lane& lane, uint32_t k);

}  // namespace tocsin
