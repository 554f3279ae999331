// Files of sealed segments: their names, the header in front of each segment, appending, mapping.
//
// A segment starts at a multiple of 4 KiB with a header of 512 bytes (little-endian), so that a
// catalog can be rebuilt from the files alone; its FlatBuffer follows at once:
//   u8[8] magic "TOCSINSG"     u32 header format (1)       u32 segment format
//   u32 measurement id         u32 row count               i64 partition (day)
//   u64 segment id             u64 commit number           i64 min time    i64 max time
//   u64 body size              u64 body checksum           u32 metadata size   u32 0
//   u64 metadata checksum      u32 name size, name         zeros up to byte 504
//   u64 checksum of bytes 0 to 503
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "db/base/result.h"
#include "db/encoding/bytes.h"
#include "db/schema/schema.h"
#include "db/segment/encoded_segment.h"
#include "db/segment/fault_guard.h"
#include "db/segment/segment.h"

namespace tocsin {

inline constexpr size_t kSegmentHeaderBytes = 512;
inline constexpr size_t kSegmentFileAlignment = 4096;

/// Which file: its number is unique in the database and never used again.
struct FileId {
  MeasurementId measurement = 0;
  int64_t partition = 0;
  uint64_t number = 0;

  auto operator<=>(const FileId&) const = default;
};

/// `2026-11-24`, also for days that a Timestamp cannot hold.
std::string format_day(int64_t partition);
/// `segments/7/2026-11-24.000003.seg`, relative to the database directory.
std::string file_path(const FileId& file);
/// Where a segment with `body_size` bytes behind its header at `offset` ends.
inline uint64_t segment_end(uint64_t offset, uint64_t body_size) {
  return offset + kSegmentHeaderBytes + body_size;
}

/// Makes names in a directory durable.
Status sync_directory(const std::string& path);

/// A header as it stands in a file.
struct SegmentHeader {
  SegmentInfo info;  ///< name, id, times ...; byte_size is that of the body
  std::string measurement;
  uint64_t body_checksum = 0;
  uint32_t metadata_size = 0;
  uint64_t metadata_checksum = 0;
};
/// Nothing when the bytes are no whole header of this version.
std::optional<SegmentHeader> parse_header(ByteView bytes);

/// The descriptor of a file being appended to. Not thread-safe.
class SegmentFileWriter {
 public:
  /// Creates the file and its directories. kConflict when there is one of that name.
  static Result<SegmentFileWriter> create(const std::string& directory, const FileId& file);
  /// Opens a file to go on at `end`. kConflict when it is longer or shorter: it must be left alone.
  static Result<SegmentFileWriter> append_to(const std::string& directory, const FileId& file,
                                             uint64_t end);
  SegmentFileWriter(SegmentFileWriter&& other) noexcept;
  SegmentFileWriter& operator=(SegmentFileWriter&&) = delete;
  ~SegmentFileWriter();

  const FileId& file() const& { return file_; }
  const FileId& file() const&& = delete;
  uint64_t end() const { return end_; }

  /// Writes header and body at the next multiple of 4 KiB; returns where the header lies.
  /// After any error the file must not be written again.
  Result<uint64_t> append(const SegmentInfo& info, const std::string& measurement,
                          const EncodedSegment& segment);
  /// fdatasync, and fsync of the directories of a new file. Never repeated after an error.
  Status sync();

 private:
  SegmentFileWriter(std::string directory, const FileId& file, int descriptor, uint64_t end,
                    bool is_new)
      : directory_(std::move(directory)),
        file_(file),
        descriptor_(descriptor),
        end_(end),
        is_new_(is_new) {}

  std::string directory_;
  FileId file_;
  int descriptor_;
  uint64_t end_;
  bool is_new_;
};

/// Has the system begin to load mapped bytes from disk, without waiting for them. Only a hint.
void load_ahead(ByteView mapped);

/// A file mapped for reading, up to its size when it was mapped.
class FileMapping {
 public:
  /// kNotFound when there is no such file; kCorrupt when it is shorter than `size_min`.
  static Result<std::shared_ptr<const FileMapping>> open(const std::string& path,
                                                         uint64_t size_min);
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  /// From now on the system loads the pages that are touched, and what load_ahead() names. Without
  /// this it loads what lies around them as well, megabytes on some devices: good for one who reads
  /// all of the file.
  void load_only_what_is_touched() const;

  ByteView bytes() const { return mapped_.bytes; }
  /// Whether a fault was met in it (see fault_guard.h): its bytes cannot be relied on any more.
  bool is_damaged() const { return guard_.is_damaged(); }

 private:
  struct Mapped {
    ~Mapped();
    const ByteView bytes;
  };
  explicit FileMapping(ByteView bytes) : mapped_{bytes}, guard_(bytes) {}

  const Mapped mapped_;
  const GuardedRange guard_;  // gone before the range is unmapped and may become another's
};

}  // namespace tocsin
