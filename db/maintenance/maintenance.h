// Operations on a whole database: verify, repair, back up.
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
  /// Each names the segment or the catalog's entry; empty if the database is intact.
  std::vector<std::string> problems;
  /// In segment files, left by crashes: they only cost space.
  uint64_t unlisted_bytes = 0;
};

/// Reads every entry of the catalog and every value of every segment and compares all checksums. A
/// process may write meanwhile. `progress` counts bytes. Errors: kNotFound if there is no database,
/// kUnsupported for a later format. Damage is not an error but a problem in the report.
Result<VerifyReport> verify_database(const std::string& directory,
                                     const ProgressFunction& progress);

struct RepairReport {
  std::string old_catalog;  ///< the new name of the old catalog; empty if there was none
  bool was_intact = false;  ///< every entry of the old catalog could be read
  uint64_t segment_count = 0, row_count = 0;
  uint64_t hot_segment_count = 0;  ///< of these, those that only the catalog held
  uint64_t copied_count = 0;  ///< of these, copied because bytes outside of any value were damaged
  uint64_t small_entry_count = 0;     ///< positions of followed files, rule state, outbox
  std::vector<std::string> left_out;  ///< descriptions of lost data
};

/// Makes a new catalog from the segment files and from the readable part of the old one. Keeps the
/// old catalog, and files with nothing but damaged segments, under other names. `progress` counts
/// bytes of segment files. Errors: kConflict if a process writes the database, kNotFound if there
/// is none, kUnsupported for a later format, kIo. Requires: this process does not have the database
/// open and has no other threads.
Result<RepairReport> repair_database(const std::string& directory,
                                     const ProgressFunction& progress);

struct BackupReport {
  uint64_t commit_number = 0;
  uint64_t file_count = 0;
  uint64_t byte_size = 0;     ///< of the copy
  uint64_t copied_bytes = 0;  ///< without those kept from an earlier backup
};

/// Copies a database, as of one commit, into the directory `target`; a process may write meanwhile.
/// If `target` holds an earlier backup that has not been opened for writing, only new data is
/// copied, and that backup stays valid until the new one is complete. Errors: kNotFound if there is
/// no database, kConflict if `target` holds something else or is in use, kDiskFull, kIo, kCorrupt.
Result<BackupReport> backup_database(const std::string& directory, const std::string& target,
                                     const ProgressFunction& progress);
/// Called when a database is opened for writing: from then on a later backup must not overwrite it.
void forget_backup(const std::string& directory);

}  // namespace tocsin
