// zlib's inflate with a limit, so that a small body cannot use a lot of memory.
#include "net/http/gzip.h"

#include <algorithm>

#include <fmt/format.h>
#include <zlib.h>

namespace tocsin {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib.h, inflateInit2
constexpr size_t kStepBytes = 256 * 1024;

struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipOnly) == Z_OK;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

}  // namespace

Result<std::string> gunzip(std::string_view data, size_t bytes_max) {
  Inflater inflater;
  if (!inflater.ready) return fail(ErrorCode::kBusy, "not enough memory to decompress a gzip body");
  z_stream& stream = inflater.stream;
  // zlib does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out;
  for (;;) {
    const size_t filled = out.size();
    out.resize(std::min(filled + kStepBytes, bytes_max + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = static_cast<uInt>(out.size() - filled);
    const int status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > bytes_max) {
      return fail(ErrorCode::kLimit,
                  fmt::format("the decompressed gzip body exceeds {} bytes", bytes_max));
    }
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      if (inflateReset(&stream) == Z_OK) continue;  // the next member
    }
    if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("the gzip body is {} after {} bytes of content",
                              status == Z_BUF_ERROR || status == Z_OK ? "truncated" : "damaged",
                              out.size()));
    }
  }
}

}  // namespace tocsin
