// Notices that the folder, the catalog or a lock of an open database was renamed, deleted or
// replaced: a commit would then go to files that nobody finds under the database's path.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "db/base/result.h"

namespace tocsin {

/// Remembers which files the paths of a database referred to when it was opened. Keeps them open,
/// so that the system cannot reuse their inode numbers. Safe from any thread after construction.
/// check() is part of every commit, so it asks the system for nothing that cannot have changed.
class OpenedPaths {
 public:
  /// Requires: the catalog and the writer's lock of `directory` are open.
  static Result<OpenedPaths> open(const std::string& directory);
  OpenedPaths(OpenedPaths&& other) noexcept = default;
  OpenedPaths& operator=(OpenedPaths&&) = delete;
  ~OpenedPaths();

  /// kIo names the first path that no longer refers to its file.
  Status check() const;

 private:
  struct OpenedPath {
    std::string path;
    int descriptor;
    dev_t device;
    ino_t inode;
  };

  OpenedPaths() = default;

  std::vector<OpenedPath> paths_;
};

}  // namespace tocsin
