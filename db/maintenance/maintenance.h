// What an operator does to a whole database: verify it, repair it, copy it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/options.h"

namespace tocsin {

struct VerifyReport {
  uint64_t segment_count = 0;
  uint64_t row_count = 0;
  uint64_t byte_size = 0;  ///< of the segments
  std::vector<std::string>
      problems;  ///< each names the segment or the catalog's entry; none: it is whole
  uint64_t unlisted_bytes = 0;  ///< in segment files, left by crashes: they cost space only
};

/// Reads every entry of the catalog and every value of every segment, comparing all checksums. A
/// process may write meanwhile. `progress` counts bytes. Errors: kNotFound when there is no
/// database, kUnsupported for a later format; damage is no error but a problem in the report.
Result<VerifyReport> verify_database(const std::string& directory,
                                     const ProgressFunction& progress);

struct RepairReport {
  std::string old_catalog;  ///< where the former one lies now; empty when there was none
  bool was_intact = false;  ///< every entry of it could be read
  uint64_t segment_count = 0, row_count = 0;
  uint64_t hot_segment_count = 0;  ///< of these, those that only the catalog held
  uint64_t mended_count = 0;  ///< of these, copied because a part that holds no value was damaged
  uint64_t small_entry_count = 0;     ///< positions of followed files, rule state, outbox
  std::vector<std::string> left_out;  ///< what is lost, in words
};

/// Makes a new catalog from the segment files and from what can be read of the old one, which is
/// kept beside it; so are files that only damaged segments lie in. `progress` counts bytes of
/// segment files. Errors: kConflict when a process writes the database, kNotFound when there is
/// none, kUnsupported for a later format, kIo. Requires: this process does not have it open, and
/// has no other threads.
Result<RepairReport> repair_database(const std::string& directory,
                                     const ProgressFunction& progress);

struct BackupReport {
  uint64_t commit_number = 0;
  uint64_t file_count = 0;
  uint64_t byte_size = 0;     ///< of the copy
  uint64_t copied_bytes = 0;  ///< the rest was there from an earlier backup
};

/// Copies a database into the directory `target`, as of one commit, also while a process writes it.
/// When `target` holds an earlier backup that nobody has written to, only what is new is copied;
/// that backup stays valid until the new one is complete. Errors: kNotFound when there is no
/// database, kConflict when `target` holds something else or is in use, kDiskFull, kIo, kCorrupt.
Result<BackupReport> backup_database(const std::string& directory, const std::string& target,
                                     const ProgressFunction& progress);
/// For who opens a database for writing: it is no backup any more that a next one may be written
/// over.
void forget_backup(const std::string& directory);

}  // namespace tocsin
