// A file that is there whole or not at all, or standard output.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

/// Written under another name in the same folder, which leaves no trace unless finish() succeeds.
/// What exists and is no regular file (a device, a pipe) is written as it is. Not thread-safe.
class OutputFile {
 public:
  /// `-` is standard output. kIo names the file and the system's reason.
  static Result<std::unique_ptr<OutputFile>> open(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// kDiskFull, or kIo: also when nobody reads the pipe any more.
  Status write(std::string_view data);
  /// Makes all of it durable under its own name.
  Status finish();

 private:
  OutputFile(std::string name, std::string temporary, int fd)
      : name_(std::move(name)), temporary_(std::move(temporary)), fd_(fd) {}

  const std::string name_;
  std::string temporary_;  // empty when there is none (any more)
  int fd_;
};

}  // namespace tocsin
