#include "db/encoding_text.h"

#include <algorithm>
#include <memory>
#include <string>

#include <lz4.h>
#include <zstd.h>

#include "db/encoding_integer.h"
#include "db/limits.h"

namespace tocsin {
namespace {

constexpr int kZstdLevel = 1;  // higher levels cost ingestion more than they save

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

/// Appends the compressed block; false, with `out` as it was, when the library refuses.
bool append_compressed(Compression compression, std::string_view raw, std::vector<uint8_t>& out) {
  const size_t before = out.size();
  size_t size = 0;
  if (compression == Compression::kLz4) {
    out.resize(before + static_cast<size_t>(LZ4_compressBound(static_cast<int>(raw.size()))));
    size = static_cast<size_t>(
        LZ4_compress_default(raw.data(), reinterpret_cast<char*>(out.data()) + before,
                             static_cast<int>(raw.size()), static_cast<int>(out.size() - before)));
  } else {
    out.resize(before + ZSTD_compressBound(raw.size()));
    size = ZSTD_compressCCtx(compressor(), out.data() + before, out.size() - before, raw.data(),
                             raw.size(), kZstdLevel);
    if (ZSTD_isError(size)) size = 0;
  }
  out.resize(before + size);
  return size != 0;
}

size_t compressed_size(Compression compression, std::string_view raw) {
  std::vector<uint8_t> scratch;
  return append_compressed(compression, raw, scratch) ? scratch.size() : SIZE_MAX / 4;
}

Compression choose_compression(std::string_view first_block) {
  if (first_block.empty() || first_block.size() > LZ4_MAX_INPUT_SIZE) return Compression::kNone;
  const size_t lz4 = compressed_size(Compression::kLz4, first_block);
  const size_t zstd = compressed_size(Compression::kZstd, first_block);
  if (std::min(lz4, zstd) * 10 > first_block.size() * 9) return Compression::kNone;
  return zstd * 3 <= lz4 * 2 ? Compression::kZstd : Compression::kLz4;
}

}  // namespace

TextColumn encode_text(std::span<const std::string_view> values, bool compress) {
  TextColumn column;
  std::vector<uint64_t> lengths(values.size());
  for (size_t i = 0; i < values.size(); ++i) lengths[i] = values[i].size();
  encode_integers(lengths, column.lengths);

  std::string raw;
  for (size_t start = 0; start < values.size(); start += kVectorRows) {
    raw.clear();
    for (std::string_view value :
         values.subspan(start, std::min(kVectorRows, values.size() - start))) {
      raw.append(value);
    }
    if (start == 0 && compress) column.compression = choose_compression(raw);
    const size_t offset = column.bytes.size();
    if (column.compression == Compression::kNone || raw.empty()) {
      ByteView bytes = bytes_of(raw);
      column.bytes.insert(column.bytes.end(), bytes.begin(), bytes.end());
    } else if (!append_compressed(column.compression, raw, column.bytes)) {
      return encode_text(values, false);
    }
    column.blocks.push_back({offset, static_cast<uint32_t>(column.bytes.size() - offset),
                             static_cast<uint32_t>(raw.size())});
  }
  return column;
}

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

}  // namespace tocsin
