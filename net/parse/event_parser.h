// One parser for the lines of files in all formats but CSV, typed JSON lines and JSON documents, so
// that followed files, imports and rejected lines are read alike; no I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/time.h"
#include "db/schema/batch.h"
#include "net/parse/input_format.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "net/parse/line_runs.h"

namespace tocsin {

/// What the lines of a source are.
struct EventFormat {
  InputFormat lines = InputFormat::kLineProtocol;
  /// `lines` was recognised by the file's start, not named by a user: lines that begin with `{` are
  /// JSON lines, and those that are not of the recognised format are text; see line_runs().
  bool recognised = false;
};

/// `text`, `auto text`: the value of LineOrigin::format.
std::string origin_name(const EventFormat& format);
/// The inverse; nothing if it is another format.
std::optional<EventFormat> read_origin_name(std::string_view name);

/// The pieces of whole lines that have one format.
std::vector<LineRun> runs_of(const EventFormat& format, std::string_view lines);

/// Reuses its buffers between calls. Not thread-safe.
class EventParser {
 public:
  /// Parses whole lines as parse_line_protocol() does, and returns the number of consumed bytes.
  /// `text_time`: the time of lines of text before the first one with a time, as in
  /// parse_text_lines(); becomes that of the last line with one, if there is text. Requires:
  /// `lines` lives as long as the batch.
  size_t parse(const EventFormat& format, std::string_view lines, const ParseOptions& options,
               std::optional<Timestamp>& text_time, Batch& batch, LineErrors& errors);

 private:
  size_t parse_run(InputFormat format, std::string_view lines, const ParseOptions& options,
                   std::optional<Timestamp> text_time, Batch& batch, LineErrors& errors);

  JsonLinesParser json_;
};

}  // namespace tocsin
