// Scans the disk for the tail: expands globs, reads the heads of files, and searches for missing
// files under the names that a rotation would give them.
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

/// An open regular file. It is shared by TailFiles and the background job that reads it; the last
/// of them closes the descriptor.
class OpenFile {
 public:
  /// kNotFound: there is no such file; kInvalid: it is not a regular file (opening a pipe does not
  /// block); kBusy: out of descriptors or memory; kIo: any other error.
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

/// A file that no glob finds any more. It is searched for in its folder and in that of its real
/// path.
struct MissingFile {
  std::string path;
  uint64_t inode = 0;
  std::string real_path = {};  ///< see TailPosition
};

/// scan() blocks, so it runs in the background. Not thread-safe: the loop reads the results only
/// while no scan is running.
class TailScanner {
 public:
  /// The globs of each source, absolute.
  explicit TailScanner(std::vector<std::vector<std::string>> globs) : globs_(std::move(globs)) {}

  void scan(const std::vector<MissingFile>& missing);

  /// False if the last scan ran out of descriptors or memory; files and folders are then those of
  /// the previous scan.
  bool complete() const { return complete_; }
  /// Sorted by path. A file with several paths appears once, under the first.
  const std::vector<FileSeen>& files() const { return files_; }
  /// The folders in which new files could match, to be watched.
  const std::vector<std::string>& folders() const { return folders_; }
  /// The error for each path that could not be inspected.
  const std::map<std::string, std::string>& troubles() const { return troubles_; }
  /// The globs that matched no path.
  const std::vector<std::string>& unmatched() const { return unmatched_; }
  /// Index of the first source with a glob that covers `path`, if there is one.
  std::optional<size_t> source_of(const std::string& path) const;

 private:
  void inspect(const std::string& path, std::optional<size_t> source);
  void find_siblings(const std::vector<MissingFile>& missing);
  template <class List>
  List listed(const std::string& what, Result<List> list);

  const std::vector<std::vector<std::string>> globs_;
  std::map<std::string, FileSeen> before_;  // files of the previous scan, by path
  std::vector<FileSeen> files_;
  std::vector<std::string> folders_;
  std::vector<std::string> unmatched_;
  std::map<std::string, std::string> troubles_;
  bool complete_ = true;
};

/// The folder of a path (`/` for `/a`) and its last component.
std::string folder_of(const std::string& path);
std::string file_name_of(const std::string& path);

}  // namespace tocsin
