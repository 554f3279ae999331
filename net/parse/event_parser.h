// One parser for the lines of files in all formats but CSV, typed JSON lines and JSON documents, so
// that followed files, imports and rejected lines are read alike; no I/O.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "db/base/time.h"
#include "db/schema/batch.h"
#include "net/parse/input_format.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_pattern.h"
#include "net/parse/line_protocol.h"
#include "net/parse/line_runs.h"
#include "net/parse/multi_line.h"

namespace tocsin {

/// What the lines of a source are, and which of them form one event.
struct EventFormat {
  InputFormat lines = InputFormat::kLineProtocol;
  /// `lines` was recognised by the file's start, not named by a user: lines that begin with `{` are
  /// JSON lines, and those that are not of the recognised format are text; see line_runs().
  bool recognised = false;
  std::shared_ptr<const LinePattern> pattern = nullptr;  ///< kRegex
  /// kText, kRegex, kCri, kDocker. Null: each line, as the program wrote it, is an event.
  std::shared_ptr<const MultiLine> multi_line = nullptr;
};

/// How a user wants the events of a source to be found, whatever their format.
struct EventSettings {
  std::string pattern;     ///< of the format `regex`
  std::string start;       ///< of the first line of each event; empty: none is set
  bool multi_line = true;  ///< false: each line is an event, also where times tell events apart
  size_t lines_max = kEventLinesMax;  ///< of an event with `start`

  bool operator==(const EventSettings&) const = default;
};
/// The same, checked. Threads may share it.
struct EventRules {
  std::shared_ptr<const LinePattern> pattern;
  std::shared_ptr<const MultiLine> start;
  bool multi_line = true;
};
/// kInvalid: an expression is wrong, or the format, which is one of line_format_names() or `csv`,
/// lacks or does not use a setting.
Result<EventRules> read_event_settings(const EventSettings& settings, std::string_view format);

/// The format of a file. `guess`: of its start; `named`: the user has named its format.
EventFormat event_format_of(const FormatGuess& guess, bool named, const EventRules& rules);

/// The number of bytes of `lines` that are whole events. Requires: `lines` is empty or ends with a
/// newline, and begins with an event; it is not line protocol or JSON.
size_t whole_events(const EventFormat& format, std::string_view lines);

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
  size_t parse_run(const EventFormat& format, InputFormat run, std::string_view lines,
                   const ParseOptions& options, std::optional<Timestamp> text_time, Batch& batch,
                   LineErrors& errors);

  JsonLinesParser json_;
};

}  // namespace tocsin
