#include "db/base/system_error.h"

#include <cerrno>

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("system error: every kind of missing room counts as a full disk", "[base]") {
  for (const int number : {ENOSPC, EDQUOT, EFBIG})
    CHECK(code_of_errno(number) == ErrorCode::kDiskFull);
  for (const int number : {EIO, EACCES, EMFILE, 0}) CHECK(code_of_errno(number) == ErrorCode::kIo);
}

TEST_CASE("system error: a file that does not exist is not found", "[base]") {
  const Status missing = open_error("/var/x", ENOENT);
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK(missing.error().message == "opening /var/x: No such file or directory");
  const Status refused = open_error("/var/x", EACCES);
  CHECK(refused.error().code == ErrorCode::kIo);
}

TEST_CASE("system error: the message says what was attempted, where, and why", "[base]") {
  const Status status = system_error("writing", "/var/x", EDQUOT);
  CHECK(status.error().code == ErrorCode::kDiskFull);
  CHECK(status.error().message == "writing /var/x: Disk quota exceeded");
}
