// High-cardinality strings in compressed blocks of kVectorRows values.
//
// A column has three buffers: the lengths of all values (an integer stream), a table of blocks, and
// the blocks' bytes. Each block holds the concatenated values of one vector, so a vector of rows is
// read alone. One compression serves the whole column.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "db/encoding/bytes.h"
#include "db/encoding/integer.h"
#include "db/limits.h"

namespace tocsin {

/// More text than a segment's rows can have: only a damaged column asks for it.
inline constexpr uint64_t kTextBytesMax = kBatchBytesMax + kGatherBytesMax;

/// Written to disk: values never change.
enum class Compression : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

struct TextBlock {
  uint64_t offset;       ///< in the bytes of all blocks
  uint32_t stored_size;  ///< compressed
  uint32_t raw_size;
};
static_assert(sizeof(TextBlock) == 16);

struct TextColumn {
  Compression compression = Compression::kNone;
  std::vector<uint8_t> lengths;
  std::vector<TextBlock> blocks;
  std::vector<uint8_t> bytes;
};

/// Without `compress` the bytes stay as they are, for segments that will soon be rewritten.
/// The first block decides how the column is compressed: LZ4, which decodes fastest; zstd where it
/// is a third smaller; nothing where neither saves a tenth.
TextColumn encode_text(std::span<const std::string_view> values, bool compress);

/// Reads such a column. Borrows all bytes; safe for concurrent readers.
class TextReader {
 public:
  /// False if the buffers contradict each other.
  bool open(Compression compression, size_t count, ByteView lengths,
            std::span<const TextBlock> blocks, ByteView bytes);
  size_t count() const { return lengths_.count(); }

  /// The bytes that read() needs for these values. Requires: `values` ascend, except for
  /// UINT32_MAX, which means no value.
  size_t room(std::span<const uint32_t> values) const;
  /// Sets texts[i] to the text of values[i]; the views point into `room` or into the column's
  /// bytes. False if a block is damaged. Requires: values < count(), and room.size() is at least
  /// room(values).
  bool read(std::span<const uint32_t> values, std::span<char> room,
            std::span<std::string_view> texts) const;

 private:
  Compression compression_ = Compression::kNone;
  IntegerStream lengths_;
  std::span<const TextBlock> blocks_;
  ByteView bytes_;
};

}  // namespace tocsin
