// Looks at the disk for the tail: expands globs, reads heads, finds what a rotation made of a
// missing file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "net/tail/identity.h"

namespace tocsin {

/// An open regular file. Shared by its follower and by the background job that reads it at the
/// moment; the descriptor is closed with the last of them.
class OpenFile {
 public:
  /// kNotFound when there is none; kInvalid when it is no regular file (a pipe is not waited for);
  /// kBusy when no descriptor or memory is free; kIo.
  static Result<std::shared_ptr<OpenFile>> open(const std::string& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  struct Facts {
    uint64_t device = 0;
    uint64_t inode = 0;
    uint64_t size = 0;
    int64_t changed_at = 0;  ///< modification time, ns
  };
  Result<Facts> facts() const;
  /// Up to `size` bytes at `offset`; fewer only at the file's end.
  Result<std::string> read(uint64_t offset, size_t size) const;

 private:
  OpenFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;  // for messages
};

/// A file that no glob leads to any more, to be looked for in its folder, and in that of its real
/// path.
struct MissingFile {
  std::string path;
  uint64_t inode = 0;
  std::string real_path = {};  ///< where symbolic links led; empty: `path` itself
};

/// Blocking, so it runs in the background: one job at a time uses it, and the loop reads its
/// results only while none does.
class TailScanner {
 public:
  /// The globs of each source, absolute.
  explicit TailScanner(std::vector<std::vector<std::string>> globs) : globs_(std::move(globs)) {}

  void scan(const std::vector<MissingFile>& missing);

  /// False when the last scan lacked descriptors or memory: files and folders are those of the scan
  /// before it, and tell nothing new.
  bool complete() const { return complete_; }
  /// By path. A file with several paths appears once, under the first.
  const std::vector<FileSeen>& files() const { return files_; }
  /// Folders in which a new file could match, for watches.
  const std::vector<std::string>& folders() const { return folders_; }
  /// Why a path that matched could not be looked at, by path.
  const std::map<std::string, std::string>& troubles() const { return troubles_; }
  /// Globs to which no path led.
  const std::vector<std::string>& unmatched() const { return unmatched_; }
  /// Index of the source that follows `path`; none when no glob covers it.
  std::optional<size_t> source_of(const std::string& path) const;

 private:
  void inspect(const std::string& path, std::optional<size_t> source);
  void find_siblings(const std::vector<MissingFile>& missing);
  template <class List>
  List listed(const std::string& what, Result<List> list);

  const std::vector<std::vector<std::string>> globs_;
  std::map<std::string, FileSeen> before_;  // heads of the scan before, by path
  std::vector<FileSeen> files_;
  std::vector<std::string> folders_;
  std::vector<std::string> unmatched_;
  std::map<std::string, std::string> troubles_;
  bool complete_ = true;
};

/// The folder of a path (`/` for `/a`), and its last part.
std::string folder_of(const std::string& path);
std::string file_name_of(const std::string& path);

}  // namespace tocsin
