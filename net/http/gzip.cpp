// zlib: inflate with a limit, so that a small body cannot use a lot of memory; deflate for whole
// bodies and for pieces.
#include "net/http/gzip.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <zlib.h>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;  // zlib.h, inflateInit2
constexpr size_t kStepBytes = 256 * 1024;
constexpr size_t kCompressedBytesMin = 1024;  // of a body; less fits into one packet anyway
constexpr int kLevel = 1;  // fast: the loop's thread compresses, about 10 ms for a megabyte

struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipOnly) == Z_OK;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

struct Deflater {
  z_stream stream{};
  bool ready = deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipOnly, MAX_MEM_LEVEL,
                            Z_DEFAULT_STRATEGY) == Z_OK;
  ~Deflater() {
    if (ready) deflateEnd(&stream);
  }
  Deflater() = default;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // Appends the compressed form of `data` to `out`, all of it, so that the receiver can use it now.
  void add(std::string_view data, bool last, std::string& out) {
    // zlib does not write to its input.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
    stream.avail_in = static_cast<uInt>(data.size());
    do {
      const size_t filled = out.size();
      out.resize(filled + deflateBound(&stream, stream.avail_in) + 16);
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
      stream.avail_out = static_cast<uInt>(out.size() - filled);
      deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
      out.resize(out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
};

bool is_compressible(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.starts_with("application/json") ||
         content_type.starts_with("application/x-ndjson") || content_type.starts_with("image/svg");
}

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

namespace http {

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const size_t end = std::min(accept_encoding.find(','), accept_encoding.size());
    const std::string_view item = accept_encoding.substr(0, end);
    accept_encoding.remove_prefix(std::min(end + 1, accept_encoding.size()));
    const size_t semicolon = std::min(item.find(';'), item.size());
    const std::string name = lower_case(trimmed(item.substr(0, semicolon)));
    if (name != "gzip" && name != "x-gzip") continue;
    // `q=0`, `q=0.0`, ...: not acceptable.
    const std::string_view weight = trimmed(item.substr(std::min(semicolon + 1, item.size())));
    return !weight.starts_with("q=0") || weight.find_first_of("123456789") != weight.npos;
  }
  return false;
}

void compress(Response& response) {
  if (!is_compressible(response.content_type)) return;
  if (!response.more && response.body.size() < kCompressedBytesMin) return;
  const auto deflater = std::make_shared<Deflater>();
  if (!deflater->ready) return;
  std::string body;
  deflater->add(response.body, !response.more, body);
  response.body = std::move(body);
  if (response.more) {
    response.more = [deflater, more = std::move(response.more)](std::string& out) {
      std::string piece;
      const bool again = more(piece);
      deflater->add(piece, !again, out);
      return again;
    };
  }
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.headers.emplace_back("Vary", "Accept-Encoding");
}

}  // namespace http
}  // namespace tocsin
