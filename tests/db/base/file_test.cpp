#include "db/base/file.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <memory>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

using namespace tocsin;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string read_text(int file, uint64_t offset, size_t size) {
  std::string out(size, '\0');
  const auto count = read_up_to_at(file, std::as_writable_bytes(std::span(out)), offset, "x");
  REQUIRE(count);
  return out.substr(0, *count);
}

}  // namespace

TEST_CASE("file: a partial or interrupted write is continued", "[base]") {
  std::string written;
  int calls = 0;
  const auto write_some = [&](const char* data, size_t size) -> ssize_t {
    if (++calls == 2) {
      errno = EINTR;
      return -1;
    }
    const size_t part = std::min<size_t>(size, 2);
    written.append(data, part);
    return static_cast<ssize_t>(part);
  };
  CHECK(write_with(std::span<const char>("abcde", 5), "x", write_some));
  CHECK(written == "abcde");
  CHECK(calls == 4);
}

TEST_CASE("file: a write that fails says where; one without progress is a full disk", "[base]") {
  const auto error = [](ssize_t result) {
    return write_with(std::span<const char>("a", 1), "/var/x",
                      [&](const char*, size_t) {
                        errno = EIO;
                        return result;
                      })
        .error();
  };
  CHECK(error(-1).code == ErrorCode::kIo);
  CHECK(error(-1).message == "writing /var/x: Input/output error");
  CHECK(error(0).code == ErrorCode::kDiskFull);
}

TEST_CASE("file: reading at an offset returns its bytes, fewer at the end", "[base]") {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> holder(std::tmpfile(), &std::fclose);
  REQUIRE(holder);
  const int file = fileno(holder.get());
  REQUIRE(write_all(file, bytes_of("hello"), "x"));
  REQUIRE(write_all_at(file, bytes_of("abc"), 4, "x"));
  CHECK(read_text(file, 0, 7) == "hellabc");
  CHECK(read_text(file, 5, 9) == "bc");
  CHECK(read_text(file, 7, 1).empty());
}

TEST_CASE("file: errors of descriptors name the file", "[base]") {
  const Descriptor none;
  std::byte byte{};
  CHECK(read_up_to(none.get(), {&byte, 1}, "x").error().message ==
        "reading x: Bad file descriptor");
  CHECK(sync_directory("/nowhere/at/all").error().message ==
        "opening /nowhere/at/all: No such file or directory");
}
