#include "db/maintenance/writer_lock.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/base/time.h"

namespace tocsin {
namespace {

std::string read_holder(int descriptor) {
  char text[128];
  const ssize_t size = ::pread(descriptor, text, sizeof text, 0);
  std::string holder(text, size > 0 ? static_cast<size_t>(size) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "another process" : holder;
}

}  // namespace

Result<WriterLock> WriterLock::acquire(const std::string& directory,
                                       const std::string& started_at) {
  // The folder itself is locked too, so that deleting writer.lock does not let a second writer in.
  const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return system_error("opening", directory, errno);
  const std::string path = directory + "/writer.lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (descriptor < 0) {
    const int error = errno;
    ::close(folder);
    return system_error("opening", path, error);
  }
  WriterLock lock(descriptor, folder);
  if (::flock(folder, LOCK_EX | LOCK_NB) != 0 || ::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return system_error("locking", path, errno);
    }
    return fail(ErrorCode::kConflict,
                fmt::format("the database {} is being written by {}; stop that process, or open "
                            "the database for reading only",
                            directory, read_holder(descriptor)));
  }
  const std::string holder = fmt::format("pid {} since {}\n", ::getpid(), started_at);
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, holder.data(), holder.size(), 0) < 0) {
    // Naming the holder is a courtesy: a full disk must not prevent opening the database.
    (void)holder;
  }
  return lock;
}

Result<WriterLock> WriterLock::acquire(const std::string& directory) {
  return acquire(directory, format_time_short(SystemClock().now()));
}

WriterLock::WriterLock(WriterLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      folder_(std::exchange(other.folder_, -1)) {}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace tocsin
