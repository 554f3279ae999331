#include "net/parse/event_parser.h"

#include <string>

#include "db/base/ascii.h"
#include "net/parse/framer.h"
#include "net/parse/line_numbers.h"
#include "net/parse/line_origin.h"
#include "net/parse/logfmt.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/scan.h"
#include "net/parse/text_lines.h"

namespace tocsin {
namespace {

// Of a recognised format; without it, lines that are not JSON are line protocol.
constexpr std::string_view kAutoPrefix = "auto ";

// Reads each line with `read`, which returns an empty text, or why it cannot.
template <class Read>
void read_each_line(std::string_view lines, LineErrors& errors, Read read) {
  LineNumbers numbers(lines);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = next_simple_line(rest);
    if (is_blank_line(line)) continue;
    read_around_nuls(line, numbers, errors, [&](std::string_view part) {
      return part.size() > kLineBytesMax ? too_long("line", part.size()) : read(part);
    });
  }
}

}  // namespace

std::string origin_name(const EventFormat& format) {
  if (!format.recognised) return std::string(name_of(format.lines));
  if (format.lines == InputFormat::kLineProtocol) return std::string(kOriginAuto);
  return std::string(kAutoPrefix) + std::string(name_of(format.lines));
}

std::optional<EventFormat> read_origin_name(std::string_view name) {
  if (name == kOriginAuto) return EventFormat{InputFormat::kLineProtocol, true};
  const bool recognised = name.starts_with(kAutoPrefix);
  if (recognised) name.remove_prefix(kAutoPrefix.size());
  const auto format = line_format_of(name);
  if (!format) return std::nullopt;
  return EventFormat{*format, recognised};
}

std::vector<LineRun> runs_of(const EventFormat& format, std::string_view lines) {
  if (format.recognised) return line_runs(lines, format.lines);
  return {{format.lines, 0, lines.size()}};
}

size_t EventParser::parse(const EventFormat& format, std::string_view lines,
                          const ParseOptions& options, std::optional<Timestamp>& text_time,
                          Batch& batch, LineErrors& errors) {
  std::string_view before;  // lines whose last time may be that of the text after them
  size_t consumed = 0;
  for (const LineRun& run : runs_of(format, lines)) {
    const std::string_view text = lines.substr(run.start, run.end - run.start);
    if (run.format == InputFormat::kText) {
      if (const auto last = last_text_time(before, options.now)) text_time = last;
    }
    const size_t first_error = errors.size();
    consumed = run.start + parse_run(run.format, text, options, text_time, batch, errors);
    if (errors.size() > first_error) {
      errors.move_lines(first_error, scan::count_byte(lines.substr(0, run.start), '\n'));
    }
    if (run.format != InputFormat::kJson) before = text;
  }
  if (format.lines == InputFormat::kText) {
    if (const auto last = last_text_time(before, options.now)) text_time = last;
  }
  return consumed;
}

size_t EventParser::parse_run(InputFormat format, std::string_view lines,
                              const ParseOptions& options, std::optional<Timestamp> text_time,
                              Batch& batch, LineErrors& errors) {
  switch (format) {
    case InputFormat::kLineProtocol: return parse_line_protocol(lines, options, batch, errors);
    case InputFormat::kText: parse_text_lines(lines, options, text_time, batch, errors); break;
    case InputFormat::kLogfmt: {
      LogfmtRows rows(options, batch, errors);
      read_each_line(lines, errors, [&](std::string_view line) { return rows.read(line); });
      break;
    }
    case InputFormat::kJson:
    case InputFormat::kJsonDocuments:
    case InputFormat::kTypedJson:
    case InputFormat::kCsv: json_.parse(lines, options, batch, errors); break;
  }
  return lines.size();
}

}  // namespace tocsin
