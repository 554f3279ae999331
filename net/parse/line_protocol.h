// InfluxDB line protocol: bytes in, rows out; no I/O.
// Source: the line protocol reference of InfluxDB 1.8 and 2, with Telegraf's raw newlines in
// strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "db/schema/batch.h"
#include "net/parse/line_errors.h"

namespace tocsin {

/// What parsers need to know besides the bytes.
struct ParseOptions {
  Timestamp now = 0;  ///< the time of rows that carry none
  /// Line protocol: nanoseconds per unit of a line's timestamp; 0 tells s, ms, us and ns by size,
  /// which is how the numbers in JSON are always read.
  int64_t time_unit = 1;
  /// Line protocol: whether a last line whose quote is open may go on behind the buffer; it is
  /// left.
  bool more_follows = false;
  /// Whether lines like the ones before may be guessed, which is quicker and makes no other
  /// difference; tests compare.
  bool guess_shapes = true;
  std::string measurement;             ///< JSON: of objects that name none
  std::vector<std::string> tags;       ///< JSON: keys whose strings are tags; empty: good guesses
  std::vector<std::string> time_keys;  ///< JSON: instead of the usual candidates, when not empty
};

/// Parses whole lines; a last line needs no newline. Returns how many bytes were taken: all of
/// them, unless options.more_follows leaves the last line. `buffer` must live as long as the batch:
/// pass a view that Batch::keep returned. Bad lines go to `errors` and never stop the rest.
///
/// A backslash escapes a comma or blank in measurements, also an equals sign in tags and field
/// keys, and a quote or backslash in strings; elsewhere it stands for itself. The field `_=t` marks
/// a row without fields and is not stored.
size_t parse_line_protocol(std::string_view buffer, const ParseOptions& options, Batch& batch,
                           LineErrors& errors);

}  // namespace tocsin
