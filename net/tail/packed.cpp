#include "net/tail/packed.h"

#include <memory>

#include <zlib.h>
#include <zstd.h>

#include "net/tail/identity.h"

namespace tocsin {
namespace {

constexpr std::string_view kGzipMagic = "\x1F\x8B\x08";
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";

bool inflate_head(std::string_view start, std::string& head) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(start.data()));
  stream.avail_in = static_cast<uInt>(start.size());
  stream.next_out = reinterpret_cast<Bytef*>(head.data());
  stream.avail_out = static_cast<uInt>(head.size());
  int status = Z_OK;
  while (status == Z_OK && stream.avail_out > 0) status = inflate(&stream, Z_SYNC_FLUSH);
  head.resize(head.size() - stream.avail_out);
  inflateEnd(&stream);
  return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

bool decompress_head(std::string_view start, std::string& head) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(),
                                                                     &ZSTD_freeDCtx);
  if (!context) return false;
  ZSTD_inBuffer in{start.data(), start.size(), 0};
  ZSTD_outBuffer out{head.data(), head.size(), 0};
  for (size_t left = 1; left != 0 && out.pos < out.size;) {
    const size_t before = in.pos + out.pos;
    left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left)) return false;
    if (in.pos + out.pos == before) break;  // it needs more than the start
  }
  head.resize(out.pos);
  return true;
}

}  // namespace

bool is_packed(std::string_view start) {
  return start.starts_with(kGzipMagic) || start.starts_with(kZstdMagic);
}

std::optional<PackedContent> packed_content(std::string_view start, std::string_view end) {
  PackedContent content;
  content.head.resize(kHeadBytesMax);
  if (start.starts_with(kGzipMagic)) {
    if (end.size() != kPackedEnd || !inflate_head(start, content.head)) return std::nullopt;
    for (size_t i = 0; i < kPackedEnd; ++i) {
      content.size |= uint64_t{static_cast<uint8_t>(end[i])} << (8 * i);
    }
    content.modulo = true;
    return content;
  }
  if (!start.starts_with(kZstdMagic) || !decompress_head(start, content.head)) return std::nullopt;
  const unsigned long long size = ZSTD_getFrameContentSize(start.data(), start.size());
  if (size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR) content.size = size;
  return content;
}

}  // namespace tocsin
