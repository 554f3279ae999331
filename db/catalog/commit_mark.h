// The number of the last commit, stored next to the catalog in `commit.mark`:
//   u64 commit number   u32 count, count times u64 segment id   u64 checksum of the bytes before it
//
// LMDB keeps two states and opens the newest one whose meta page looks valid. If the newest page is
// damaged, it opens the older state without an error. The mark is written after each commit, so a
// catalog that is older than the mark has lost a commit. The ids are those of the segments in files
// that the commit listed; `repair` lists them again. The mark is not synced: after a power failure
// it may be older than the catalog, which is harmless.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

struct CommitMark {
  uint64_t commit_number = 0;  ///< 0 if there is no valid mark
  std::vector<uint64_t> sealed_ids;
};

CommitMark read_commit_mark(const std::string& directory);
/// Overwrites the mark. Failures are harmless and ignored.
void write_commit_mark(const std::string& directory, const CommitMark& mark);
/// kCorrupt if a catalog at `commit_number` is older than the mark. Requires: `mark` was read
/// before the catalog.
Status check_commit_mark(const std::string& directory, const CommitMark& mark,
                         uint64_t commit_number);

}  // namespace tocsin
