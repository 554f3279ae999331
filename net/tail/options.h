// Which files a server follows, and how their lines are read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "db/base/time.h"
#include "net/parse/event_parser.h"
#include "net/parse/time_keys.h"

namespace tocsin {

struct TailOptions {
  std::vector<std::string> paths;  ///< globs
  std::string format = "auto";     ///< one of line_format_names()
  std::string measurement;  ///< for lines that name none; empty: the name of the file's folder
  std::vector<std::string> tags;  ///< JSON keys that become tags; empty: parse/keys.h decides
  bool from_end = false;          ///< files found at start without a position begin at their end
  /// How long a new file may be equal to a followed one before it counts as a copy. More: copies
  /// are reported later, and so are the events of a file that only looks like a copy.
  Duration copy_wait = kMinute;
  /// How long a file must be unchanged before the bytes after its last newline count as a line; 0:
  /// they wait until the file is renamed or deleted; none: kLastObjectWait or kLastLineWait.
  std::optional<Duration> last_line_wait = {};
  TimeSettings time = {};  ///< of events that are named values: all but lp and text
  EventSettings events = {};
  TagList static_tags = {};               ///< of all rows but those of line protocol
  std::vector<std::string> exclude = {};  ///< globs of paths, or of names if they have no `/`
  /// How long an event of several lines must get no further line before it ends.
  Duration event_wait = 2 * kSecond;

  bool operator==(const TailOptions&) const = default;
};

}  // namespace tocsin
