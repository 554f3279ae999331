#include "tools/import/parse_chunk.h"

#include "net/parse/csv_rows.h"
#include "net/parse/text_lines.h"
#include "tools/import/import.h"

namespace tocsin {

ParseOptions parse_options_of(const ImportOptions& options, const Chunk& chunk) {
  ParseOptions out;
  out.now = SystemClock().now();
  out.measurement = chunk.measurement;
  out.tags = options.tags;
  out.time = options.time;
  out.time_unit = chunk.format == InputFormat::kLineProtocol ? 1 : 0;
  out.more_follows = chunk.format == InputFormat::kLineProtocol && chunk.more_follows;
  out.odd_names_with_time = true;
  return out;
}

std::string_view ChunkParser::parse(const Chunk& chunk, std::string_view lines,
                                    const ParseOptions& options, Batch& batch, LineErrors& errors) {
  switch (chunk.format) {
    case InputFormat::kLineProtocol:
      return lines.substr(parse_line_protocol(lines, options, batch, errors));
    case InputFormat::kJson:
    case InputFormat::kJsonDocuments: json_.parse(lines, options, batch, errors); break;
    case InputFormat::kTypedJson:
      typed_json_.parse(lines, chunk.header->columns, options, batch, errors);
      break;
    case InputFormat::kCsv: parse_csv(lines, chunk.header->csv, options, batch, errors); break;
    case InputFormat::kText:
      parse_text_lines(lines, options, chunk.time_before, batch, errors);
      break;
  }
  return {};
}

}  // namespace tocsin
