// Files of sealed segments: their names, the header before each segment, appending, mapping.
//
// A segment starts at a multiple of 4 KiB with a header of 512 bytes (little-endian), so that a
// catalog can be rebuilt from the files alone. The segment's FlatBuffer follows the header:
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
#include <set>
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

/// Identifies a file. Its number is unique in the database and never reused.
struct FileId {
  MeasurementId measurement = 0;
  int64_t partition = 0;
  uint64_t number = 0;

  auto operator<=>(const FileId&) const = default;
};

/// `2026-11-24`; also for days outside the range of Timestamp.
std::string format_day(int64_t partition);
/// `segments/7/2026-11-24.000003.seg`, relative to the database directory.
std::string file_path(const FileId& file);
/// The end of a segment with its header at `offset` and a body of `body_size` bytes.
inline uint64_t segment_end(uint64_t offset, uint64_t body_size) {
  return offset + kSegmentHeaderBytes + body_size;
}

/// Ends the message of a kDiskFull error of the store.
inline constexpr const char* kDiskFullAdvice = "; make room, writing resumes by itself";

/// A segment's header in a file.
struct SegmentHeader {
  SegmentInfo info;  ///< name, id, times ...; byte_size is that of the body
  std::string measurement;
  uint64_t body_checksum = 0;
  uint32_t metadata_size = 0;
  uint64_t metadata_checksum = 0;
};
/// Returns nothing if the bytes are not a valid header of this version.
std::optional<SegmentHeader> parse_header(ByteView bytes);

/// Appends segments to a file. Not thread-safe.
class SegmentFileWriter {
 public:
  /// Creates the file and its directories. kConflict if the file exists.
  static Result<SegmentFileWriter> create(const std::string& directory, const FileId& file);
  /// Opens a file to append at `end`. kConflict if that is not its size: then the file must not be
  /// written.
  static Result<SegmentFileWriter> append_to(const std::string& directory, const FileId& file,
                                             uint64_t end);
  SegmentFileWriter(SegmentFileWriter&& other) noexcept;
  SegmentFileWriter& operator=(SegmentFileWriter&&) = delete;
  ~SegmentFileWriter();

  const FileId& file() const& { return file_; }
  const FileId& file() const&& = delete;
  uint64_t end() const { return end_; }

  /// Writes header and body at the next multiple of 4 KiB; returns the offset of the header.
  /// After any error the file must not be written again.
  Result<uint64_t> append(const SegmentInfo& info, const std::string& measurement,
                          const EncodedSegment& segment);
  /// fdatasync; a new file also needs sync_file_names(). Never repeated after an error.
  Status sync();
  /// syncfs: makes all files and names durable that were written on this file system since this
  /// file was opened. Never repeated after an error.
  Status sync_file_system();

 private:
  SegmentFileWriter(std::string directory, const FileId& file, int descriptor, uint64_t end)
      : directory_(std::move(directory)), file_(file), descriptor_(descriptor), end_(end) {}

  std::string directory_;
  FileId file_;
  int descriptor_;
  uint64_t end_;
};

/// fsync of the directories with the files of these measurements, so that the names of new files
/// are durable.
Status sync_file_names(const std::string& directory, const std::set<MeasurementId>& measurements);

/// Has the system start to load mapped bytes from disk, without waiting for them. Only a hint.
void load_ahead(ByteView mapped);

/// A file mapped for reading, at the size it had when it was mapped.
class FileMapping {
 public:
  /// kNotFound if there is no such file; kCorrupt if it is shorter than `size_min`.
  static Result<std::shared_ptr<const FileMapping>> open(const std::string& path,
                                                         uint64_t size_min);
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  /// Makes the system load only pages that are touched or named by load_ahead(). By default it also
  /// loads the pages around them, megabytes on some devices, which suits only callers that read the
  /// whole file.
  void load_only_what_is_touched() const;

  ByteView bytes() const { return mapped_.bytes; }
  /// Whether a fault occurred in it (see fault_guard.h): then its bytes are no longer reliable.
  bool is_damaged() const { return guard_.is_damaged(); }

 private:
  struct Mapped {
    ~Mapped();
    const ByteView bytes;
  };
  explicit FileMapping(ByteView bytes) : mapped_{bytes}, guard_(bytes) {}

  const Mapped mapped_;
  const GuardedRange guard_;  // destroyed before mapped_: the range may be reused once unmapped
};

}  // namespace tocsin
