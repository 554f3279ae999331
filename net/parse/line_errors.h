// What parsers report about lines. Those that could not be parsed: the first ones with their text,
// the rest only counted, which bounds the memory. And oddities of lines that were stored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"

namespace tocsin {

inline constexpr size_t kShownBytesMax = 64;  ///< of a piece of input in an error message

/// The reason to reject a `what` (a line or record) of more than kLineBytesMax bytes.
std::string too_long(const char* what, size_t bytes);

/// A line that could not be parsed, and why.
struct LineError {
  uint64_t line = 0;   ///< from 1, in the parsed buffer; every newline counts
  std::string reason;  ///< e.g. `missing field value after "duration_ms=" at byte 31`; bytes from 1
  std::string_view text;  ///< the raw line; points into the buffer
};

/// What is odd about a line that is stored.
enum class LineWarning : uint8_t {
  kNoTime,           ///< no recognisable time: the row has the current one
  kTimeKeyMissing,   ///< none of the time keys that the options name: the same
  kNoTimestamp,      ///< line protocol without a timestamp: the same, as its clients expect
  kTextWithoutTime,  ///< text before the first line with a time: the same
  kOddKey,           ///< a key was renamed, or the first value of a duplicate one dropped
};
inline constexpr std::array kLineWarnings = {LineWarning::kNoTime, LineWarning::kTimeKeyMissing,
                                             LineWarning::kNoTimestamp,
                                             LineWarning::kTextWithoutTime, LineWarning::kOddKey};

/// Counts the lines with each warning and describes the first one.
class LineWarnings {
 public:
  struct Entry {
    uint64_t count = 0;
    std::string first;  ///< what `describe` returned for the first line
  };

  /// Calls `describe()` for the first line only.
  template <class Describe>
  void add(LineWarning warning, Describe describe, uint64_t count = 1) {
    Entry& entry = entries_[static_cast<size_t>(warning)];
    if (entry.count == 0 && count > 0) entry.first = describe();
    entry.count += count;
  }
  void add(const LineWarnings& other);
  const Entry& operator[](LineWarning warning) const {
    return entries_[static_cast<size_t>(warning)];
  }
  void clear(LineWarning warning) { entries_[static_cast<size_t>(warning)] = {}; }
  /// The number of rows that have the current time because they state none.
  uint64_t untimed_count() const;

 private:
  std::array<Entry, kLineWarnings.size()> entries_;
};

/// Describes a kOddKey.
std::string duplicate_key(std::string_view key);

/// A sentence for logs and summaries: `3 events have no recognisable time ...`.
std::string warning_text(LineWarning warning, const LineWarnings::Entry& entry);

/// Keeps the first errors, up to the kRejectedMinuteBytesMax that `rejected` can store, and counts
/// the others by reason. Iterates over the kept ones in order.
class LineErrors {
 public:
  void add(LineError error);
  /// Adds to the line numbers of the kept errors from index `first` on, whose buffer was a part.
  void move_lines(size_t first, uint64_t lines) {
    for (size_t i = first; i < kept_.size(); ++i) kept_[i].line += lines;
  }

  uint64_t count() const { return kept_.size() + counted_; }  ///< kept and counted
  size_t size() const { return kept_.size(); }                ///< kept
  bool empty() const { return kept_.empty(); }
  const LineError& operator[](size_t index) const { return kept_[index]; }
  auto begin() const { return kept_.begin(); }
  auto end() const { return kept_.end(); }

  LineWarnings& warnings() { return warnings_; }
  const LineWarnings& warnings() const { return warnings_; }

  /// Appends to `out` one entry per reason for the lines that were only counted.
  void add_counted(std::vector<RejectedLine>& out) const;
  /// Appends the kept and the counted lines to `out`.
  void add_all(std::vector<RejectedLine>& out) const;

 private:
  std::vector<LineError> kept_;
  std::map<std::string, uint64_t, std::less<>> counts_;  // by reason, of lines that are not kept
  uint64_t counted_ = 0;
  LineWarnings warnings_;
  size_t kept_bytes_ = 0;  // as `rejected` counts them, without the origin
};

}  // namespace tocsin
