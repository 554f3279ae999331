// The folder of a database that is opened for writing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

/// Checks and makes the folder. Its destructor removes what was made, unless keep() was called: a
/// database that could not be opened leaves nothing behind.
class DatabaseFolder {
 public:
  /// kConflict: the folder has other content and no database; kNotFound: it does not exist and
  /// `create` is false; kCorrupt: it holds a database that lost its catalog, and the message says
  /// how to repair it; kIo: it cannot be made or read.
  static Result<DatabaseFolder> prepare(const std::string& directory, bool create);
  DatabaseFolder(DatabaseFolder&& other) noexcept;
  ~DatabaseFolder();

  /// From now on this process is the only writer, so that the destructor also removes files. The
  /// lock must outlive this object.
  void note_locked();
  void keep() { kept_ = true; }

 private:
  explicit DatabaseFolder(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;
  std::vector<std::string> made_;  // folders, the outermost first
  bool is_new_ = false;            // holds no database yet
  bool locked_ = false;
  bool kept_ = false;
};

/// The name of an entry of the directory that is not expected; empty if there is none. Dot files,
/// and the lost+found of a new file system, are always expected. kIo: the directory is unreadable.
Result<std::string> other_entry(const std::string& directory,
                                const std::function<bool(std::string_view)>& is_expected);

/// For a directory with no catalog, or an empty one: distinguishes a new database from one that
/// lost its catalog. The kCorrupt message says how to repair it.
Status check_is_new(const std::string& directory);

/// Logs one warning if users outside the group can open files of the database: an earlier version
/// made files that everyone may read, and files are left as they are.
void warn_about_open_files(const std::string& directory);

}  // namespace tocsin
