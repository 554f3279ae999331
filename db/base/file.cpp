#include "db/base/file.h"

#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin {
namespace {

template <class ReadSome>
Result<size_t> read_with(std::span<std::byte> bytes, std::string_view where, ReadSome read_some) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = read_some(bytes.subspan(done), done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("reading", where, errno);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

}  // namespace

void Descriptor::reset(int value) {
  if (value_ >= 0) ::close(value_);
  value_ = value;
}

Status write_all(int descriptor, std::span<const std::byte> bytes, std::string_view where) {
  return write_with(bytes, where, [&](const std::byte* data, size_t size) {
    return ::write(descriptor, data, size);
  });
}

Status write_all_at(int descriptor, std::span<const std::byte> bytes, uint64_t offset,
                    std::string_view where) {
  return write_with(bytes, where, [&](const std::byte* data, size_t size) {
    const auto at = static_cast<off_t>(offset) + (data - bytes.data());
    return ::pwrite(descriptor, data, size, at);
  });
}

Result<size_t> read_up_to(int descriptor, std::span<std::byte> bytes, std::string_view where) {
  return read_with(bytes, where, [&](std::span<std::byte> rest, size_t) {
    return ::read(descriptor, rest.data(), rest.size());
  });
}

Result<size_t> read_up_to_at(int descriptor, std::span<std::byte> bytes, uint64_t offset,
                             std::string_view where) {
  return read_with(bytes, where, [&](std::span<std::byte> rest, size_t done) {
    return ::pread(descriptor, rest.data(), rest.size(), static_cast<off_t>(offset + done));
  });
}

Result<std::vector<std::string>> make_folders(const std::string& path) {
  std::vector<std::string> made;
  std::filesystem::path folder;
  std::error_code error;
  for (const std::filesystem::path& name : std::filesystem::path(path)) {
    folder /= name;
    if (std::filesystem::is_directory(folder, error)) continue;
    if (::mkdir(folder.c_str(), kFolderMode) == 0) {
      made.push_back(folder);
    } else if (errno != EEXIST || !std::filesystem::is_directory(folder, error)) {
      const int number = errno;
      for (auto each = made.rbegin(); each != made.rend(); ++each) ::rmdir(each->c_str());
      return system_error("making the folder", folder.native(),
                          number == EEXIST ? ENOTDIR : number);
    }
  }
  return made;
}

Status sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return system_error("opening", path, errno);
  if (::fsync(directory.get()) != 0) return system_error("syncing", path, errno);
  return {};
}

}  // namespace tocsin
