// Decides which file is which and what to do with it next, without I/O.
//
// A followed file is identified by its head: the hash (XXH3) of its first bytes, up to 1,024, and
// their number. A rotation changes the path, and a copy or a restored disk changes the inode, but
// the beginning of the file stays the same.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"

namespace tocsin {

inline constexpr size_t kHeadBytesMax = 1024;  ///< bytes that identify a file
inline constexpr size_t kHeadBytesMin = 64;    ///< with a shorter head the inode must match, too
inline constexpr Duration kPositionKept = 7 * kDay;  ///< after the file is gone

/// The XXH3-64 of a head.
uint64_t head_hash(std::string_view head);

/// How far a file has been read: a value of SmallTable::kSources, committed together with the rows
/// read up to there.
struct TailPosition {
  uint64_t id = 0;           ///< part of the key; unique in the database
  std::string path;          ///< where the file was first found; a rename does not change it
  std::string real_path;     ///< `path` with symbolic links resolved; empty: the same as `path`
  uint64_t device = 0;       ///< a hint, never required to match
  uint64_t inode = 0;        ///< a hint, but required to match while the head is short
  uint32_t head_size = 0;    ///< 0 to kHeadBytesMax; grows with the file
  uint64_t head_hash = 0;    ///< of the first head_size bytes
  uint64_t offset = 0;       ///< all lines below it are stored or in `rejected`
  bool skip_line = false;    ///< `offset` is inside a line that was rejected for its length
  Timestamp gone_since = 0;  ///< since when no path leads to the file; 0: one does

  bool operator==(const TailPosition&) const = default;
};

std::string position_key(uint64_t id);
inline constexpr std::string_view kPositionPrefix = "tail/";
std::string encode_position(const TailPosition& position);
/// The inverse of encode_position(); kCorrupt names the key.
Result<TailPosition> decode_position(std::string_view key, std::string_view value);

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

  /// Whether the file matched no glob but was found in the search for a missing file, as a rotated
  /// file would be. A sibling can continue a position but is never new.
  bool sibling() const { return !source; }
};

/// How a file that a scan saw relates to the stored positions.
enum class FileVerdict : uint8_t {
  kContinue,   ///< the file of a position: continue there
  kRestart,    ///< the head of a position but shorter than its offset: rewritten, read from 0
  kNew,        ///< not seen before: read from 0
  kCopy,       ///< begins like another followed file: the same events again
  kUnrelated,  ///< a sibling that continues no position
};

struct FileMatch {
  FileVerdict verdict = FileVerdict::kUnrelated;
  size_t position = 0;  ///< index, for kContinue and kRestart
};

/// Classifies each file; `out.size() == seen.size()`. Each position matches at most one file. Among
/// several files with its head it is the one with its inode, otherwise the largest. Positions of
/// present files are matched before those of files that are gone.
std::vector<FileMatch> match_files(std::span<const TailPosition> positions,
                                   std::span<const FileSeen> seen);

/// The state of a followed file between two reads.
struct FollowState {
  uint64_t offset = 0;    ///< committed
  uint64_t examined = 0;  ///< the bytes below it hold no further whole line
  uint64_t size = 0;
  bool present = true;  ///< a path leads to it
  bool moved = false;   ///< renamed or deleted since it was first found
  Duration unchanged_for = 0;
};

enum class TailStep : uint8_t {
  kWait,
  kRead,      ///< whole lines
  kReadLast,  ///< the rest is the last line, without a newline
  kForget,    ///< gone and read to its end
};

/// `settle` is how long a renamed or deleted file must be unchanged before its last line counts as
/// complete.
TailStep next_step(const FollowState& state, Duration settle);

/// Whether a rotation could have renamed a file from `original` to `name`, such as `a.log` to
/// `a.log.1` or `a-20261124.log`.
bool is_rotated_name(std::string_view original, std::string_view name);

}  // namespace tocsin
