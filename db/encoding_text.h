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

#include "db/bytes.h"

namespace tocsin {

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

/// False when the block is damaged. Requires: out has block.raw_size bytes.
bool decompress_block(Compression compression, ByteView stored, std::span<char> out);

}  // namespace tocsin
