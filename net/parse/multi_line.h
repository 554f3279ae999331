// Which lines of a file form one event, such as a message and its stack trace; no I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "db/base/result.h"

namespace tocsin {

inline constexpr size_t kEventLinesMax = 500;                ///< by default
inline constexpr size_t kEventBytesMax = size_t{256} << 10;  ///< longer events are cut

/// Finds the events in lines that begin with an event. An event begins at each line that starts
/// one, and after kEventBytesMax or the limit of lines. Immutable: threads may share it.
class MultiLine {
 public:
  /// A line starts an event if the expression (RE2) is found in it. kInvalid: it is not valid.
  static Result<std::shared_ptr<const MultiLine>> by_pattern(const std::string& pattern,
                                                             size_t lines_max = kEventLinesMax);
  /// A line starts an event if it has a time, as find_text_time() finds it.
  static std::shared_ptr<const MultiLine> by_time();
  /// No line starts an event: all lines are one.
  static std::shared_ptr<const MultiLine> never();
  ~MultiLine();

  /// Whether the line, without its line end, starts an event.
  bool starts(std::string_view line) const;
  size_t lines_max() const { return lines_max_; }

  /// Removes the next event, one or more whole lines, from `rest`. Returns it without the white
  /// space at its end. `json_lines`: a line that begins with `{` is an event of its own.
  std::string_view next_event(std::string_view& rest, bool json_lines = false) const;
  /// The number of bytes of `lines` that are whole events: the last event may continue after them.
  /// Requires: `lines` is empty or ends with a newline.
  size_t whole_events(std::string_view lines, bool json_lines) const;

 private:
  struct Pattern;
  MultiLine();

  bool by_time_ = false;
  std::unique_ptr<const Pattern> pattern_;  // of the first lines; null: there are none, or by time
  size_t lines_max_ = kEventLinesMax;
};

}  // namespace tocsin
