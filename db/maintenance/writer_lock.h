// writer.lock: one writer process per database directory.
#pragma once

#include <string>

#include "db/base/result.h"

namespace tocsin {

/// Holds an exclusive flock on `writer.lock` as long as it exists. The file names the holder's pid
/// and start time.
class WriterLock {
 public:
  /// kConflict names the process that holds the lock.
  static Result<WriterLock> acquire(const std::string& directory, const std::string& started_at);

  /// As above, with the current time.
  static Result<WriterLock> acquire(const std::string& directory);

  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

 private:
  explicit WriterLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace tocsin
