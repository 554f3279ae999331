#include "db/catalog/opened_paths.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/system_error.h"

namespace tocsin {

namespace {

constexpr std::string_view kCatalog = "/catalog.mdb";

// What to do about a path that leads nowhere. Requires: `file` is what it led to, open as
// `descriptor`.
std::string advice(const std::string& path, int descriptor, const struct stat& file) {
  if (file.st_nlink > 0) return "put it back";
  if (!path.ends_with(kCatalog)) return "restart this process";
  // The newest rows exist only in the deleted file.
  return fmt::format("put it back with `cp /proc/{}/fd/{} {}`, then restart this process",
                     ::getpid(), descriptor, path);
}

}  // namespace

Result<OpenedPaths> OpenedPaths::open(const std::string& directory) {
  OpenedPaths opened;
  for (const char* name : {"", kCatalog.data(), "/catalog.mdb-lock", "/writer.lock"}) {
    const std::string path = directory + name;
    // Closing a descriptor with O_PATH leaves the locks on the file alone, unlike any other.
    const int descriptor = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (descriptor < 0) return system_error("opening", path, errno);
    opened.paths_.push_back({path, descriptor, 0, 0});
    struct stat file;
    if (::fstat(descriptor, &file) != 0) return system_error("examining", path, errno);
    opened.paths_.back().device = file.st_dev;
    opened.paths_.back().inode = file.st_ino;
  }
  return opened;
}

OpenedPaths::~OpenedPaths() {
  for (const OpenedPath& opened : paths_) ::close(opened.descriptor);
}

Status OpenedPaths::check() const {
  for (const auto& [path, descriptor, device, inode] : paths_) {
    struct stat found;
    if (::stat(path.c_str(), &found) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) return system_error("examining", path, errno);
      struct stat expected;
      if (::fstat(descriptor, &expected) != 0) return system_error("examining", path, errno);
      return fail(ErrorCode::kIo, fmt::format("{} was {} while the database is open; {}", path,
                                              expected.st_nlink > 0 ? "renamed" : "deleted",
                                              advice(path, descriptor, expected)));
    }
    if (found.st_dev != device || found.st_ino != inode) {
      return fail(ErrorCode::kIo,
                  fmt::format("{} was replaced while the database is open; put the original back, "
                              "or restart this process to use the new one",
                              path));
    }
  }
  return {};
}

}  // namespace tocsin
