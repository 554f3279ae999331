// One column of a segment as it is stored: its metadata, and checked access to its buffers.
#pragma once

#include <span>
#include <string>

#include "db/encoding/integer.h"
#include "db/segment/buffer.h"
#include "db/segment/segment.h"
#include "segment_generated.h"

namespace tocsin {

/// Borrows the segment's description, buffers and verified metadata, which must outlive it.
/// Immutable.
class StoredColumn {
 public:
  StoredColumn(const SegmentInfo& info, const SegmentBuffers& buffers, const format::Column& table)
      : info_(info), buffers_(buffers), table_(table) {}

  const format::Column* operator->() const { return &table_; }
  size_t row_count() const { return info_.row_count; }
  /// Rows that are not null.
  size_t value_count() const { return table_.value_count(); }

  // These return kCorrupt, naming the segment and `name`, if the buffer is missing or damaged.
  Result<ByteView> open_bytes(const format::Buffer* buffer, const char* name) const;
  /// As many T as the buffer holds.
  template <class T>
  Result<std::span<const T>> open_items(const format::Buffer* buffer, const char* name) const {
    TOCSIN_TRY(ByteView bytes, open_bytes(buffer, name));
    return std::span(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
  }
  /// Exactly `count` of T.
  template <class T>
  Result<std::span<const T>> open_array(const format::Buffer* buffer, const char* name,
                                        size_t count) const {
    TOCSIN_TRY(ByteView bytes, open_sized(buffer, name, count * sizeof(T)));
    return std::span(reinterpret_cast<const T*>(bytes.data()), count);
  }
  Result<IntegerStream> open_integers(const format::Buffer* buffer, const char* name,
                                      size_t count) const;

  /// The error for damage to this column: kCorrupt, naming the segment and the column.
  tl::unexpected<Error> damaged(const std::string& fault) const;

 private:
  Result<ByteView> open_sized(const format::Buffer* buffer, const char* name, size_t size) const;

  const SegmentInfo& info_;
  const SegmentBuffers& buffers_;
  const format::Column& table_;
};

}  // namespace tocsin
