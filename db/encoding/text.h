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

/// More text than the rows that are built into segments together can have: only damage asks for it.
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

/// `compress` off keeps the bytes as they are, for segments that soon will be rewritten.
/// The first block decides how the column is compressed: LZ4 decodes fastest, zstd is taken where
/// it saves a third more, and nothing where neither saves a tenth.
TextColumn encode_text(std::span<const std::string_view> values, bool compress);

/// Reads such a column. Borrows all bytes; safe for concurrent readers.
class TextReader {
 public:
  /// False when the buffers contradict each other.
  bool open(Compression compression, size_t count, ByteView lengths,
            std::span<const TextBlock> blocks, ByteView bytes);
  size_t count() const { return lengths_.count(); }

  /// The bytes that read() needs for these values, which ascend; UINT32_MAX stands for none.
  size_t room(std::span<const uint32_t> values) const;
  /// Writes the text of values[i] to texts[i]; views point into `room` and into the column's bytes.
  /// False when a block is damaged. Requires: values < count(), and room.size() is what room()
  /// said.
  bool read(std::span<const uint32_t> values, std::span<char> room,
            std::span<std::string_view> texts) const;

 private:
  Compression compression_ = Compression::kNone;
  IntegerStream lengths_;
  std::span<const TextBlock> blocks_;
  ByteView bytes_;
};

}  // namespace tocsin
