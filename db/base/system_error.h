// Errors of failed system calls.
#pragma once

#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// kDiskFull for an errno that means no room: on the disk, in the quota, or because of the file
/// size limit; otherwise kIo.
ErrorCode code_of_errno(int number);

/// `opening /var/x: Permission denied`; kNotFound when there is no such file.
tl::unexpected<Error> open_error(std::string_view path, int number);

/// `writing /var/x: No space left on device`, with the code of the errno `number`.
tl::unexpected<Error> system_error(std::string_view attempted, std::string_view where, int number);

}  // namespace tocsin
