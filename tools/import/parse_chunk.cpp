#include "tools/import/parse_chunk.h"

#include "net/parse/csv_rows.h"
#include "net/parse/line_runs.h"
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
    case InputFormat::kText: parse_text(chunk, lines, options, batch, errors); break;
  }
  return {};
}

void ChunkParser::parse_text(const Chunk& chunk, std::string_view lines,
                             const ParseOptions& options, Batch& batch, LineErrors& errors) {
  if (!chunk.has_json_lines) {
    return parse_text_lines(lines, options, chunk.time_before, batch, errors);
  }
  std::optional<Timestamp> time_before = chunk.time_before;
  for (const LineRun& run : line_runs(lines, InputFormat::kText)) {
    const std::string_view text = lines.substr(run.start, run.end - run.start);
    if (run.format == InputFormat::kJson) {
      json_.parse(text, options, batch, errors);
      continue;
    }
    parse_text_lines(text, options, time_before, batch, errors);
    if (const auto last = last_text_time(text, options.now)) time_before = last;
  }
}

}  // namespace tocsin
