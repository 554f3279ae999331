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

tl::unexpected<Error> open_error(std::string_view path, int number) {
  Error error = system_error("opening", path, number).value();
  if (number == ENOENT) error.code = ErrorCode::kNotFound;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace tocsin
