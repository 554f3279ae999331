#include "db/base/system_error.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace tocsin {

ErrorCode code_of_errno(int number) {
  const bool is_full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return is_full ? ErrorCode::kDiskFull : ErrorCode::kIo;
}

tl::unexpected<Error> system_error(std::string_view attempted, std::string_view where, int number) {
  return fail(code_of_errno(number),
              fmt::format("{} {}: {}", attempted, where, std::generic_category().message(number)));
}

}  // namespace tocsin
