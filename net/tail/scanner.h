// Scans the disk for the tail: expands globs, reads the heads of files, and searches for missing
// files under the names that a rotation would give them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "net/tail/identity.h"

namespace tocsin {

/// Compared in one scan, so that copies of long files do not delay it.
inline constexpr uint64_t kComparedBytesMax = uint64_t{64} << 20;

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

/// Two files that begin alike, to be compared further. The other one is followed.
struct Comparison {
  FileKey file_key = {};
  std::string path = {};
  FileKey other_key = {};
  std::string other_path = {};
  std::shared_ptr<OpenFile> other = {};  ///< null: opened by its path
  std::string other_head = {};           ///< the other file must still begin with it
  uint64_t other_size = 0;               ///< and must not be shorter
  uint64_t equal = 0;                    ///< this many bytes are equal; the scan raises it
  bool differs = false;                  ///< result: the bytes after them differ
  bool valid = false;                    ///< result: both are still the same files
};

/// scan() blocks, so it runs in the background. Not thread-safe: the loop reads the results only
/// while no scan is running.
class TailScanner {
 public:
  /// The globs of each source, absolute. `excluded`: by source, globs of paths that it leaves out,
  /// absolute, or of file names if they have no `/`.
  /// Tests pass `step`, which is called before each access to the disk.
  explicit TailScanner(std::vector<std::vector<std::string>> globs, std::function<void()> step = {},
                       std::vector<std::vector<std::string>> excluded = {})
      : globs_(std::move(globs)), excluded_(std::move(excluded)), step_(std::move(step)) {}

  /// Compares after everything else, at most kComparedBytesMax in all.
  void scan(const std::vector<MissingFile>& missing, std::vector<Comparison> comparisons = {});

  /// False if the last scan ran out of descriptors or memory; files and folders are then those of
  /// the previous scan.
  bool complete() const { return complete_; }
  const std::vector<Comparison>& comparisons() const { return comparisons_; }
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
  void step() const {
    if (step_) step_();
  }
  template <class List>
  List listed(const std::string& what, Result<List> list);

  bool is_excluded(const std::string& path, size_t source) const;

  const std::vector<std::vector<std::string>> globs_;
  const std::vector<std::vector<std::string>> excluded_;
  const std::function<void()> step_;
  std::map<std::string, FileSeen> before_;  // files of the previous scan, by path
  Timestamp before_began_ = 0;              // when the previous scan began
  Timestamp began_ = 0;
  std::vector<FileSeen> files_;
  std::vector<Comparison> comparisons_;
  std::vector<std::string> folders_;
  std::vector<std::string> unmatched_;
  std::map<std::string, std::string> troubles_;
  bool complete_ = true;
};

/// The folder of a path (`/` for `/a`) and its last component.
std::string folder_of(const std::string& path);
std::string file_name_of(const std::string& path);

}  // namespace tocsin
