// Request bodies that come compressed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// Unpacks gzip (RFC 1952) with all its members. kLimit: the content has more than `bytes_max`
/// bytes; kInvalid: it is damaged, cut off, or no gzip.
Result<std::string> gunzip(std::string_view data, size_t bytes_max);

}  // namespace tocsin
