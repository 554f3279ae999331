// A segment as the catalog lists it.
#pragma once

#include <cstdint>

#include "db/base/time.h"
#include "db/limits.h"
#include "db/segment/file.h"
#include "db/segment/segment.h"

namespace tocsin {

struct SegmentRecord {
  SegmentInfo info;
  uint32_t metadata_size = 0;
  uint64_t raw_size = 0;           ///< roughly the bytes of its values before encoding
  uint64_t metadata_checksum = 0;  ///< of a hot segment: the checksum of all its bytes
  Timestamp created_at = 0;        ///< when its oldest (hot) or newest (sealed) rows were committed
  uint64_t file_number = 0;        ///< sealed only
  uint64_t file_offset = 0;        ///< sealed only: of its header

  /// Merging small segments ends: the result is no longer small, or it replaces several by one.
  bool is_small() const {
    return info.row_count < kSmallSegmentRows && raw_size < kSmallSegmentBytes;
  }
  FileId file() const { return {info.measurement, info.partition, file_number}; }
};

}  // namespace tocsin
