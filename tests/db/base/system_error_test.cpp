#include "db/base/system_error.h"

#include <cerrno>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("system error: no room of any kind is a full disk", "[base]") {
  for (const int number : {ENOSPC, EDQUOT, EFBIG})
    CHECK(code_of_errno(number) == ErrorCode::kDiskFull);
  for (const int number : {EIO, EACCES, EMFILE, 0}) CHECK(code_of_errno(number) == ErrorCode::kIo);
}

TEST_CASE("system error: it says what was attempted, where, and why", "[base]") {
  const Status status = system_error("writing", "/var/x", EDQUOT);
  CHECK(status.error().code == ErrorCode::kDiskFull);
  CHECK(status.error().message == "writing /var/x: Disk quota exceeded");
}
