// Turns refused lines into rows of the measurement `rejected`, bounded per source and minute.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "db/schema/batch.h"

namespace tocsin {

/// Columns of `rejected`: `source` (tag), `reason`, `line`, and `count`, which is 1 for a kept
/// line. Lines beyond kRejectedPerMinuteMax are only counted. When their minute is over, one row
/// per reason has the count and no `line`. Used only by the writer thread.
class RejectLog {
 public:
  /// Adds a row to `out`, or counts the line.
  void add(std::string_view source, std::string_view reason, std::string_view line, Timestamp now,
           Batch& out);
  /// Counts lines that are not kept. May add rows of a minute that is over.
  void add_counted(std::string_view source, std::string_view reason, uint64_t lines, Timestamp now,
                   Batch& out);
  /// Adds the rows of counts whose minute is over; with `at_close`, of all minutes.
  void flush(Timestamp now, bool at_close, Batch& out);

 private:
  struct Minute {
    int64_t number = 0;
    size_t kept = 0;
    std::map<std::string, uint64_t, std::less<>> counts;  // by reason, of lines not kept
  };
  using Sources = std::map<std::string, Minute, std::less<>>;
  /// The source's entry for the current minute.
  Sources::value_type& entry_of(std::string_view source, Timestamp now, Batch& out);
  static void count(Minute& minute, std::string_view reason, uint64_t lines);
  static void write_counts(const std::string& source, const Minute& minute, Batch& out);

  Sources sources_;
};

}  // namespace tocsin
