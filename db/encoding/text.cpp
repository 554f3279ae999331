#include "db/encoding/text.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include <lz4.h>
#include <zstd.h>

#include "db/encoding/bit_packing.h"
#include "db/encoding/integer.h"
#include "db/limits.h"

namespace tocsin {
namespace {

constexpr int kZstdLevel = 1;  // higher levels slow ingestion down more than they save

struct FreeZstd {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

ZSTD_CCtx* compressor() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeZstd> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  return context.get();
}

/// Compresses into `scratch`, which only grows, and returns the part used; empty if the library
/// fails.
ByteView compress_block(Compression compression, std::string_view raw,
                        std::vector<uint8_t>& scratch) {
  const size_t bound = compression == Compression::kLz4
                           ? static_cast<size_t>(LZ4_compressBound(static_cast<int>(raw.size())))
                           : ZSTD_compressBound(raw.size());
  if (scratch.size() < bound) scratch.resize(bound);
  size_t size = 0;
  if (compression == Compression::kLz4) {
    size = static_cast<size_t>(
        LZ4_compress_default(raw.data(), reinterpret_cast<char*>(scratch.data()),
                             static_cast<int>(raw.size()), static_cast<int>(scratch.size())));
  } else {
    size = ZSTD_compressCCtx(compressor(), scratch.data(), scratch.size(), raw.data(), raw.size(),
                             kZstdLevel);
    if (ZSTD_isError(size)) size = 0;
  }
  return ByteView(scratch).first(size);
}

size_t compressed_size(Compression compression, std::string_view raw,
                       std::vector<uint8_t>& scratch) {
  const size_t size = compress_block(compression, raw, scratch).size();
  return size != 0 ? size : SIZE_MAX / 4;
}

Compression choose_compression(std::string_view first_block, std::vector<uint8_t>& scratch) {
  if (first_block.empty() || first_block.size() > LZ4_MAX_INPUT_SIZE) return Compression::kNone;
  const size_t lz4 = compressed_size(Compression::kLz4, first_block, scratch);
  const size_t zstd = compressed_size(Compression::kZstd, first_block, scratch);
  if (std::min(lz4, zstd) * 10 > first_block.size() * 9) return Compression::kNone;
  return zstd * 3 <= lz4 * 2 ? Compression::kZstd : Compression::kLz4;
}

/// False if the block is damaged.
bool decompress_block(Compression compression, ByteView stored, std::span<char> out) {
  if (out.empty()) return stored.empty();
  switch (compression) {
    case Compression::kNone:
      if (stored.size() != out.size()) return false;
      std::copy_n(text_of(stored).data(), stored.size(), out.data());
      return true;
    case Compression::kLz4:
      return LZ4_decompress_safe(text_of(stored).data(), out.data(),
                                 static_cast<int>(stored.size()),
                                 static_cast<int>(out.size())) == static_cast<int>(out.size());
    case Compression::kZstd:
      return ZSTD_decompressDCtx(decompressor(), out.data(), out.size(), stored.data(),
                                 stored.size()) == out.size();
  }
  return false;
}

}  // namespace

TextColumn encode_text(std::span<const std::string_view> values, bool compress) {
  TextColumn column;
  std::vector<uint64_t> lengths(values.size());
  for (size_t i = 0; i < values.size(); ++i) lengths[i] = values[i].size();
  encode_integers(lengths, column.lengths);

  std::string raw;
  std::vector<uint8_t> scratch;
  for (size_t start = 0; start < values.size(); start += kVectorRows) {
    raw.clear();
    for (std::string_view value :
         values.subspan(start, std::min(kVectorRows, values.size() - start))) {
      raw.append(value);
    }
    if (start == 0 && compress) column.compression = choose_compression(raw, scratch);
    const size_t offset = column.bytes.size();
    ByteView stored = bytes_of(raw);
    if (column.compression != Compression::kNone && !raw.empty()) {
      stored = compress_block(column.compression, raw, scratch);
      if (stored.empty()) return encode_text(values, false);
    }
    column.bytes.insert(column.bytes.end(), stored.begin(), stored.end());
    column.blocks.push_back({offset, static_cast<uint32_t>(column.bytes.size() - offset),
                             static_cast<uint32_t>(raw.size())});
  }
  return column;
}

bool TextReader::open(Compression compression, size_t count, ByteView lengths,
                      std::span<const TextBlock> blocks, ByteView bytes) {
  compression_ = compression;
  blocks_ = blocks;
  bytes_ = bytes;
  if (!lengths_.open(lengths, count)) return false;
  if (blocks.size() != vector_count(count)) return false;
  return std::all_of(blocks.begin(), blocks.end(), [&](const TextBlock& block) {
    return block.offset <= bytes.size() && block.stored_size <= bytes.size() - block.offset;
  });
}

size_t TextReader::room(std::span<const uint32_t> values) const {
  if (compression_ == Compression::kNone) return 0;
  size_t room = 0;
  size_t block = SIZE_MAX;
  for (uint32_t value : values) {
    if (value == UINT32_MAX || value / kVectorRows == block) continue;
    block = value / kVectorRows;
    room += blocks_[block].raw_size;
  }
  return room;
}

bool TextReader::read(std::span<const uint32_t> values, std::span<char> room,
                      std::span<std::string_view> texts) const {
  size_t block = SIZE_MAX;
  std::array<std::string_view, kVectorRows> of_block;
  std::array<uint64_t, kVectorRows> lengths;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == UINT32_MAX) continue;
    if (values[i] / kVectorRows != block) {
      block = values[i] / kVectorRows;
      const TextBlock& entry = blocks_[block];
      const ByteView stored = bytes_.subspan(entry.offset, entry.stored_size);
      std::string_view raw = text_of(stored);
      if (compression_ != Compression::kNone) {
        const std::span<char> target = room.first(entry.raw_size);
        if (!decompress_block(compression_, stored, target)) return false;
        raw = {target.data(), target.size()};
        room = room.subspan(entry.raw_size);
      }
      const size_t n = std::min(kVectorRows, count() - block * kVectorRows);
      lengths_.read(block * kVectorRows, n, lengths.data());
      for (size_t k = 0; k < n; ++k) {
        if (lengths[k] > raw.size()) return false;
        of_block[k] = raw.substr(0, lengths[k]);
        raw.remove_prefix(lengths[k]);
      }
    }
    texts[i] = of_block[values[i] % kVectorRows];
  }
  return true;
}

}  // namespace tocsin
