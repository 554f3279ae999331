// Decides before an import which files it reads and how, and refuses what would go wrong silently.
#pragma once

#include <string>
#include <vector>

#include "db/base/result.h"
#include "tools/import/chunk_reader.h"

namespace tocsin {

struct ImportOptions;

struct ImportPlan {
  std::vector<PlannedFile> files;
  /// What a person should know: files that were passed over, and why; formats that are read only in
  /// part.
  std::vector<std::string> notes;
};

/// Looks at the start of every file. A directory is replaced by all files below it whose names are
/// those of logs (also rotated and compressed ones), sorted by name; the others are in the notes.
/// Errors: kNotFound names a missing argument; kInvalid if a file has a format that cannot be read,
/// a header that is not valid, or, unless options.time_now, rows but no times.
Result<ImportPlan> plan_import(const ImportOptions& options);

/// The total size of all files; 0 if one of them is not a regular file.
uint64_t total_bytes(const std::vector<PlannedFile>& files);

}  // namespace tocsin
