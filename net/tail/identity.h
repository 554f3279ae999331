// Decides which file is which and what to do with it next, without I/O.
//
// A followed file is identified by its head: the hash (XXH3) of its first bytes, up to 1,024, and
// their number. A rotation changes the path, and a copy or a restored disk changes the inode, but
// the beginning of the file stays the same.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "net/tail/packed.h"

namespace tocsin {

inline constexpr size_t kHeadBytesMax = 1024;  ///< bytes that identify a file
inline constexpr size_t kHeadBytesMin = 64;    ///< with a shorter head the inode must match, too
inline constexpr Duration kPositionKept = 7 * kDay;  ///< after the file is gone

/// The XXH3-64 of a head.
uint64_t head_hash(std::string_view head);

/// What the offset of a position is within its line. The values are stored.
enum class LineState : uint8_t {
  kStart = 0,  ///< the start of a line
  kSkip = 1,   ///< inside a line that was rejected for its length
  kTaken = 2,  ///< after a line that was taken without its newline: it may go on
};

/// How far a file has been read: a value of SmallTable::kSources, committed together with the rows
/// read up to there.
struct TailPosition {
  uint64_t id = 0;         ///< part of the key; unique in the database
  std::string path;        ///< where the file was first found; a rename does not change it
  std::string real_path;   ///< `path` with symbolic links resolved; empty: the same as `path`
  uint64_t device = 0;     ///< a hint, never required to match
  uint64_t inode = 0;      ///< a hint, but required to match while the head is short
  uint32_t head_size = 0;  ///< 0 to kHeadBytesMax; grows with the file
  uint64_t head_hash = 0;  ///< of the first head_size bytes
  uint64_t offset = 0;     ///< all lines below it are stored or in `rejected`
  LineState line = LineState::kStart;
  Timestamp gone_since = 0;  ///< since when no path leads to the file; 0: one does

  bool operator==(const TailPosition&) const = default;
};

std::string position_key(uint64_t id);
inline constexpr std::string_view kPositionPrefix = "tail/";
std::string encode_position(const TailPosition& position);
/// The inverse of encode_position(); kCorrupt names the key.
Result<TailPosition> decode_position(std::string_view key, std::string_view value);

/// What the system calls a file; another file may get the same key once this one is deleted.
struct FileKey {
  uint64_t device = 0;
  uint64_t inode = 0;

  auto operator<=>(const FileKey&) const = default;
};

/// A regular file as a scan saw it.
struct FileSeen {
  std::string path;
  std::optional<size_t> source;  ///< index of the tail source whose glob it matched
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t changed_at = 0;  ///< modification time, ns
  std::string head;        ///< the first min(size, kHeadBytesMax) bytes
  std::string real_path;   ///< `path` with symbolic links resolved; empty: the same as `path`
  std::optional<PackedContent> packed = {};  ///< of a compressed file, which is not followed

  /// Whether the file matched no glob but was found in the search for a missing file, as a rotated
  /// file would be. A sibling can continue a position but is never new.
  bool sibling() const { return !source; }
  FileKey key() const { return {device, inode}; }
};

/// A stored position, and how a scan may find its file.
struct KnownFile {
  TailPosition position;
  bool by_head = true;  ///< it may be any file with this head; otherwise only that with the inode
};

/// For each file, the index of the position that continues in it: the file begins with the
/// position's head and is not shorter than its offset. `out.size() == seen.size()`. Each position
/// continues in at most one file. Among several files it is the one with its inode, otherwise the
/// one at its path, otherwise the largest. Positions of present files are matched before those of
/// files that are gone.
std::vector<std::optional<size_t>> match_files(std::span<const KnownFile> known,
                                               std::span<const FileSeen> seen);

/// Whether two files begin with the same bytes: one head is the beginning of the other. An empty
/// file is like no other.
bool heads_alike(std::string_view a, std::string_view b);

/// Where the first read of a file begins.
struct ReadStart {
  uint64_t offset = 0;  ///< UINT64_MAX: at the file's end
  bool exact = false;   ///< false: at the start of the line that contains it
};

/// The state of a followed file between two reads.
struct FollowState {
  uint64_t offset = 0;    ///< committed
  uint64_t examined = 0;  ///< the bytes below it hold no further whole line
  uint64_t size = 0;
  bool present = true;  ///< a path leads to it
  bool moved = false;   ///< renamed or deleted since it was first found
  Duration unchanged_for = 0;
  Duration last_line_wait = 0;  ///< of a file that has not moved; 0: its last line always waits
};

enum class TailStep : uint8_t {
  kWait,
  kRead,      ///< whole lines
  kReadLast,  ///< the rest is the last line, although it has no newline
  kForget,    ///< gone and read to its end
};

/// `settle` is how long a renamed or deleted file must be unchanged before its last line counts as
/// complete.
TailStep next_step(const FollowState& state, Duration settle);

/// Whether a rotation could have renamed a file from `original` to `name`, such as `a.log` to
/// `a.log.1` or `a-20261124.log`.
bool is_rotated_name(std::string_view original, std::string_view name);
/// The same for paths: the folder must be the same.
bool is_rotated_path(std::string_view original, std::string_view path);
/// Whether it must be a rotation that made the path: it differs only by a number or a date, and by
/// the ending of a compressed file.
bool is_numbered_path(std::string_view original, std::string_view path);
/// Whether the file may be a rotated one of the position's path, or of that path's target.
bool is_rotated_file(const TailPosition& original, const FileSeen& file);
/// Whether the file begins with the position's head.
bool has_head(std::string_view head, const TailPosition& position);

}  // namespace tocsin
