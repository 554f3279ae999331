// Which file is which, and what to do with it next: the decisions of the tail, without any I/O.
//
// A followed file is known by its head: the number and the XXH3 of its first bytes, up to 1,024.
// Its path changes when it is rotated, its inode when it is copied or the disk is restored; its
// beginning stays.
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

inline constexpr size_t kHeadBytesMax = 1024;  ///< a longer head tells no more files apart
inline constexpr size_t kHeadBytesMin = 64;    ///< a shorter head is no proof: the inode counts too
inline constexpr Duration kPositionKept = 7 * kDay;  ///< of a file that is gone

/// XXH3-64 of a head.
uint64_t head_hash(std::string_view head);

/// How far a file has been read: a value of SmallTable::kSources, committed with the rows it stands
/// for.
struct TailPosition {
  uint64_t id = 0;           ///< its key; unique in the database
  std::string path;          ///< where it was first found; a rename does not change it
  std::string real_path;     ///< where that led through symbolic links; empty: nowhere else
  uint64_t device = 0;       ///< a hint, never required
  uint64_t inode = 0;        ///< a hint, but required while the head is short
  uint32_t head_size = 0;    ///< 0 to kHeadBytesMax; grows with the file
  uint64_t head_hash = 0;    ///< of the first head_size bytes
  uint64_t offset = 0;       ///< bytes below it are in the store, or in `rejected`
  bool skip_line = false;    ///< `offset` lies in a line that was rejected for its length
  Timestamp gone_since = 0;  ///< when no path led to it any more; 0: it is there

  bool operator==(const TailPosition&) const = default;
};

std::string position_key(uint64_t id);
inline constexpr std::string_view kPositionPrefix = "tail/";
std::string encode_position(const TailPosition& position);
/// The opposite; kCorrupt names the key.
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
  std::string real_path;   ///< where symbolic links lead; empty: `path` itself

  /// It matched no glob: it was found beside a file that is missing, as a rotated file would be. It
  /// can continue a position but never be new.
  bool sibling() const { return !source; }
};

/// What a file that was seen is.
enum class FileVerdict : uint8_t {
  kContinue,   ///< the file of that position: go on there
  kRestart,    ///< that file's head, but shorter than its position: written anew, read it from 0
  kNew,        ///< never seen: a position of its own, from 0
  kCopy,       ///< begins like another file that is followed: the same events once more
  kUnrelated,  ///< a sibling that continues nothing
};

struct FileMatch {
  FileVerdict verdict = FileVerdict::kUnrelated;
  size_t position = 0;  ///< index, of kContinue and kRestart
};

/// Tells for each file seen what it is; `out.size() == seen.size()`. A position is given to one
/// file at most. Among several with its head: the one with its inode, else the largest. Positions
/// of files that were there until now choose before those of files that are gone.
std::vector<FileMatch> match_files(std::span<const TailPosition> positions,
                                   std::span<const FileSeen> seen);

/// What is known of a followed file between two reads.
struct FollowState {
  uint64_t offset = 0;    ///< committed
  uint64_t examined = 0;  ///< no whole line is left below it
  uint64_t size = 0;
  bool present = true;  ///< some path leads to it
  bool moved = false;   ///< it was renamed or deleted since it was first found
  Duration unchanged_for = 0;
};

enum class TailStep : uint8_t {
  kWait,
  kRead,      ///< whole lines
  kReadLast,  ///< what is left is the last line, without a newline
  kForget,    ///< read to its end and gone
};

/// `settle` is how long a renamed or deleted file must be unchanged until its last line counts as
/// whole.
TailStep next_step(const FollowState& state, Duration settle);

/// Whether `name` could be what a rotation made of a file called `original`: `a.log.1`,
/// `a-20261124.log`.
bool is_rotated_name(std::string_view original, std::string_view name);

}  // namespace tocsin
