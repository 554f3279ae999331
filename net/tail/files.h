// The state of the followed files: applies the results of scans, decides which files to read next,
// and finds stored positions that are out of date. It does no I/O and has no clock.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "db/database.h"
#include "net/parse/input_format.h"
#include "net/tail/held.h"
#include "net/tail/identity.h"
#include "net/tail/scanner.h"

namespace tocsin {

/// How long the bytes after the last newline must be unchanged to count as a line, unless a setting
/// says so: a writer with a buffer pauses in the middle of a line.
inline constexpr Duration kLastObjectWait = 5 * kSecond;  ///< if they are a JSON object
inline constexpr Duration kLastLineWait = 5 * kMinute;    ///< otherwise

/// Files kept open, so that a renamed or deleted file can be read to its end.
inline constexpr size_t kTailOpenFilesMax = 128;

/// A file with a position, whether or not a path currently leads to it.
struct FollowedFile {
  TailPosition position;           ///< as committed, or the initial position of a new file
  bool stored = false;             ///< the position is in the database
  std::optional<size_t> source;    ///< none: no glob covers it, so it is not read
  std::string path;                ///< current path; empty if there is none
  bool sibling = false;            ///< found next to a missing file, not by a glob
  std::shared_ptr<OpenFile> file;  ///< shared with the job that reads it
  std::shared_ptr<const FormatGuess> guess;  ///< by the reader; null until it is certain
  std::list<uint64_t>::iterator open_order;  ///< valid while `file` is set

  std::string head;  ///< the longest one that was seen; empty: only its hash is known
  uint64_t size = 0;
  uint64_t known_size = 0;  ///< the largest size that was seen; lines up to it exist somewhere
  int64_t changed_at = 0;
  Duration still_since = 0;    ///< when size or changed_at last changed
  uint64_t examined = 0;       ///< see FollowState
  bool complete_rest = false;  ///< the bytes after the last newline are a JSON object
  /// When an open quote began to hold lines back, or an open event last got a line; 0: none is.
  Duration held_back_since = 0;
  bool open_event = false;                ///< `held_back_since` is that of an event
  bool in_flight = false;                 ///< being read, or waiting for its commit
  std::optional<ReadStart> start;         ///< the next read only moves the position there
  bool search = false;                    ///< the next scan searches for its siblings
  bool searched = false;                  ///< the search found nothing
  std::string packed_in = {};             ///< a compressed file that holds its content
  bool truncated = false;                 ///< without a path: the file itself is another one now
  std::optional<uint64_t> size_at_start;  ///< reset once it has been read that far
  bool live = false;  ///< all of it has been read: what follows is read when it is written

  FileKey key() const { return {position.device, position.inode}; }
  bool orphan() const { return path.empty() && file != nullptr; }
};

class TailFiles {
 public:
  struct Settings {
    std::vector<bool> from_end;  ///< by source: files that exist at start are read from their end
    std::vector<Duration> copy_wait;                      ///< by source: see TailOptions
    std::vector<std::optional<Duration>> last_line_wait;  ///< by source: see TailOptions
    std::vector<Duration> event_wait = {};                ///< by source: see TailOptions
    Duration settle = 5 * kSecond;
    Duration open_quote_max = 5 * kSecond;
  };
  explicit TailFiles(Settings settings) : settings_(std::move(settings)) {}

  /// Adds a stored position. `source` is the source whose glob covers its path, if there is one.
  void add_stored(TailPosition position, std::optional<size_t> source);

  /// The missing files that the next scan should search for.
  std::vector<MissingFile> missing() const;

  /// The files that the next scan should compare.
  std::vector<Comparison> comparisons() const { return held_.comparisons(); }

  struct ScanEffect {
    std::vector<std::string> copies;    ///< newly recognised copies; each path is returned once
    std::vector<HeldFiles::Lost> lost;  ///< what was written but can no longer be read
    std::vector<std::string> packed;    ///< compressed files that a glob covers; they are not read
    bool search = false;                ///< files are missing, so another scan is needed at once
    bool soon = false;                  ///< another scan is needed soon, to compare files
  };
  /// Call before a scan reads the disk. apply_scan() compares the results with the positions of
  /// this moment: a file that is read further during the scan would otherwise seem to have shrunk.
  void begin_scan();
  /// Call when no read is running: its result may show that a new file is a copy.
  ScanEffect apply_scan(std::span<const FileSeen> seen, Duration now,
                        std::span<const Comparison> compared = {});

  /// Marks the files known now as those that caught_up() waits for. Call once, after the first
  /// scans.
  void mark_start();
  bool caught_up() const { return started_ && behind_ == 0; }
  bool started() const { return started_; }

  /// Ids of the files to read, oldest first.
  std::vector<uint64_t> to_read(Duration now) const;
  TailStep step_of(const FollowedFile& file, Duration now) const;
  /// Whether the file's open quote has held lines back for longer than open_quote_max, or its open
  /// event has got no line for event_wait.
  bool quote_overdue(const FollowedFile& file, Duration now) const;

  /// Records what a read saw of the file. Call when the read ends, before its commit: if the file
  /// is copied and truncated meanwhile, this shows that the copy is the same file.
  void saw(uint64_t id, const std::string& head, uint64_t size);

  // Results of a read. Each ends `in_flight`.
  void committed(uint64_t id, const TailPosition& position, uint64_t size, Duration now);
  struct Rest {
    uint64_t size = 0;        ///< of the file
    bool held_back = false;   ///< an open quote may be holding lines back
    bool complete = false;    ///< the bytes after the last newline are a JSON object
    bool open_event = false;  ///< whole lines wait for the rest of their event
  };
  void nothing_whole(uint64_t id, const Rest& rest, Duration now);
  void changed(uint64_t id);  ///< it is not the same file any more
  void failed(uint64_t id);   ///< retried after the next scan
  void put_off(uint64_t id);  ///< the store was busy

  /// Keeps the file open; closes the least recently used file if too many are open.
  void keep_open(uint64_t id, std::shared_ptr<OpenFile> file);

  /// Changes to stored positions that are due: for files that are gone, came back, or have been
  /// gone for kPositionKept. Call forget_outdated() once they are submitted.
  std::vector<SmallChange> outdated(Timestamp now) const;
  void forget_outdated(Timestamp now);

  FollowedFile& at(uint64_t id);
  const std::map<uint64_t, FollowedFile>& all() const { return files_; }

 private:
  class Scan;
  class HeadIndex;
  Duration last_line_wait(const FollowedFile& file) const;
  enum class Upkeep { kNone, kGone, kBack, kRemove };
  using Heads = std::set<std::pair<uint32_t, uint64_t>>;
  Upkeep upkeep_of(const FollowedFile& file, const Heads& present, Timestamp now) const;
  Heads heads_present() const;
  void mark_found(FollowedFile& file, const FileSeen& seen, Duration now);
  uint64_t add_new(const FileSeen& seen, size_t source, Duration now);
  void learn_head(FollowedFile& file, const std::string& head);
  void forget_head(FollowedFile& file);
  void touch(FollowedFile& file, uint64_t size, int64_t changed_at, Duration now);
  void close(FollowedFile& file);
  void check_start(FollowedFile& file, bool give_up = false);

  const Settings settings_;
  std::map<uint64_t, FollowedFile> files_;  // by id
  std::map<uint64_t, TailPosition> known_;  // by id, at begin_scan()
  HeldFiles held_;                          // never in files_
  std::set<FileKey> reported_packed_;       // compressed files that need no report
  std::list<uint64_t> open_order_;          // ids of open files, least recently used first
  uint64_t next_id_ = 1;
  bool started_ = false;
  size_t behind_ = 0;  // files with size_at_start
};

}  // namespace tocsin
