// Parses InfluxDB line protocol into rows; no I/O.
// Source: the line protocol reference of InfluxDB 1.8 and 2; strings may also contain raw newlines,
// as Telegraf writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "db/schema/batch.h"
#include "net/parse/line_errors.h"
#include "net/parse/static_tags.h"
#include "net/parse/time_keys.h"

namespace tocsin {

/// Of syslog messages.
struct SyslogOptions {
  std::string host;  ///< of messages that name none: the address of the sender
  /// Which messages are taken apart: their values become fields.
  bool unpack_json = false;
  bool unpack_logfmt = false;
};

/// Options of all parsers in this folder.
struct ParseOptions {
  Timestamp now = 0;  ///< the time of rows without one
  /// Line protocol: nanoseconds per unit of a line's timestamp. With 0 the unit (s, ms, us, ns) is
  /// guessed from the size, as it always is for numbers in JSON.
  int64_t time_unit = 1;
  /// Line protocol: whether the last line may continue after the buffer if its quote is open; such
  /// a line is not consumed.
  bool more_follows = false;
  /// Whether to try the fast path for lines that look like earlier ones. The rows are the same
  /// either way; tests and benchmarks compare.
  bool guess_shapes = true;
  /// Line protocol: a measurement that looks like a time or like `key=value` without an escape is
  /// rejected, because it is probably the first word of a text line. With this, only if its row has
  /// no time: exports have one.
  bool odd_names_with_time = false;
  /// Asked before a row is accepted whose measurement looks like a time or like `key=value`; if it
  /// returns false, the row is rejected. Empty: all are accepted.
  std::function<bool(std::string_view)> admit_odd_name;
  std::string measurement;        ///< JSON: for objects without `measurement`
  std::vector<std::string> tags;  ///< JSON: keys whose strings are tags; empty: guess
  TimeOptions time;               ///< JSON and CSV; syslog: only the zone
  SyslogOptions syslog;
  TagList static_tags;  ///< of all rows but those of line protocol and CSV
};

/// Parses whole lines; the last one needs no newline. Returns the number of consumed bytes: all,
/// unless options.more_follows leaves the last line. Bad lines are added to `errors` and do not
/// affect the others. Rows without a timestamp have options.now. They are counted in `errors`, and
/// so are those with a duplicate key, whose last value counts. Requires: `buffer` lives as long as
/// the batch, like a view that Batch::keep returned.
///
/// A backslash escapes commas, spaces and equals signs in measurements; commas, spaces and equals
/// signs in tags and field keys; quotes and backslashes in strings. Elsewhere it is an ordinary
/// character. The field `_=t` marks a row without fields and is not stored.
size_t parse_line_protocol(std::string_view buffer, const ParseOptions& options, Batch& batch,
                           LineErrors& errors);

}  // namespace tocsin
