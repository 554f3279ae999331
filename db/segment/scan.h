// What lies in segment files, told by the files alone: for `verify` and `repair`.
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

/// A segment whose header is whole; the body may not be.
struct ScannedSegment {
  SegmentRecord record;  ///< all but raw_size and created_at
  std::string measurement;
  uint64_t body_checksum = 0;
};

struct ListedFile {
  FileId file;
  uint64_t size = 0;
};

/// All segment files of a database; names of another form are passed over.
Result<std::vector<ListedFile>> list_segment_files(const std::string& directory);

/// The header at `offset` of a mapped file; nothing when it is damaged, is not that file's, or its
/// body would end behind the file's end.
std::optional<ScannedSegment> read_header(ByteView file_bytes, uint64_t offset, const FileId& file);

/// All segments of a file from `offset` on; behind damage it looks for the next header.
std::vector<ScannedSegment> scan_file(ByteView file_bytes, const FileId& file, uint64_t offset = 0);

/// Opens the segment that a record describes. Requires: it lies within the file.
std::shared_ptr<const Segment> open_in_file(std::shared_ptr<const FileMapping> mapping,
                                            const SegmentRecord& record);

/// Compares all bytes of a scanned segment with the checksum in its header: also those between the
/// buffers, which nothing reads.
Status check_body(const FileMapping& mapping, const ScannedSegment& segment);

/// Decodes every value of a segment: kCorrupt at the first that cannot be. `columns` are those of
/// the measurement.
Status read_everything(const Segment& segment, const std::vector<Column>& columns);

}  // namespace tocsin
