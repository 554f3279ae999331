// Holds back new files that begin like a followed file until it is decided what they are: other
// files, or copies, whose lines are stored already. It does no I/O and has no clock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "net/tail/identity.h"
#include "net/tail/scanner.h"

namespace tocsin {

/// A followed file that begins like a new one, which may be a copy of it.
struct Original {
  enum class State : uint8_t {
    kReadable,  ///< its bytes can be compared
    kMissing,   ///< it is still being searched for
    kGone,      ///< the search for it just ended; nothing continues it
  };
  uint64_t id = 0;
  FileKey key;
  std::string path;
  std::shared_ptr<OpenFile> file;  ///< null: opened by its path
  std::string head;
  uint64_t size = 0;
  uint64_t offset = 0;  ///< how far it was read
  State state = State::kReadable;
  bool busy = false;       ///< being read, so its position must not move
  bool successor = false;  ///< the new file is at the path where this one was before
  bool copied = false;     ///< with kGone: it was truncated, or the new file has a rotated name
};

class HeldFiles {
 public:
  struct Decision {
    enum class Kind : uint8_t {
      kHold,  ///< not decided
      kNew,   ///< read it from `start`
      kMove,  ///< `original` continues in it
    };
    Kind kind = Kind::kHold;
    uint64_t original = 0;  ///< id, with kMove
    ReadStart start = {};   ///< with kNew
    bool at_start = false;  ///< with kNew: it was held back before the start had ended
    bool new_copy = false;  ///< with kHold: it counts as a copy from now on
  };

  /// Call for each file that was seen and may be new, with the source that reads it. `originals`
  /// are the followed files that begin like it. `copy_wait` is how long a file may be equal to
  /// another before it counts as a copy.
  Decision decide(const FileSeen& file, size_t source, std::span<const Original> originals,
                  Duration copy_wait, bool starting, Duration now);
  bool holds(const FileKey& key) const { return held_.contains(key); }
  /// The source of a file that is held back.
  std::optional<size_t> source_of(const FileKey& key) const;
  /// The file is followed now.
  void release(const FileKey& key) { held_.erase(key); }

  struct Lost {
    std::string path;
    uint64_t bytes = 0;          ///< 0: their number is not known
    std::string packed_in = {};  ///< the compressed file that holds them, if there is one
  };
  /// Call at the end of a scan. Returns what was lost with files that disappeared before they were
  /// decided. A file that was not seen is searched for once.
  std::vector<Lost> end_scan();
  /// The files that the next scan should search for.
  std::vector<MissingFile> missing() const;

  /// What the next scan should compare.
  std::vector<Comparison> comparisons() const;
  void add_results(std::span<const Comparison> results);

 private:
  struct Pair {
    uint64_t equal = 0;    // bytes known to be equal
    bool differs = false;  // the next byte differs
  };
  struct Held {
    std::string path;
    size_t source = 0;
    std::string head;
    uint64_t size = 0;
    uint64_t beyond = 0;  // bytes that no other file is known to have
    bool copy = false;    // it counts as a copy
    Duration since = 0;
    bool at_start = false;
    bool seen = false;
    bool search = false;
    std::map<FileKey, Pair> pairs;
    std::vector<Comparison> wanted;
  };
  std::map<FileKey, Held> held_;
  std::vector<Lost> lost_;  // since the last end_scan()
};

}  // namespace tocsin
