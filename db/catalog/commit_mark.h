// The number of the last commit, beside the catalog, in `commit.mark`:
//   u64 commit number   u32 count, count times u64 segment id   u64 checksum of what stands before
//
// LMDB keeps two states and opens the newer one whose page looks whole; a damaged page thus opens
// an older state without a word. The mark is written after each commit, so a catalog that is older
// than the mark has lost one. The ids are of the segments in files that the commit listed: `repair`
// lists them again. It is not synced: after a power failure it may itself be older, which is fine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

struct CommitMark {
  uint64_t commit_number = 0;  ///< 0: there is no mark, or it is damaged itself
  std::vector<uint64_t> sealed_ids;
};

CommitMark read_commit_mark(const std::string& directory);
/// Overwrites it; failures are harmless and ignored.
void write_commit_mark(const std::string& directory, const CommitMark& mark);
/// Checks a catalog at `commit_number` against the mark that was read before the catalog was:
/// kCorrupt when the catalog is older.
Status check_commit_mark(const std::string& directory, const CommitMark& mark,
                         uint64_t commit_number);

}  // namespace tocsin
