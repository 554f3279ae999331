// Decompression of request bodies.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// Decompresses gzip data (RFC 1952) with all its members. kLimit: the content exceeds `bytes_max`
/// bytes; kInvalid: the data is damaged, truncated, or not gzip; kBusy: out of memory.
Result<std::string> gunzip(std::string_view data, size_t bytes_max);

}  // namespace tocsin
