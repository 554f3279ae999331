// The values of given ranks in an unsorted list, in two passes over it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/value_lists.h"

namespace tocsin {

/// Finds values by their rank without sorting: a first pass counts the values by the leading bits
/// of a number that orders like them, a second collects those that share these bits with a wanted
/// value. The lists stay as they are. One per thread; reuse it to reuse its memory.
class RankSelect {
 public:
  /// out[i] is the value of rank ranks[i], 0 the smallest. Requires: ranks are below the number of
  /// the group's values; no value is NaN.
  void select(const ValueLists& lists, size_t group, std::span<const size_t> ranks,
              std::span<double> out);
  /// All values of the group; may be reordered until the next call.
  std::span<double> copy(const ValueLists& lists, size_t group);

 private:
  std::vector<uint32_t> counts_;  // by leading bits; all zero between two calls
  std::vector<uint8_t> wanted_;   // the same
  std::vector<double> values_;
};

}  // namespace tocsin
