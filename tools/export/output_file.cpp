#include "tools/export/output_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin {
namespace {

tl::unexpected<Error> failed(const char* attempt, const std::string& name) {
  const int reason = errno;
  return fail(reason == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kIo,
              fmt::format("{} {}: {}", attempt, name, std::strerror(reason)));
}

bool is_special(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("opening", folder);
  const int result = fsync(fd);
  const Status status = result == 0 ? Status() : failed("syncing", folder);
  close(fd);
  return status;
}

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::open(const std::string& path) {
  if (path == "-") {
    return std::unique_ptr<OutputFile>(new OutputFile("standard output", "", STDOUT_FILENO));
  }
  if (is_special(path)) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return failed("opening", path);
    return std::unique_ptr<OutputFile>(new OutputFile(path, "", fd));
  }
  std::error_code missing;  // a link stays one, and what it leads to is replaced
  const std::filesystem::path real = std::filesystem::canonical(path, missing);
  const std::string target = missing ? path : real.string();
  std::string temporary = target + ".partial-XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return failed("making a file beside", path);
  // The one made for this process alone becomes what any other new file would be.
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
  return std::unique_ptr<OutputFile>(new OutputFile(target, std::move(temporary), fd));
}

OutputFile::~OutputFile() {
  if (fd_ >= 0 && fd_ != STDOUT_FILENO) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status OutputFile::write(std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd_, data.data(), data.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("writing to", name_);
    data.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Status OutputFile::finish() {
  if (temporary_.empty()) {
    const int fd = fd_;
    fd_ = -1;
    return close(fd) == 0 ? Status() : failed("closing", name_);
  }
  if (fsync(fd_) != 0) return failed("syncing", name_);
  if (rename(temporary_.c_str(), name_.c_str()) != 0) return failed("renaming to", name_);
  temporary_.clear();
  return sync_folder_of(name_);
}

}  // namespace tocsin
