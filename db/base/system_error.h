// What a failed system call becomes: an error with the system's reason.
#pragma once

#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// Of an errno: kDiskFull when there is no room left on the disk, in the quota, or under the limit
/// of a file's size; else kIo.
ErrorCode code_of_errno(int number);

/// `writing /var/x: No space left on device`, with the code of `number`, an errno.
tl::unexpected<Error> system_error(std::string_view attempted, std::string_view where, int number);

}  // namespace tocsin
