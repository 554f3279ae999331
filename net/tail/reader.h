// Reads the next chunk of one followed file and turns it into a write: whole lines in, rows out,
// with the file's new position beside them. Blocking, so it runs in the background; keeps nothing
// between calls.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "net/tail/identity.h"
#include "net/tail/scanner.h"

namespace tocsin {

inline constexpr size_t kTailChunkBytes = size_t{1}
                                          << 20;  ///< read at a time, unless one line is longer

enum class TailFormat : uint8_t { kAuto, kJson, kLineProtocol };
/// `auto`, `json`, `lp`; kInvalid names them.
Result<TailFormat> parse_tail_format(std::string_view name);

struct ReadRequest {
  TailPosition position;  ///< as committed
  std::string path;       ///< to open when `file` is null, and for `rejected`
  std::shared_ptr<OpenFile> file;
  bool last_line = false;      ///< what is left at the end is a line, also without a newline
  bool give_up_quote = false;  ///< a quote that holds lines back is broken
  bool skip_to_end = false;    ///< take no rows: begin behind the last whole line
  TailFormat format = TailFormat::kAuto;
  std::string measurement;  ///< of lines that name none
  std::vector<std::string> tags;
  Timestamp now = 0;
};

struct ReadOutcome {
  enum class Kind : uint8_t {
    kWrite,    ///< submit `write`; once it is durable, `next` is the position
    kNothing,  ///< no whole line below `size`
    kChanged,  ///< not the file that the position is of: look at the disk again
    kFailed,   ///< `error` says why
  };
  Kind kind = Kind::kFailed;
  std::shared_ptr<OpenFile> file;
  uint64_t size = 0;       ///< of the file, at the read
  bool held_back = false;  ///< kNothing: lines may be waiting behind an open quote
  TailPosition next;
  WriteRequest write;
  std::string error;
};

ReadOutcome read_chunk(const ReadRequest& request);

}  // namespace tocsin
