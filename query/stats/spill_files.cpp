#include "query/stats/spill_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db/base/file.h"

namespace tocsin {
namespace {

std::string place_of(const std::string& folder) {
  return fmt::format("in {}, for query data that does not fit into memory", folder);
}

// Returns an unlinked file, or -1 with errno set.
int open_unlisted(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string path = folder + "/spill-XXXXXX";  // this file system has no O_TMPFILE
  const int linked = ::mkostemp(path.data(), O_CLOEXEC);
  if (linked >= 0) ::unlink(path.c_str());
  return linked;
}

// The part of the free space that a query may use; the rest is left for new rows.
uint64_t room_in(int file) {
  struct statvfs room {};
  if (::fstatvfs(file, &room) != 0) return UINT64_MAX;
  return uint64_t{room.f_bavail} * room.f_frsize / 2;
}

}  // namespace

SpillFiles::SpillFiles(Execution& execution) : execution_(execution), blocks_(kParts) {
  for (auto& unread : parts_unread_) unread = kPartsPerFile;
}

SpillFiles::~SpillFiles() {
  for (const File& file : files_) {
    if (file.descriptor >= 0) ::close(file.descriptor);
  }
}

Result<std::unique_ptr<SpillFiles>> SpillFiles::create(Execution& execution,
                                                       unsigned thread_count) {
  auto files = std::unique_ptr<SpillFiles>(new SpillFiles(execution));
  for (uint32_t i = 0; i < thread_count * kFilesPerThread; ++i) {
    TOCSIN_RETURN_IF_ERROR(files->open_file());
  }
  return files;
}

Status SpillFiles::open_file() {
  std::error_code ignored;
  const std::string elsewhere = std::filesystem::temp_directory_path(ignored).string();
  int error = 0;
  for (const std::string& each : {execution_.spill_folder, elsewhere}) {
    if (each.empty()) continue;
    if (where_.empty()) where_ = place_of(each);
    ::mkdir(each.c_str(), kSharedFolderMode);  // fails if it exists
    const int descriptor = open_unlisted(each);
    if (descriptor >= 0) {
      where_ = place_of(each);
      if (files_.empty()) {
        bytes_max_ = std::min(execution_.options().disk_bytes_max, room_in(descriptor));
      }
      files_.push_back({descriptor, 0});
      return {};
    }
    if (error == 0) error = errno;
  }
  return system_error("creating a file", where_, error);
}

Status SpillFiles::append(unsigned thread, uint32_t part, uint32_t row_count,
                          std::span<const std::byte> bytes) {
  if ((execution_.bytes_spilled += bytes.size()) > bytes_max_) {
    return fail(
        ErrorCode::kLimit,
        fmt::format("the query's groups need more than {} MiB on disk; use a shorter range, "
                    "filter more rows out, or group by fewer keys",
                    bytes_max_ / kMiB));
  }
  File& file = files_[file_index(thread, part)];
  TOCSIN_RETURN_IF_ERROR(write_all_at(file.descriptor, bytes, file.size, where_));
  const uint64_t offset = std::exchange(file.size, file.size + bytes.size());
  const MutexLock lock(mutex_);
  blocks_[part].push_back({offset, static_cast<uint32_t>(bytes.size()), row_count, thread});
  return {};
}

Status SpillFiles::read(uint32_t part, const SpillBlock& block,
                        std::vector<std::byte>& bytes) const {
  const int descriptor = files_[file_index(block.thread, part)].descriptor;
  bytes.resize(block.byte_count);
  TOCSIN_TRY(const size_t count, read_up_to_at(descriptor, bytes, block.offset, where_));
  if (count < bytes.size()) return system_error("reading", where_, EIO);
  return {};
}

void SpillFiles::finish_reading(uint32_t part) {
  if (--parts_unread_[part / kPartsPerFile] != 0) return;
  for (unsigned thread = 0; thread < files_.size() / kFilesPerThread; ++thread) {
    ::close(std::exchange(files_[file_index(thread, part)].descriptor, -1));
  }
}

}  // namespace tocsin
