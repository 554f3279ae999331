// Where the buffers of a segment lie.
//
// A table names a buffer by the offset of its bytes, as any FlatBuffer does; but the schema calls
// this a number. Verifying an offset would read the length in front of the bytes, so a page of each
// buffer, when all that a query wants may be a dictionary. So the verifier sees the metadata only,
// and an offset is checked here when its buffer is first used.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/encoding/bytes.h"
#include "segment_generated.h"

namespace tocsin {

struct NamedBuffer {
  const char* name = nullptr;  ///< as in segment.fbs, but singular for a column's `variables`
  const format::Buffer* buffer = nullptr;
};

/// All buffers of a column.
std::vector<NamedBuffer> buffers_of(const format::Column& column);

/// The buffers of one segment, whose bytes and verified metadata must outlive it. Immutable.
class SegmentBuffers {
 public:
  SegmentBuffers() = default;
  SegmentBuffers(ByteView segment, const format::Segment& root);

  /// A buffer's bytes, alignment and checksum compared. kCorrupt names segment and buffer.
  Result<ByteView> open(const format::Buffer* buffer, const std::string& segment_name,
                        const std::string& buffer_name) const;
  /// How many bytes a buffer has; 0 when there is none, or it is not inside the segment.
  size_t size_of(const format::Buffer* buffer) const;
  /// Has the system begin to load the buffers, which lie next to each other, from disk.
  void load_ahead(std::span<const NamedBuffer> buffers) const;

 private:
  std::optional<ByteView> find(const format::Buffer* buffer) const;

  ByteView segment_;
  std::vector<size_t> starts_;  // of all buffers, ascending, and where the segment ends
};

}  // namespace tocsin
