// gzip for request bodies and responses.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "db/base/result.h"
#include "net/http/message.h"

namespace tocsin {

/// Decompresses gzip data (RFC 1952) with all its members. kLimit: the content exceeds `bytes_max`
/// bytes; kInvalid: the data is damaged, truncated, or not gzip; kBusy: out of memory.
Result<std::string> gunzip(std::string_view data, size_t bytes_max);

namespace http {

/// Whether the value of an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

/// Compresses the body, also one that is sent in pieces, if that is worth it; adds the headers that
/// say so. Without memory for it, the response stays as it is.
void compress(Response& response);

}  // namespace http
}  // namespace tocsin
