#include "db/encoding/bit_packing.h"

#include <algorithm>

namespace tocsin {

void pack_bits(const uint64_t* values, size_t count, unsigned width, uint64_t* out) {
  if (width == 0) return;
  const size_t lanes = (count + 63) / 64;
  std::fill_n(out, packed_words(count, width), 0);
  size_t bit = 0;
  for (size_t first = 0; first < count; first += lanes, bit += width) {
    uint64_t* low = out + bit / 64 * lanes;
    const unsigned shift = bit % 64;
    const size_t n = std::min(lanes, count - first);
    for (size_t l = 0; l < n; ++l) low[l] |= values[first + l] << shift;
    if (shift + width > 64) {
      uint64_t* high = low + lanes;
      for (size_t l = 0; l < n; ++l) high[l] |= values[first + l] >> (64 - shift);
    }
  }
}

}  // namespace tocsin
