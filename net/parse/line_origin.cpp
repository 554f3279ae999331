#include "net/parse/line_origin.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "db/base/text.h"
#include "db/base/time.h"
#include "net/parse/csv_rows.h"
#include "net/parse/event_parser.h"
#include "net/parse/framer.h"
#include "net/parse/records.h"
#include "net/parse/syslog.h"
#include "net/parse/typed_json.h"

namespace tocsin {
namespace {

struct Precision {
  std::string_view name;
  int64_t unit = 0;
};
// As in the parameter `precision` of /write; 0 means by size.
constexpr std::array<Precision, 7> kPrecisions = {{{"ns", 1},
                                                   {"us", kMicrosecond},
                                                   {"ms", kMillisecond},
                                                   {"s", kSecond},
                                                   {"m", kMinute},
                                                   {"h", kHour},
                                                   {"auto", 0}}};

std::string precision_of(int64_t unit) {
  for (const Precision& precision : kPrecisions) {
    if (precision.unit == unit) return std::string(precision.name);
  }
  return {};
}

int64_t unit_of(std::string_view name) {
  for (const Precision& precision : kPrecisions) {
    if (precision.name == name) return precision.unit;
  }
  return 1;
}

std::string join(const std::vector<std::string>& keys) {
  std::string out;
  for (const std::string& key : keys) out += (out.empty() ? "" : ",") + key;
  return out;
}

Result<ParseOptions> options_of(const LineOrigin& origin, Timestamp now) {
  ParseOptions options;
  options.now = now;
  options.time_unit = unit_of(origin.precision);
  options.measurement = origin.measurement;
  options.tags = split_list(origin.tag_keys);
  TOCSIN_TRY(options.time, read_time_options({split_list(origin.time_keys), origin.time_layout,
                                              origin.time_zone}));
  return options;
}

bool is_line_protocol(const LineOrigin& origin, std::string_view line) {
  if (origin.format == kOriginAuto) return format_of_line(line) == LineFormat::kLineProtocol;
  return origin.format == kOriginLineProtocol;
}

struct CsvName {
  std::string_view name;
  char separator = ',';
};
constexpr std::array<CsvName, 4> kCsvNames = {
    {{kOriginCsv, ','}, {"csv ;", ';'}, {"csv |", '|'}, {"tsv", '\t'}}};

std::optional<char> separator_of(std::string_view format) {
  for (const CsvName& csv : kCsvNames) {
    if (csv.name == format) return csv.separator;
  }
  return std::nullopt;
}

Status parse_csv_line(const LineOrigin& origin, char separator, std::string_view line,
                      const ParseOptions& options, Batch& batch, LineErrors& errors) {
  // The types of a plain file are guessed from the records after its header.
  const std::string text = origin.header + "\n" + std::string(line);
  std::string_view records = text;
  const CsvLayout layout{.separator = separator, .has_header = true, .check_header = false};
  TOCSIN_TRY(const CsvHeader header, read_csv_header(records, layout));
  parse_csv(line, header, options, batch, errors);
  return {};
}

Status parse_typed_json_line(const LineOrigin& origin, std::string_view line,
                             const ParseOptions& options, Batch& batch, LineErrors& errors) {
  TOCSIN_TRY(const auto measurements, read_typed_json_header(origin.header));
  TypedJsonParser().parse(line, measurements, options, batch, errors);
  return {};
}

void parse_syslog_line(const LineOrigin& origin, std::string_view line, ParseOptions options,
                       Batch& batch, LineErrors& errors) {
  options.syslog = syslog_options_of(origin);
  RecordRows rows(options, batch, errors);
  parse_syslog_message(line, rows);
}

Status parse_into(const LineOrigin& origin, std::string_view line, Timestamp now, Batch& batch,
                  LineErrors& errors) {
  TOCSIN_TRY(const ParseOptions options, options_of(origin, now));
  const std::optional<char> csv = separator_of(origin.format);
  if (csv || origin.format == kOriginTypedJson) {
    if (origin.header.empty()) {
      return fail(ErrorCode::kInvalid, "the first lines of its file were too long to be kept");
    }
    return csv ? parse_csv_line(origin, *csv, line, options, batch, errors)
               : parse_typed_json_line(origin, line, options, batch, errors);
  }
  if (origin.format == kOriginSyslog) {
    parse_syslog_line(origin, line, options, batch, errors);
    return {};
  }
  thread_local EventParser parser;
  EventFormat format =
      read_origin_name(origin.format).value_or(EventFormat{InputFormat::kJson, false});
  if (format.lines == InputFormat::kRegex) {
    TOCSIN_TRY(format.pattern, LinePattern::create(origin.header));
  }
  // The line may be an event of several lines.
  if (line.find('\n') != line.npos) format.multi_line = MultiLine::never();
  std::optional<Timestamp> text_time;
  parser.parse(format, line, options, text_time, batch, errors);
  return {};
}

}  // namespace

std::string_view csv_origin(char separator) {
  for (const CsvName& csv : kCsvNames) {
    if (csv.separator == separator) return csv.name;
  }
  return "";  // cannot be parsed again
}

LineOrigin origin_of(std::string_view format, const ParseOptions& options) {
  LineOrigin origin;
  origin.format = format;
  if (format == kOriginLineProtocol || format == kOriginAuto) {
    origin.precision = precision_of(options.time_unit);
  }
  if (format == kOriginLineProtocol) return origin;
  origin.measurement = options.measurement;
  origin.tag_keys = join(options.tags);
  origin.time_keys = join(options.time.keys);
  origin.time_layout = options.time.layout.is_auto() ? "" : options.time.layout.text();
  if (options.time.zone.name() != TimeZone().name()) origin.time_zone = options.time.zone.name();
  return origin;
}

Status parse_line_again(const LineOrigin& origin, std::string_view line, Timestamp now,
                        Batch& batch) {
  // First into a batch of its own, because a line can have a row and an error.
  Batch trial(batch.policy());
  LineErrors errors;
  TOCSIN_RETURN_IF_ERROR(parse_into(origin, line, now, trial, errors));
  if (!errors.empty()) return fail(ErrorCode::kInvalid, errors[0].reason);
  if (trial.row_count() != 1) return fail(ErrorCode::kInvalid, "the line has no row");
  return parse_into(origin, line, now, batch, errors);
}

ConflictPolicy conflict_policy_of(const LineOrigin& origin, std::string_view line) {
  return is_line_protocol(origin, line) ? ConflictPolicy::kRejectRow : ConflictPolicy::kKeepInRest;
}

}  // namespace tocsin
