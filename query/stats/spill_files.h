// The files of a spill: blocks of rows, divided into parts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "query/scan/execution.h"
#include "query/stats/spill.h"

namespace tocsin {

/// Where a block of one part is.
struct SpillBlock {
  uint64_t offset = 0;  ///< in the file of its thread and part
  uint32_t byte_count = 0;
  uint32_t row_count = 0;
  unsigned thread = 0;  ///< that wrote it
};

/// Files that no folder lists, in the execution's spill folder or, where that cannot be written to,
/// the system's for such. First all blocks are appended, then they are read. `execution` must
/// outlive it.
class SpillFiles {
 public:
  static constexpr uint32_t kParts = Spill::kParts;

  /// For up to `thread_count` threads that append. kIo, kDiskFull.
  static Result<std::unique_ptr<SpillFiles>> create(Execution& execution, unsigned thread_count);
  ~SpillFiles();

  /// Safe from several threads, each with its own number. kLimit: too many bytes; kDiskFull, kIo.
  Status append(unsigned thread, uint32_t part, uint32_t row_count,
                std::span<const std::byte> bytes);

  const std::vector<SpillBlock>& blocks(uint32_t part) const { return blocks_[part]; }
  /// Safe from several threads.
  Status read(uint32_t part, const SpillBlock& block, std::vector<std::byte>& bytes) const;
  /// Call once for each part, when it will not be read any more: what it takes on disk is given
  /// back, soon. Safe from several threads.
  void finish_reading(uint32_t part);

 private:
  /// A thread's parts are in so many files; each goes as soon as its parts have been read.
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
  std::string folder_;                                               // where the files are
  uint64_t bytes_max_ = 0;                                           // of all
  std::vector<File> files_;                                          // see file_index
  std::array<std::atomic<uint32_t>, kFilesPerThread> parts_unread_;  // by file of each thread
  std::mutex mutex_;
  std::vector<std::vector<SpillBlock>> blocks_;  // by part; guarded while blocks are appended
};

}  // namespace tocsin
