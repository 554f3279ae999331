// writer.lock: one writer process per database directory.
#pragma once

#include <string>

#include "db/base/result.h"

namespace tocsin {

/// Holds an exclusive flock on `writer.lock` and on the folder as long as it exists. The file names
/// the holder's pid and start time.
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
  WriterLock(int descriptor, int folder) : descriptor_(descriptor), folder_(folder) {}

  int descriptor_;
  int folder_;
};

}  // namespace tocsin
