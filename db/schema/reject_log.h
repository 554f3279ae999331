// Turns refused lines into rows of the measurement `rejected`, bounded per source and minute, and
// in all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "db/schema/batch.h"
#include "db/schema/write_request.h"

namespace tocsin {

/// Columns of `rejected`: `source` (tag), `reason`, `count`, which is 1 for a kept line, `id`,
/// `line`, `cut` (whether that is only the beginning of the line), and those of LineOrigin. Lines
/// beyond the bounds are only counted. When their minute is over, one row per reason has the count
/// and no `line`. A row with `retried` has count 0; it says that the line with that id was stored
/// later. Used only by the writer thread.
class RejectLog {
 public:
  /// A refused line and its request.
  struct Refusal {
    const WriteRequest& request;
    std::string_view reason;
    std::string_view line;
    bool cut = false;  ///< also set if `line` exceeds kRejectedLineBytesMax
  };

  /// Ids consist of the number of the last commit and a number of kRejectedIdBits bits, so they
  /// never repeat: the rows of a commit that fails are gone. Required before add().
  void begin_commit(uint64_t last_commit);
  /// The bytes of all stored rows; rows added later are counted on top.
  void set_stored_bytes(uint64_t bytes) { stored_bytes_ = bytes; }

  /// Adds a row to `out`, or counts the line.
  void add(const Refusal& refusal, Timestamp now, Batch& out);
  /// Counts lines that are not kept. May add rows of a minute that is over.
  void add_counted(std::string_view source, std::string_view reason, uint64_t lines, Timestamp now,
                   Batch& out);
  /// Adds the row that says that the line is stored.
  void add_retried(const RetriedLine& line, Timestamp now, Batch& out);
  /// Adds the rows of counts whose minute is over; with `at_close`, of all minutes.
  void flush(Timestamp now, bool at_close, Batch& out);

 private:
  struct Minute {
    int64_t number = 0;
    size_t kept_bytes = 0;
    std::map<std::string, uint64_t, std::less<>> counts;  // by reason, of lines not kept
  };
  using Sources = std::map<std::string, Minute, std::less<>>;
  /// The source's entry for the current minute.
  Sources::value_type& entry_of(std::string_view source, Timestamp now, Batch& out);
  bool has_room(const Minute& minute, size_t bytes) const;
  static void count(Minute& minute, std::string_view reason, uint64_t lines);
  static void write_counts(const std::string& source, const Minute& minute, Batch& out);

  Sources sources_;
  uint64_t stored_bytes_ = 0;
  uint64_t last_commit_ = 0;
  uint64_t ids_used_ = 0;  // since last_commit_
};

}  // namespace tocsin
