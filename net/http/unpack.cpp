#include "net/http/unpack.h"

#include <fmt/format.h>
#include <snappy.h>

#include "db/base/ascii.h"
#include "net/http/gzip.h"

namespace tocsin {

Result<std::string> unsnap(std::string_view data, size_t bytes_max) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(data.data(), data.size(), &size))
    return fail(ErrorCode::kInvalid, "the body is not a snappy block");
  if (size > bytes_max) {
    return fail(ErrorCode::kLimit,
                fmt::format("the decompressed snappy body exceeds {} bytes", bytes_max));
  }
  // The size is only a claim, so it is checked before memory of that size is used.
  if (!snappy::IsValidCompressedBuffer(data.data(), data.size()))
    return fail(ErrorCode::kInvalid, "the snappy body is damaged or truncated");
  std::string out(size, '\0');
  if (!snappy::RawUncompress(data.data(), data.size(), out.data()))
    return fail(ErrorCode::kInvalid, "the snappy body is damaged or truncated");
  return out;
}

namespace http {

Result<Packing> packing_of(const Request& request) {
  const std::string encoding = lower_case(trimmed(request.header("content-encoding")));
  if (encoding.empty() || encoding == "identity") return Packing::kNone;
  // RFC 9110, section 8.4.1.3
  if (encoding == "gzip" || encoding == "x-gzip") return Packing::kGzip;
  if (encoding == "snappy") return Packing::kSnappy;
  return fail(ErrorCode::kUnsupported,
              fmt::format("unsupported Content-Encoding `{}`; use gzip", encoding));
}

Status unpack(Packing packing, size_t bytes_max, std::string& body) {
  if (packing == Packing::kNone) return {};
  TOCSIN_TRY(body, packing == Packing::kGzip ? gunzip(body, bytes_max) : unsnap(body, bytes_max));
  return {};
}

int unpack_status(ErrorCode code) { return code == ErrorCode::kLimit ? 413 : status_of(code); }

}  // namespace http
}  // namespace tocsin
