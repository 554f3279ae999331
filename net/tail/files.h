// The files that the tail follows: what each scan of the disk means for them, what is to be read
// next, and which stored positions are out of date. Reads nothing and has no clock of its own.
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
#include "net/tail/identity.h"
#include "net/tail/scanner.h"

namespace tocsin {

inline constexpr size_t kTailOpenFilesMax = 128;  ///< kept open, so that a rename loses nothing

/// A file with a position, whether or not some path leads to it at the moment.
struct FollowedFile {
  TailPosition position;           ///< as committed; of a new file, as it will be
  bool stored = false;             ///< the position is in the database
  std::optional<size_t> source;    ///< none: no glob covers it now; its position is kept, unread
  std::string path;                ///< where it is now; empty when no path leads to it
  bool sibling = false;            ///< found beside a missing file, by no glob
  std::shared_ptr<OpenFile> file;  ///< shared with the job that reads it
  std::list<uint64_t>::iterator open_order;  ///< valid while `file` is set

  uint64_t size = 0;
  int64_t changed_at = 0;
  Timestamp still_since = 0;              ///< since when size and changed_at are what they are
  uint64_t examined = 0;                  ///< see FollowState
  Timestamp held_back_since = 0;          ///< an open quote holds its lines back; 0: none does
  bool in_flight = false;                 ///< being read, or waiting for its commit
  bool skip_to_end = false;               ///< its first read takes no rows
  bool search = false;                    ///< the next scan looks for siblings of it
  bool searched = false;                  ///< it was looked for, in vain
  std::optional<uint64_t> size_at_start;  ///< until it has been read that far

  bool orphan() const { return path.empty() && file != nullptr; }
};

class TailFiles {
 public:
  struct Settings {
    std::vector<bool> from_end;  ///< by source: files found by the first scans begin at their end
    Duration settle = 5 * kSecond;
    Duration open_quote_max = 5 * kSecond;
  };
  explicit TailFiles(Settings settings) : settings_(std::move(settings)) {}

  /// `source` follows the path at which the file was found; none when no glob covers it any more.
  void add_stored(TailPosition position, std::optional<size_t> source);

  /// What of the missing the next scan should look for.
  std::vector<MissingFile> missing() const;

  struct ScanEffect {
    std::vector<std::string> copies;  ///< paths taken for copies, told once each
    bool search = false;              ///< another scan is wanted at once: files are missing
  };
  /// Before a scan looks at the disk: a file is judged by what was known of it then. It may be read
  /// further while the scan goes on, and would seem to have become shorter.
  void begin_scan();
  ScanEffect apply_scan(std::span<const FileSeen> seen, Timestamp now);

  /// Ends the start: what is known now counts for caught_up(). Called once, after the first scans.
  void mark_start();
  bool caught_up() const { return started_ && behind_ == 0; }
  bool started() const { return started_; }

  /// Ids of files to look into, oldest first.
  std::vector<uint64_t> to_read(Timestamp now) const;
  TailStep step_of(const FollowedFile& file, Timestamp now) const;
  /// Whether the quote that holds its lines back has been open for too long.
  bool quote_overdue(const FollowedFile& file, Timestamp now) const;

  // What became of a read. Each ends `in_flight`.
  void committed(uint64_t id, const TailPosition& position, uint64_t size, Timestamp now);
  void nothing_whole(uint64_t id, uint64_t size, bool held_back, Timestamp now);
  void changed(uint64_t id);  ///< it is not the file that it was
  void failed(uint64_t id);   ///< tried again after the next scan
  void put_off(uint64_t id);  ///< the store was busy

  /// Keeps the file open, and closes the one that was used longest ago when there are too many.
  void keep_open(uint64_t id, std::shared_ptr<OpenFile> file);

  /// Changes of stored positions that are due: files that went, came back, or are gone for long.
  /// Apply `forget_outdated` once they are submitted.
  std::vector<SmallChange> outdated(Timestamp now) const;
  void forget_outdated(Timestamp now);

  FollowedFile& at(uint64_t id);
  const std::map<uint64_t, FollowedFile>& all() const { return files_; }

 private:
  enum class Upkeep { kNone, kGone, kBack, kRemove };
  using Heads = std::set<std::pair<uint32_t, uint64_t>>;
  Upkeep upkeep_of(const FollowedFile& file, const Heads& present, Timestamp now) const;
  Heads heads_present() const;
  void mark_found(FollowedFile& file, const FileSeen& seen, Timestamp now);
  void add_new(const FileSeen& seen, Timestamp now);
  bool mark_missing(FollowedFile& file);
  void touch(FollowedFile& file, uint64_t size, int64_t changed_at, Timestamp now);
  void close(FollowedFile& file);
  void check_start(FollowedFile& file, bool give_up = false);

  const Settings settings_;
  std::map<uint64_t, FollowedFile> files_;  // by id
  std::map<uint64_t, TailPosition> known_;  // by id, when the scan began
  std::list<uint64_t> open_order_;          // ids of open files, the least recently used first
  std::set<std::string> reported_copies_;
  uint64_t next_id_ = 1;
  bool started_ = false;
  size_t behind_ = 0;  // files with size_at_start
};

}  // namespace tocsin
