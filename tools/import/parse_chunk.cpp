#include "tools/import/parse_chunk.h"

#include "net/parse/container_log.h"
#include "net/parse/csv_rows.h"
#include "tools/import/import.h"

namespace tocsin {

ParseOptions parse_options_of(const ImportOptions& options, const Chunk& chunk) {
  ParseOptions out;
  out.now = SystemClock().now();
  out.measurement = chunk.measurement;
  out.tags = options.tags;
  out.time = options.time;
  out.static_tags = with_container_tags(chunk.format, chunk.path, options.static_tags);
  out.time_unit = chunk.format == InputFormat::kLineProtocol ? 1 : 0;
  out.more_follows = chunk.format == InputFormat::kLineProtocol && chunk.more_follows;
  out.odd_names_with_time = true;
  return out;
}

std::string_view ChunkParser::parse(const Chunk& chunk, std::string_view lines,
                                    const ParseOptions& options, Batch& batch, LineErrors& errors) {
  switch (chunk.format) {
    case InputFormat::kTypedJson:
      typed_json_.parse(lines, chunk.header->columns, options, batch, errors);
      return {};
    case InputFormat::kCsv: parse_csv(lines, chunk.header->csv, options, batch, errors); return {};
    default: break;
  }
  std::optional<Timestamp> text_time = chunk.time_before;
  return lines.substr(events_.parse(chunk.events, lines, options, text_time, batch, errors));
}

}  // namespace tocsin
