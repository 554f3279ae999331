// Finds and checks the buffers of a segment.
//
// A table refers to a buffer by the offset of its bytes, as usual in a FlatBuffer, but the schema
// declares the offset as a number. To verify an offset, FlatBuffers would read the length before
// the bytes and so touch a page of each buffer, even if a query only needs a dictionary. Instead,
// the verifier sees only the metadata, and an offset is checked here when its buffer is first used.
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

/// The buffers of one segment. Borrows its bytes and verified metadata. Immutable.
class SegmentBuffers {
 public:
  SegmentBuffers() = default;
  /// `is_mapped`: the segment is part of a mapped file; otherwise there is nothing to load ahead.
  SegmentBuffers(ByteView segment, const format::Segment& root, bool is_mapped);

  /// Returns a buffer's bytes after checking their alignment and checksum; kCorrupt names the
  /// segment and the buffer.
  Result<ByteView> open(const format::Buffer* buffer, const std::string& segment_name,
                        const std::string& buffer_name) const;
  /// The size of a buffer in bytes; 0 if there is none, or if it is outside the segment.
  size_t size_of(const format::Buffer* buffer) const;
  /// Has the system start to load the buffers, which are adjacent, from disk.
  void load_ahead(std::span<const NamedBuffer> buffers) const;

 private:
  std::optional<ByteView> find(const format::Buffer* buffer) const;

  ByteView segment_;
  // Of all buffers, ascending; then the end of the segment. Empty if the segment is not mapped.
  std::vector<size_t> starts_;
};

}  // namespace tocsin
