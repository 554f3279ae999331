// A segment as the catalog lists it.
#pragma once

#include <cstdint>

#include "db/base/time.h"
#include "db/limits.h"
#include "db/segment/file.h"
#include "db/segment/segment.h"

namespace tocsin {

/// A segment as the catalog lists it.
struct SegmentRecord {
  SegmentInfo info;
  uint32_t metadata_size = 0;
  uint64_t raw_size = 0;           ///< roughly the bytes of its values before any encoding
  uint64_t metadata_checksum = 0;  ///< sealed only; hot segments have one for all bytes
  Timestamp created_at = 0;        ///< hot: when its oldest rows were committed; sealed: its newest
  uint64_t file_number = 0;        ///< sealed only
  uint64_t file_offset = 0;        ///< sealed only: of its header

  /// Merging small segments gives one that is no longer small, or one instead of many: so it comes
  /// to an end.
  bool is_small() const {
    return info.row_count < kSmallSegmentRows && raw_size < kSmallSegmentBytes;
  }
  FileId file() const { return {info.measurement, info.partition, file_number}; }
};

}  // namespace tocsin
