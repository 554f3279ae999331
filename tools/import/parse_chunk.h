// Parses chunks of all formats into rows.
#pragma once

#include <string_view>

#include "net/parse/event_parser.h"
#include "net/parse/line_protocol.h"
#include "net/parse/typed_json.h"
#include "tools/import/chunk_reader.h"

namespace tocsin {

struct ImportOptions;

/// The options for a chunk's lines, with the current time.
ParseOptions parse_options_of(const ImportOptions& options, const Chunk& chunk);

/// Reuses its parsers for all chunks. Not thread-safe.
class ChunkParser {
 public:
  /// Adds the rows of `lines`, which are the chunk's, and returns the beginning of a line that
  /// continues in the next chunk.
  std::string_view parse(const Chunk& chunk, std::string_view lines, const ParseOptions& options,
                         Batch& batch, LineErrors& errors);

 private:
  EventParser events_;
  TypedJsonParser typed_json_;
};

}  // namespace tocsin
