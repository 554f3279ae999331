// The bytes of a segment as they are written to disk.
#pragma once

#include <cstdint>

#include "db/base/time.h"
#include "db/encoding/bytes.h"

namespace tocsin {

struct EncodedSegment {
  AlignedBytes bytes;
  uint32_t metadata_size = 0;  ///< the bytes before the first buffer
  uint32_t row_count = 0;
  Timestamp min_time = 0;
  Timestamp max_time = 0;
  uint64_t raw_size = 0;  ///< roughly the size before encoding
};

}  // namespace tocsin
