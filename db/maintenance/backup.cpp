// Backup: LMDB's consistent copy of the catalog, then the segment files up to their listed ends.
//
// The files only grow, and the bytes that a catalog lists never change. So of a file from an
// earlier backup only the new tail is copied.
#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/file.h"
#include "db/catalog/check.h"
#include "db/catalog/commit_mark.h"
#include "db/maintenance/database_folder.h"
#include "db/maintenance/maintenance.h"
#include "db/maintenance/writer_lock.h"
#include "db/segment/scan.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBackupMark = "backup.mark";  // in directories that a backup may overwrite
constexpr int kTriesMax = 5;  // a file may be retired while it is copied; then copying starts again
constexpr size_t kCopyBytes = kMiB;

/// The segments that the catalog lists in a file.
struct FileContent {
  uint64_t end = 0;               ///< of its last segment
  std::vector<uint64_t> headers;  ///< their offsets
};

class Backup {
 public:
  Backup(const std::string& directory, const std::string& target, const ProgressFunction& progress)
      : directory_(directory), target_(target), progress_(progress) {}

  Result<BackupReport> run() {
    TOCSIN_TRY(auto source, Environment::open(directory_, Environment::Mode::kRead));
    for (int i = 0; i < kTriesMax; ++i) {
      TOCSIN_RETURN_IF_ERROR(copy_catalog(*source));
      const Status copied = copy_files();
      if (copied) return finish();
      if (copied.error().code != ErrorCode::kNotFound) return tl::unexpected<Error>(copied.error());
    }
    return fail(ErrorCode::kBusy,
                "segments were retired faster than they could be copied; try again");
  }

 private:
  std::string workshop() const { return target_ + "/backup"; }

  /// Copies to a separate directory, so that an earlier backup stays valid until this one is
  /// complete.
  Status copy_catalog(Environment& source) {
    std::error_code error;
    fs::remove_all(workshop(), error);
    TOCSIN_RETURN_IF_ERROR(make_folders(workshop()));
    TOCSIN_RETURN_IF_ERROR(source.copy_to(workshop() + "/catalog.mdb"));
    files_.clear();
    TOCSIN_TRY(auto copy, Environment::open(workshop(), Environment::Mode::kRead));
    TOCSIN_TRY(Transaction transaction, copy->begin_read());
    TOCSIN_TRY(const CatalogState state, check_catalog(transaction, {}, directory_));
    report_ = {};
    report_.commit_number = state.commit_number;
    report_.byte_size = fs::file_size(workshop() + "/catalog.mdb", error);
    report_.copied_bytes = report_.byte_size;
    return walk_all_segments(
        transaction, CatalogTable::kSealed, [&](const SegmentRecord& record, ByteView) -> Status {
          FileContent& content = files_[record.file()];
          content.end =
              std::max(content.end, segment_end(record.file_offset, record.info.byte_size));
          content.headers.push_back(record.file_offset);
          return {};
        });
  }

  Status copy_files() {
    uint64_t done = 0, total = 0;
    for (const auto& [file, content] : files_) total += content.end;
    for (const auto& [file, content] : files_) {
      TOCSIN_RETURN_IF_ERROR(copy_file(file, content));
      done += content.end;
      ++report_.file_count;
      report_.byte_size += content.end;
      if (progress_) progress_(done, total);
    }
    return {};
  }

  /// Copies the bytes that are missing. Bytes after the end were listed by the earlier backup and
  /// stay.
  Status copy_file(const FileId& file, const FileContent& content) {
    const std::string from = directory_ + "/" + file_path(file);
    const std::string to = target_ + "/" + file_path(file);
    const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (source.get() < 0) {
      if (errno == ENOENT) return fail(ErrorCode::kNotFound, from + " was retired");
      return system_error("opening", from, errno);
    }
    TOCSIN_RETURN_IF_ERROR(make_folders(fs::path(to).parent_path()));
    const Descriptor copy(::open(to.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
    struct stat there;
    if (copy.get() < 0 || ::fstat(copy.get(), &there) != 0)
      return system_error("opening", to, errno);
    uint64_t start = std::min(static_cast<uint64_t>(there.st_size), content.end);
    if (!has_same_headers(source.get(), copy.get(), content.headers, start)) start = 0;
    if (start == content.end) return {};
    TOCSIN_RETURN_IF_ERROR(copy_range(source.get(), copy.get(), start, content.end, to));
    if (::fdatasync(copy.get()) != 0) return system_error("syncing", to, errno);
    return {};
  }

  /// Whether the copy has the source's segments up to `end`. Comparing headers suffices, because
  /// each holds the checksum of its segment.
  static bool has_same_headers(int source, int copy, const std::vector<uint64_t>& headers,
                               uint64_t end) {
    std::array<char, kSegmentHeaderBytes> a, b;
    constexpr auto kSize = static_cast<ssize_t>(kSegmentHeaderBytes);
    return std::ranges::all_of(headers, [&](uint64_t offset) {
      if (offset + kSegmentHeaderBytes > end) return true;
      const auto at = static_cast<off_t>(offset);
      return ::pread(source, a.data(), a.size(), at) == kSize &&
             ::pread(copy, b.data(), b.size(), at) == kSize && a == b;
    });
  }

  Status copy_range(int source, int copy, uint64_t start, uint64_t end, const std::string& to) {
    std::vector<std::byte> buffer(kCopyBytes);
    while (start < end) {
      const size_t wanted = std::min<uint64_t>(buffer.size(), end - start);
      const std::span<std::byte> piece = std::span(buffer).first(wanted);
      TOCSIN_TRY(const size_t count, read_up_to_at(source, piece, start, "for " + to));
      if (count == 0) {
        return fail(ErrorCode::kCorrupt,
                    fmt::format("the source of {} is shorter than the catalog lists; see `tocsin "
                                "verify --db {}`",
                                to, directory_));
      }
      TOCSIN_RETURN_IF_ERROR(write_all_at(copy, piece.first(count), start, to));
      start += count;
      report_.copied_bytes += count;
    }
    return {};
  }

  /// Makes the new catalog the target's, then removes files that only the earlier one listed.
  Result<BackupReport> finish() {
    std::error_code error;
    TOCSIN_RETURN_IF_ERROR(sync_directories());
    // No mark while the catalogs are exchanged: one that is ahead of the catalog means a lost
    // commit.
    fs::remove(target_ + "/commit.mark", error);
    fs::rename(workshop() + "/catalog.mdb", target_ + "/catalog.mdb", error);
    if (error) return fail(ErrorCode::kIo, fmt::format("renaming: {}", error.message()));
    fs::remove(target_ + "/catalog.mdb-lock", error);
    fs::remove_all(workshop(), error);
    TOCSIN_RETURN_IF_ERROR(sync_directory(target_));
    write_commit_mark(target_, {report_.commit_number, {}});
    TOCSIN_TRY(const auto files, list_segment_files(target_));
    for (const ListedFile& file : files) {
      if (!files_.contains(file.file)) fs::remove(target_ + "/" + file_path(file.file), error);
    }
    return report_;
  }

  Status sync_directories() {
    std::set<std::string> directories = {target_, target_ + "/segments"};
    for (const auto& [file, content] : files_) {
      directories.insert(fs::path(target_ + "/" + file_path(file)).parent_path());
    }
    for (const std::string& path : directories) {
      std::error_code error;
      if (fs::exists(path, error)) TOCSIN_RETURN_IF_ERROR(sync_directory(path));
    }
    return {};
  }

  const std::string& directory_;
  const std::string& target_;
  const ProgressFunction& progress_;
  std::map<FileId, FileContent> files_;
  BackupReport report_;
};

/// Accepts a missing or empty directory, or an earlier backup that has not been opened for writing.
Status prepare_target(const std::string& directory, const std::string& target) {
  std::error_code error;
  if (fs::exists(target, error) && fs::equivalent(directory, target, error)) {
    return fail(ErrorCode::kConflict, "the backup cannot go into the database itself");
  }
  TOCSIN_RETURN_IF_ERROR(make_folders(target));
  const std::string mark = target + "/" + kBackupMark;
  if (fs::exists(mark, error)) return {};
  TOCSIN_TRY(const std::string other, other_entry(target, [](std::string_view) { return false; }));
  if (!other.empty()) {
    return fail(
        ErrorCode::kConflict,
        fmt::format("{} is not empty and not a backup, or a backup that was opened for writing "
                    "since; name a new or empty directory",
                    target));
  }
  const Descriptor made(::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kFileMode));
  if (made.get() < 0) return system_error("making", mark, errno);
  return {};
}

}  // namespace

Result<BackupReport> backup_database(const std::string& directory, const std::string& target,
                                     const ProgressFunction& progress) {
  std::error_code error;
  if (!fs::exists(fs::path(directory) / "catalog.mdb", error)) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no database in {}", directory));
  }
  TOCSIN_RETURN_IF_ERROR(prepare_target(directory, target));
  TOCSIN_TRY(const WriterLock lock, WriterLock::acquire(target));
  return Backup(directory, target, progress).run();
}

void forget_backup(const std::string& directory) {
  ::unlink((directory + "/" + kBackupMark).c_str());
}

}  // namespace tocsin
