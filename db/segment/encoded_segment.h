// A segment as it is written to disk.
#pragma once

#include <cstdint>

#include "db/base/time.h"
#include "db/encoding/bytes.h"

namespace tocsin {

/// A segment as it goes to disk.
struct EncodedSegment {
  AlignedBytes bytes;
  uint32_t metadata_size = 0;  ///< the bytes in front of the first buffer
  uint32_t row_count = 0;
  Timestamp min_time = 0;
  Timestamp max_time = 0;
  uint64_t raw_size = 0;  ///< roughly, before any encoding
};

}  // namespace tocsin
