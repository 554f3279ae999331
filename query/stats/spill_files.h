// The files of spilled rows: blocks, divided into parts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "db/base/mutex.h"
#include "query/scan/execution.h"
#include "query/stats/spill.h"

namespace tocsin {

/// The place of a block in the files.
struct SpillBlock {
  uint64_t offset = 0;  ///< in the file for its thread and part
  uint32_t byte_count = 0;
  uint32_t row_count = 0;
  unsigned thread = 0;  ///< the writer
};

/// Unlinked files in the execution's spill folder or, if that is not writable, in the system's
/// folder for temporary files. All blocks are appended before the first is read. `execution` must
/// outlive it.
class SpillFiles {
 public:
  static constexpr uint32_t kParts = Spill::kParts;

  /// Creates the files for up to `thread_count` appending threads. Errors: kIo, kDiskFull.
  static Result<std::unique_ptr<SpillFiles>> create(Execution& execution, unsigned thread_count);
  ~SpillFiles();

  /// May be called by several threads at once, each with its own number. Errors: kLimit (too many
  /// bytes), kDiskFull, kIo.
  Status append(unsigned thread, uint32_t part, uint32_t row_count,
                std::span<const std::byte> bytes);

  /// Requires: all blocks were appended, so that nothing changes any more and no lock is needed.
  const std::vector<SpillBlock>& blocks(uint32_t part) const TOCSIN_NO_THREAD_SAFETY_ANALYSIS {
    return blocks_[part];
  }
  /// Safe from several threads.
  Status read(uint32_t part, const SpillBlock& block, std::vector<std::byte>& bytes) const;
  /// Call once for each part, after its last read: its disk space is freed as soon as the other
  /// parts of its files are finished too. Safe from several threads.
  void finish_reading(uint32_t part);

 private:
  /// A thread writes its parts to this many files. Each is closed once all of its parts were read.
  static constexpr uint32_t kFilesPerThread = 4;
  static constexpr uint32_t kPartsPerFile = kParts / kFilesPerThread;

  struct File {
    int descriptor = -1;
    uint64_t size = 0;
  };

  explicit SpillFiles(Execution& execution);
  Status open_file();
  size_t file_index(unsigned thread, uint32_t part) const {
    return thread * kFilesPerThread + part / kPartsPerFile;
  }

  Execution& execution_;
  std::string where_;                                                // for messages
  uint64_t bytes_max_ = 0;                                           // of all files
  std::vector<File> files_;                                          // see file_index
  std::array<std::atomic<uint32_t>, kFilesPerThread> parts_unread_;  // by file of each thread
  Mutex mutex_;
  std::vector<std::vector<SpillBlock>> blocks_ TOCSIN_GUARDED_BY(mutex_);  // by part
};

}  // namespace tocsin
