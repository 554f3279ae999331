// Reads the next chunk of a followed file and turns its whole lines into one write, which also
// holds the file's new position. Blocking, so it runs in the background; keeps no state between
// calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "net/parse/event_lag.h"
#include "net/parse/event_parser.h"
#include "net/parse/input_format.h"
#include "net/parse/line_errors.h"
#include "net/parse/time_keys.h"
#include "net/tail/identity.h"
#include "net/tail/scanner.h"

namespace tocsin {

/// Read at a time, unless one line is longer.
inline constexpr size_t kTailChunkBytes = size_t{1} << 20;

/// Of the lines of a source; none: recognised by the start of each file.
using TailFormat = std::optional<InputFormat>;
/// Parses `auto` or the name of a format; kInvalid lists them.
Result<TailFormat> parse_tail_format(std::string_view name);

struct ReadRequest {
  TailPosition position;  ///< as committed
  std::string path;       ///< opened if `file` is null; recorded in `rejected`
  std::shared_ptr<OpenFile> file;
  /// If the file still ends here, the rest is a line, even without a newline.
  std::optional<uint64_t> last_line_end;
  /// Reject the line whose open quote holds lines back, or end the event that does.
  bool give_up_quote = false;
  std::optional<ReadStart> start;  ///< store no rows; only move the position there
  TailFormat format;
  EventRules events = {};
  std::shared_ptr<const FormatGuess>
      guess;                ///< of an earlier read, if `format` is none; may be null
  std::string measurement;  ///< for lines that name none
  std::vector<std::string> tags;
  TagList static_tags = {};
  TimeOptions time;
  Timestamp now = 0;
  bool live = false;  ///< what is read has just been written: its lags count
};

struct ReadOutcome {
  enum class Kind : uint8_t {
    kWrite,    ///< submit `write`; once it is durable, `next` is the position
    kNothing,  ///< no whole line below `size`
    kChanged,  ///< not the file of the position: scan the disk again
    kFailed,   ///< `error` says why
  };
  Kind kind = Kind::kFailed;
  std::shared_ptr<OpenFile> file;
  uint64_t size = 0;        ///< of the file, when it was read
  bool held_back = false;   ///< with kNothing: an open quote may be holding lines back
  bool open_event = false;  ///< with kNothing: whole lines wait for the rest of their event
  bool complete = false;    ///< with kNothing: the rest is a JSON object without a newline
  std::string head;         ///< of the file, when it was read
  TailPosition next;
  WriteRequest write;
  LineWarnings warnings;
  std::vector<HostLag> lags;
  std::string error;
  /// What a person should know about the format of the file; empty: nothing.
  std::string notice;
  std::shared_ptr<const FormatGuess> guess;  ///< null until its evidence is complete
};

ReadOutcome read_chunk(const ReadRequest& request);

}  // namespace tocsin
