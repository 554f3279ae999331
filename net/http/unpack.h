// Decompresses the bodies of requests.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "net/http/message.h"

namespace tocsin {

/// Decompresses a block of snappy data without its stream format, as Loki's clients send it.
/// kLimit: the content exceeds `bytes_max` bytes; kInvalid: the data is damaged.
Result<std::string> unsnap(std::string_view data, size_t bytes_max);

namespace http {

enum class Packing { kNone, kGzip, kSnappy };

/// As Content-Encoding names it. kUnsupported: it is another one.
Result<Packing> packing_of(const Request& request);

/// Replaces the body by its content. Errors as gunzip() and unsnap().
Status unpack(Packing packing, size_t bytes_max, std::string& body);

/// The HTTP status of a body that cannot be unpacked: 413 if it is too large.
int unpack_status(ErrorCode code);

}  // namespace http
}  // namespace tocsin
