// Parses a plain text log: each line is a row with its `message`, and with the time and `level`
// that are found in it; no I/O.
#pragma once

#include <optional>
#include <string_view>

#include "db/base/time.h"
#include "db/schema/batch.h"
#include "net/parse/line_protocol.h"
#include "net/parse/multi_line.h"

namespace tocsin {

/// Like parse_line_protocol(), for lines that end at their newline. `message` is the line without
/// its time, and without its level if that follows the time; elsewhere both stay in the message.
/// Control sequences, such as those of colours, are removed first. A
/// line without a time, such as one of a stack trace, has the time of the line before it: the first
/// ones have `time_before`, or else options.now, which is counted in `errors`. With `multi_line`,
/// the events that it finds are rows, whose `message` has all their lines.
void parse_text_lines(std::string_view buffer, const ParseOptions& options,
                      std::optional<Timestamp> time_before, Batch& batch, LineErrors& errors,
                      const MultiLine* multi_line = nullptr);

/// The level that a text states among its first words, as it is written; empty: none.
std::string_view text_level(std::string_view text, Timestamp now);

/// The time of the last line in `lines` that has one. `has_json_lines`: lines that begin with `{`
/// are not text and do not count.
std::optional<Timestamp> last_text_time(std::string_view lines, Timestamp now,
                                        bool has_json_lines = false);

}  // namespace tocsin
