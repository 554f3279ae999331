// Opens segments in place: checks their structure once, then reads their columns.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "db/base/result.h"
#include "db/encoding/bytes.h"
#include "db/segment/segment.h"

namespace tocsin {

class FileMapping;

/// The bytes of a segment and their owner, a heap copy or a mapped file.
struct SegmentBytes {
  ByteView bytes;                        ///< starts on a 64-byte boundary
  std::shared_ptr<const void> owner;     ///< shared by all segments of one mapping
  const FileMapping* mapping = nullptr;  ///< the owner, if it is a file
  uint32_t metadata_size = 0;
  uint64_t metadata_checksum = 0;
};

/// The first read checks the metadata, and each buffer is checked against its checksum when it is
/// first read; until then no byte is touched. So damage is reported as kCorrupt by a read.
std::shared_ptr<const Segment> open_segment(SegmentInfo info, SegmentBytes bytes);

}  // namespace tocsin
