// A folder for the database of one test or trial.
#pragma once

#include <string>
#include <utility>

#include "db/base/result.h"

namespace tocsin {

/// A new folder that is removed with its contents at the end. It is in memory if there is room,
/// because durability costs time; the environment variable TMPDIR overrides that.
class TemporaryFolder {
 public:
  /// kIo if it cannot be created.
  static Result<TemporaryFolder> make();
  ~TemporaryFolder();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace tocsin
