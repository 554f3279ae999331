#include "tools/export/output_file.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/file.h"

namespace tocsin {
namespace {

bool is_special(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  return sync_directory(folder);
}

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::open(const std::string& path) {
  if (path == "-") {
    return std::unique_ptr<OutputFile>(new OutputFile("standard output", "", STDOUT_FILENO));
  }
  if (is_special(path)) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return system_error("opening", path, errno);
    return std::unique_ptr<OutputFile>(new OutputFile(path, "", fd));
  }
  std::error_code missing;  // a symbolic link is kept, and its target is replaced
  const std::filesystem::path real = std::filesystem::canonical(path, missing);
  const std::string target = missing ? path : real.string();
  std::string temporary = target + ".partial-XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return system_error("creating a temporary file next to", path, errno);
  // mkostemp() made the file private: give it the mode of any other new file.
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
  return write_all(fd_, std::as_bytes(std::span(data)), name_);
}

Status OutputFile::finish() {
  if (temporary_.empty()) {
    const int fd = fd_;
    fd_ = -1;
    return close(fd) == 0 ? Status() : system_error("closing", name_, errno);
  }
  if (fsync(fd_) != 0) return system_error("syncing", name_, errno);
  if (rename(temporary_.c_str(), name_.c_str()) != 0)
    return system_error("renaming to", name_, errno);
  temporary_.clear();
  return sync_folder_of(name_);
}

}  // namespace tocsin
