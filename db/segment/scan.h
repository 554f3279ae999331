// Finds segments in segment files without a catalog: for `verify` and `repair`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/segment/file.h"
#include "db/segment/record.h"
#include "db/segment/segment.h"

namespace tocsin {

/// A segment whose header is intact; its body may not be.
struct ScannedSegment {
  SegmentRecord record;  ///< without raw_size and created_at
  std::string measurement;
  uint64_t body_checksum = 0;
};

struct ListedFile {
  FileId file;
  uint64_t size = 0;
};

/// Lists all segment files of a database; files with other names are ignored.
Result<std::vector<ListedFile>> list_segment_files(const std::string& directory);

/// Reads the header at `offset` of a mapped file; nothing if it is damaged, belongs to another
/// file, or its body would extend past the end of the file.
std::optional<ScannedSegment> read_header(ByteView file_bytes, uint64_t offset, const FileId& file);

/// Finds all segments of a file from `offset` on; after damage it searches for the next header.
std::vector<ScannedSegment> scan_file(ByteView file_bytes, const FileId& file, uint64_t offset = 0);

/// Opens the segment that a record describes. Requires: it is within the file.
std::shared_ptr<const Segment> open_in_file(std::shared_ptr<const FileMapping> mapping,
                                            const SegmentRecord& record);

/// Compares all bytes of a scanned segment, including the padding between buffers, with the
/// checksum in its header.
Status check_body(const FileMapping& mapping, const ScannedSegment& segment);

/// Decodes every value of a segment: kCorrupt at the first that cannot be decoded. `columns` are
/// the measurement's.
Status read_everything(const Segment& segment, const std::vector<Column>& columns);

}  // namespace tocsin
