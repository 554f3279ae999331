// The stored structure of a segment: for `tocsin info`, benchmarks and tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/schema/schema.h"

namespace tocsin {

/// One stored buffer of a column.
struct BufferInspection {
  std::string name;  ///< as in segment.fbs: `values`, `entry_bytes`, ...
  uint64_t byte_size = 0;
};

struct ColumnInspection {
  ColumnId id = 0;  ///< 0 for the time, which is not a Column
  std::string name;
  ColumnType type = ColumnType::kI64;  ///< as stored; the catalog's may be wider
  ColumnKind kind = ColumnKind::kField;
  std::string encoding;      ///< `integers`, `dictionary`, ...; `unknown` if of a later version
  uint32_t value_count = 0;  ///< rows that are not null
  uint32_t null_count = 0;
  uint64_t byte_size = 0;  ///< of all buffers
  uint64_t raw_size = 0;   ///< 8 bytes for a number, 1 for a bool, the length of a string
  std::vector<BufferInspection> buffers;
};

struct SegmentInspection {
  uint64_t metadata_size = 0;             ///< bytes before the buffers
  std::vector<ColumnInspection> columns;  ///< the time, then the others by ascending id
  std::vector<uint64_t> sealed_from, replaces, ancestors;  ///< segment ids: see Lineage
};

class Segment;
class SegmentBuffers;
namespace format {
struct Segment;
}

/// Reads only the segment's metadata. kCorrupt if they are damaged; kUnsupported for a segment that
/// is not stored.
Result<SegmentInspection> inspect(const Segment& segment);

/// For the segment's reader. Requires: `root` is verified.
SegmentInspection inspect_segment(const format::Segment& root, const SegmentBuffers& buffers,
                                  uint64_t metadata_size);

}  // namespace tocsin
