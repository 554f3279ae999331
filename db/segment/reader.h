// Opens segments in place: checks their structure once, then hands out columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "db/base/result.h"
#include "db/encoding/bytes.h"
#include "db/segment/segment.h"

namespace tocsin {

class FileMapping;

/// The bytes of a segment and what keeps them alive (a heap copy or a file's mapping).
struct SegmentBytes {
  ByteView bytes;                        ///< starts on a 64-byte boundary
  std::shared_ptr<const void> owner;     ///< shared by all segments of one mapping
  const FileMapping* mapping = nullptr;  ///< the owner, when that is a file
  uint32_t metadata_size = 0;
  uint64_t metadata_checksum = 0;
};

/// Nothing of the bytes is touched before the first read, which checks the metadata; each buffer is
/// checked against its checksum when it is first read. So damage shows as kCorrupt from a read.
std::shared_ptr<const Segment> open_segment(SegmentInfo info, SegmentBytes bytes);

}  // namespace tocsin
