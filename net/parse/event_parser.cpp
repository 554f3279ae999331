#include "net/parse/event_parser.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/access_log.h"
#include "net/parse/container_log.h"
#include "net/parse/event_rows.h"
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

// Reads each event with `read`, which returns an empty text, or why it cannot.
template <class Read>
void read_each_event(std::string_view lines, const MultiLine* multi_line, LineErrors& errors,
                     Read read) {
  LineNumbers numbers(lines);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view event =
        multi_line != nullptr ? multi_line->next_event(rest) : next_simple_line(rest);
    if (is_blank_line(event)) continue;
    read_around_nuls(event, numbers, errors, [&](std::string_view part) {
      return part.size() > kLineBytesMax ? too_long("line", part.size()) : read(part);
    });
  }
}

/// Rows of events that `read` turns into named values.
class ValueRows {
 public:
  ValueRows(const ParseOptions& options, Batch& batch, LineErrors& errors, const char* what)
      : time_keys_(options.time), rows_(options, time_keys_, batch, errors.warnings(), what) {}

  template <class Read>
  std::string append(std::string_view line, Read read) {
    values_.clear();
    std::string reason = read(values_);
    if (!reason.empty()) return reason;
    EventRows::Facts facts;
    facts.line = line;
    return rows_.append(values_, std::move(facts)) ? std::string() : rows_.reason();
  }

 private:
  TimeKeys time_keys_;
  EventRows rows_;
  std::vector<JsonValue> values_;
};

bool may_join(InputFormat format) {
  return format == InputFormat::kText || format == InputFormat::kRegex ||
         format == InputFormat::kCri || format == InputFormat::kDocker;
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

Result<EventRules> read_event_settings(const EventSettings& settings, std::string_view format) {
  EventRules rules;
  rules.multi_line = settings.multi_line;
  const auto named = line_format_of(format);
  const bool is_regex = named == InputFormat::kRegex;
  if (is_regex && settings.pattern.empty()) {
    return fail(ErrorCode::kInvalid,
                "the format `regex` needs a pattern with named groups, such as "
                "`^(?P<time>\\S+) (?P<level>\\w+) (?P<message>.*)`");
  }
  if (!is_regex && !settings.pattern.empty()) {
    return fail(ErrorCode::kInvalid, "a pattern is only used with the format `regex`");
  }
  if (is_regex) {
    TOCSIN_TRY(rules.pattern, LinePattern::create(settings.pattern));
  }
  if (settings.start.empty()) return rules;
  if (format != "auto" && (!named || !may_join(*named))) {
    return fail(ErrorCode::kInvalid,
                fmt::format("events of several lines are possible with the formats text, regex, "
                            "cri, docker and auto, not with {}",
                            format));
  }
  TOCSIN_TRY(rules.start, MultiLine::by_pattern(settings.start, settings.lines_max));
  return rules;
}

EventFormat event_format_of(const FormatGuess& guess, bool named, const EventRules& rules) {
  EventFormat format;
  format.lines = guess.other_lines;
  format.recognised = !named;
  format.pattern = rules.pattern;
  if (!rules.multi_line || !may_join(format.lines)) return format;
  format.multi_line = rules.start;
  if (!format.multi_line && guess.joins_lines) format.multi_line = MultiLine::by_time();
  return format;
}

size_t whole_events(const EventFormat& format, std::string_view lines) {
  const MultiLine* const multi_line = format.multi_line.get();
  if (format.lines == InputFormat::kCri || format.lines == InputFormat::kDocker) {
    return whole_container_events(format.lines, multi_line, lines);
  }
  return multi_line == nullptr ? lines.size() : multi_line->whole_events(lines, format.recognised);
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
    consumed = run.start + parse_run(format, run.format, text, options, text_time, batch, errors);
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

size_t EventParser::parse_run(const EventFormat& format, InputFormat run, std::string_view lines,
                              const ParseOptions& options, std::optional<Timestamp> text_time,
                              Batch& batch, LineErrors& errors) {
  const MultiLine* const multi_line = format.multi_line.get();
  switch (run) {
    case InputFormat::kLineProtocol: return parse_line_protocol(lines, options, batch, errors);
    case InputFormat::kText:
      parse_text_lines(lines, options, text_time, batch, errors, multi_line);
      break;
    case InputFormat::kLogfmt: {
      ValueRows rows(options, batch, errors, "line of logfmt");
      read_each_event(lines, nullptr, errors, [&](std::string_view line) {
        return rows.append(line, [&](auto& values) { return read_logfmt(line, batch, values); });
      });
      break;
    }
    case InputFormat::kAccess: {
      ValueRows rows(options, batch, errors, "line of an access log");
      read_each_event(lines, nullptr, errors, [&](std::string_view line) {
        return rows.append(line,
                           [&](auto& values) { return read_access_log(line, batch, values); });
      });
      break;
    }
    case InputFormat::kRegex: {
      ValueRows rows(options, batch, errors, "line");
      read_each_event(lines, multi_line, errors, [&](std::string_view line) {
        return rows.append(line, [&](auto& values) {
          return format.pattern->read(line, values) ? std::string()
                                                    : "the line does not match the pattern";
        });
      });
      break;
    }
    case InputFormat::kCri:
    case InputFormat::kDocker:
      ContainerLog(run, multi_line, options, batch, errors).parse(lines);
      break;
    case InputFormat::kJson:
    case InputFormat::kJsonDocuments:
    case InputFormat::kTypedJson:
    case InputFormat::kCsv: json_.parse(lines, options, batch, errors); break;
  }
  return lines.size();
}

}  // namespace tocsin
