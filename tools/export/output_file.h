// An output file that appears only when it is complete, or standard output.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// Writes to a temporary file in the same directory, which is removed unless finish() succeeds. A
/// path that exists but is not a regular file (a device, a pipe) is written directly. Not
/// thread-safe.
class OutputFile {
 public:
  /// `-` is standard output. kIo names the file and the system's reason.
  static Result<std::unique_ptr<OutputFile>> open(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// kDiskFull, or kIo, which includes a pipe that has lost its reader.
  Status write(std::string_view data);
  /// Makes the file durable and gives it its final name.
  Status finish();

 private:
  OutputFile(std::string name, std::string temporary, int fd)
      : name_(std::move(name)), temporary_(std::move(temporary)), fd_(fd) {}

  const std::string name_;
  std::string temporary_;  // empty if there is none
  int fd_;
};

}  // namespace tocsin
