#include "net/parse/input_format.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "net/parse/access_log.h"
#include "net/parse/colours.h"
#include "net/parse/container_log.h"
#include "net/parse/csv_records.h"
#include "net/parse/framer.h"
#include "net/parse/json_documents.h"
#include "net/parse/json_event.h"
#include "net/parse/json_lines.h"
#include "net/parse/logfmt.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/scan.h"
#include "net/parse/text_time.h"
#include "net/parse/typed_json.h"

namespace tocsin {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kLineFormats = {
    InputFormat::kJson,   InputFormat::kLineProtocol, InputFormat::kLogfmt, InputFormat::kCri,
    InputFormat::kDocker, InputFormat::kAccess,       InputFormat::kRegex,  InputFormat::kText};
constexpr size_t kSampleRecordsMax = 20;    // of CSV, to find its separator
constexpr size_t kColumnNameBytesMax = 64;  // longer ones are more likely text
constexpr std::string_view kSeparators = ",;\t|";

constexpr std::string_view kUnpack = "unpack it first, for example: ";
constexpr std::string_view kTocsv = "convert it to CSV or JSON lines first";

struct Magic {
  size_t offset;
  std::string_view bytes;
  std::string_view name;
  std::string_view advice;
  std::string_view command;
};
constexpr Magic kMagics[] = {
    {0, "PAR1"sv, "a Parquet file", kTocsv, ""},
    {257, "ustar"sv, "a tar archive", kUnpack, "tar -xf FILE -C FOLDER"},
    {0, "PK\x03\x04"sv, "a zip archive", kUnpack, "unzip -p FILE | tocsin import --db DIR -"},
    {0, "PK\x05\x06"sv, "an empty zip archive", "there is nothing to read", ""},
    {4, "1AY&SY"sv, "compressed with bzip2", kUnpack, "bzip2 -dc FILE | tocsin import --db DIR -"},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "compressed with xz", kUnpack, "xz -dc FILE | tocsin import --db DIR -"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive", kUnpack,
     "7z x -so FILE | tocsin import --db DIR -"},
    {0, "\x04\x22\x4D\x18"sv, "compressed with lz4", kUnpack,
     "lz4 -dc FILE | tocsin import --db DIR -"},
    {0, "\xFF\x06\x00\x00sNaPpY"sv, "compressed with Snappy", kUnpack, "snzip -dc FILE"},
    {0, "\x1F\x9D"sv, "compressed with compress", kUnpack, "zcat FILE | tocsin import --db DIR -"},
    {0, "Obj\x01"sv, "an Avro file", kTocsv, ""},
    {0, "ARROW1\0\0"sv, "an Arrow file", kTocsv, ""},
    {0, "SQLite format 3\0"sv, "an SQLite database", "export its tables as CSV first", ""},
    {0, "LPKSHHRH"sv, "a systemd journal",
     "export it first: ", "journalctl --file FILE -o json | tocsin import --db DIR -"},
    {0, "ElfFile\0"sv, "a Windows event log", kTocsv, ""},
    {0, "\xD0\xCF\x11\xE0"sv, "an Office document", "export it as CSV first", ""},
    {0, "%PDF-"sv, "a PDF document", "it holds no log lines", ""},
    {0,
     "\x7F"
     "ELF"sv,
     "a program", "it holds no log lines", ""},
    {0, "\xFF\xFE\x00\x00"sv, "UTF-32 text",
     "convert it first: ", "iconv -f UTF-32 -t UTF-8 FILE | tocsin import --db DIR -"},
    {0, "\x00\x00\xFE\xFF"sv, "UTF-32 text",
     "convert it first: ", "iconv -f UTF-32 -t UTF-8 FILE | tocsin import --db DIR -"},
    {0, "\x1E{"sv, "a sequence of JSON texts (RFC 7464)",
     "remove its separators first: ", "tr -d '\\036' < FILE | tocsin import --db DIR -"},
    {0, "<?xml"sv, "XML", kTocsv, ""},
    {0, "<Event "sv, "XML", kTocsv, ""},
    {0, "<!DOCTYPE"sv, "an HTML page", "it holds no log lines", ""},
    {0, "<html"sv, "an HTML page", "it holds no log lines", ""},
};

bool has_magic(std::string_view start, const Magic& magic) {
  return start.size() > magic.offset && start.substr(magic.offset).starts_with(magic.bytes);
}

// Control characters that no log has; blocks of NUL bytes, which a crash leaves, do not count.
bool is_binary(std::string_view start) {
  const auto odd = std::count_if(start.begin(), start.end(), [](char c) {
    return is_control(c) && !is_space(c) && c != '\0' && c != '\x1b' && c != '\f' && c != '\b';
  });
  return static_cast<size_t>(odd) > start.size() / 32;
}

ParseOptions sample_options(const ParseOptions& options) {
  ParseOptions out = options;
  out.guess_shapes = false;
  out.more_follows = false;
  out.odd_names_with_time = true;
  if (out.measurement.empty()) out.measurement = "sample";
  return out;
}

// Requires: an object, which gets a value, since a row needs one beside its time.
bool has_time(std::string_view object, const ParseOptions& options) {
  if (object.empty()) return false;
  std::string json = "{\"sample\":1," + std::string(object.substr(1));
  std::replace(json.begin(), json.end(), '\n', ' ');
  Batch batch;
  LineErrors errors;
  JsonLinesParser().parse(batch.keep(std::move(json)), sample_options(options), batch, errors);
  return batch.row_count() > errors.warnings().untimed_count();
}

// Whether a line that begins with `{` is a whole object on its own.
bool is_json_line(std::string_view line) {
  const JsonStart value = read_json_start(line);
  return value.complete && trimmed(line.substr(value.size)).empty();
}

// Whether an object whose end is not in `start` continues in the next lines, as those of a document
// show: they begin with a key or a bracket or end with a comma. If one is a whole object on its
// own, the first line is only a broken one.
bool continues_in_next_lines(std::string_view start) {
  bool continues = false;
  for (std::string_view rest = start; rest.find('\n') != rest.npos;) {
    const bool first = rest.size() == start.size();
    const std::string_view line = trimmed(next_simple_line(rest));
    if (first || line.empty()) continue;
    if (line.starts_with('{') && is_json_line(line)) return false;
    continues |=
        std::string_view("\"}]").find(line[0]) != std::string_view::npos || line.ends_with(',');
  }
  return continues && start.starts_with('{');
}

FormatGuess guess_json(std::string_view start, const ParseOptions& options) {
  FormatGuess guess;
  guess.format = InputFormat::kJson;
  const std::string_view text = trimmed_start(start);
  if (text.starts_with(kTypedJsonStart)) {
    guess.format = InputFormat::kTypedJson;
    return guess;
  }
  if (text.starts_with('[')) {
    guess.format = InputFormat::kJsonDocuments;
    return guess;
  }
  const JsonStart first = read_json_start(text);
  // An event may hold an array of objects, too. It then has a time, or its elements have none.
  if (!first.array_key.empty() && !has_time(first.outer, options) &&
      (first.member_count == 1 || has_time(first.element, options))) {
    guess.format = InputFormat::kJsonDocuments;
    guess.array_key = first.array_key;
    guess.note = fmt::format("its rows are the elements of `{}`", first.array_key);
    if (first.member_count > 1) guess.note += "; the other keys of the object are not stored";
    return guess;
  }
  if (first.complete ? first.has_newline : continues_in_next_lines(text)) {
    guess.format = InputFormat::kJsonDocuments;
    return guess;
  }
  if (first.complete && read_docker_line(text.substr(0, first.size))) {
    guess.format = guess.other_lines = InputFormat::kDocker;
  }
  return guess;
}

/// How well a separator cuts the first records.
struct Cut {
  size_t columns = 1;       // of the first record
  bool consistent = false;  // all records have as many
};

Cut cut_by(std::string_view records, char separator) {
  Cut cut{0, true};
  std::vector<CsvField> fields;
  for (size_t i = 0; i < kSampleRecordsMax && !records.empty();) {
    const std::string_view record = next_record(records, separator);
    if (is_blank_line(record)) continue;
    if (!split_record(record, fields, separator)) {
      cut.consistent = false;
      fields.resize(1);
    }
    if (i++ == 0) cut.columns = fields.size();
    // The last record of the sample may be cut.
    if (fields.size() != cut.columns && !records.empty()) cut.consistent = false;
  }
  return cut;
}

char guess_separator(std::string_view start, Cut& best) {
  char separator = ',';
  best = Cut();
  for (const char candidate : kSeparators) {
    const Cut cut = cut_by(start, candidate);
    const bool better =
        cut.columns > 1 && (best.columns == 1 || cut.consistent > best.consistent ||
                            (cut.consistent == best.consistent && cut.columns > best.columns));
    if (!better) continue;
    separator = candidate;
    best = cut;
  }
  return separator;
}

bool is_extension(std::string_view extension, std::initializer_list<std::string_view> expected) {
  return std::any_of(expected.begin(), expected.end(),
                     [&](std::string_view e) { return equals_ignoring_case(extension, e); });
}

// Whether `start` is CSV, without the evidence of a name. Line protocol always has a `=`; a text
// line has a blank after its time, or no time; and names of columns are short.
bool looks_like_csv(std::string_view start, char separator, const Cut& cut) {
  if (cut.columns < 2 || !cut.consistent) return false;
  std::string_view rest = trimmed_start(start);
  const std::string_view line = next_record(rest, separator);
  if (line.find('=') != line.npos) return false;
  if (const auto time = find_text_time(line, 0); time && time->start <= 1) {
    return time->end < line.size() && (line[time->end] == separator || line[time->end] == '"');
  }
  std::vector<CsvField> fields;
  if (!split_record(line, fields, separator)) return false;
  return std::all_of(fields.begin(), fields.end(), [&](const CsvField& field) {
    return !field.text.empty() && field.text.size() <= kColumnNameBytesMax &&
           !is_space(field.text.front());
  });
}

// At least two words `key=value` at the start, as in logfmt.
bool is_logfmt_line(std::string_view line) {
  for (int i = 0; i < 2; ++i) {
    if (!begins_as_logfmt(line)) return false;
    const size_t equals = line.find('=');
    const size_t blank = line.find(' ', equals);
    const bool quoted = line.substr(equals + 1).starts_with('"');
    const size_t end = quoted ? line.find("\" ", equals + 2) : blank;
    line = end == line.npos ? std::string_view() : line.substr(end + 1);
  }
  return true;
}

/// The lines of a file, without comments and blank lines.
struct LineCounts {
  size_t json = 0;
  size_t line_protocol = 0;
  size_t text = 0;
  size_t timed = 0;      // text lines with a time
  size_t continued = 0;  // text lines without a time, after one with a time
  size_t cri = 0;
  size_t access = 0;
  size_t logfmt = 0;
};

bool parses_as_line_protocol(std::string_view line, const ParseOptions& options) {
  Batch batch;
  LineErrors errors;
  parse_line_protocol(line, options, batch, errors);
  return errors.empty() && !batch.empty();
}

// Line protocol has values with line breaks, so a line may be several lines of the file.
LineCounts count_lines(std::string_view lines, const ParseOptions& options) {
  LineCounts counts;
  std::string plain;
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = without_colours(without_leading_nuls(next_line(rest)), plain);
    if (is_blank_line(line) || trimmed_start(line).starts_with('#')) continue;
    if (format_of_line(line) == LineFormat::kJson) {
      ++counts.json;
      continue;
    }
    if (parses_as_line_protocol(line, options)) {
      ++counts.line_protocol;
      continue;
    }
    ++counts.text;
    const bool has_time = find_text_time(line, 0).has_value();
    counts.timed += has_time ? 1 : 0;
    counts.continued += counts.timed > 0 && !has_time ? 1 : 0;
    counts.cri += read_cri_line(line) ? 1 : 0;
    counts.access += begins_as_access_log(line) ? 1 : 0;
    counts.logfmt += is_logfmt_line(line) ? 1 : 0;
  }
  return counts;
}

// The counts of a line whose end is not in the text, or of the lines that an open quote joins.
LineCounts count_cut_line(std::string_view cut, const ParseOptions& options) {
  std::string_view rest = cut;
  const std::string_view line = next_simple_line(rest);
  const size_t end = line.find_last_not_of('\\') + 1;  // npos + 1 is 0
  const std::string quoted = std::string(line.substr(0, end)) + '"';
  const std::string_view shorter = line.substr(0, std::min(line.rfind(','), line.size()));
  LineCounts counts;
  for (const std::string_view begun : {std::string_view(quoted), shorter}) {
    if (!parses_as_line_protocol(begun, options)) continue;
    counts.line_protocol = 1;
    return counts;
  }
  return count_lines(cut, options);
}

// Whether a line without a time is one that a program adds to the event before it.
bool looks_continued(std::string_view line) {
  return is_blank(line.front()) || line.starts_with("at ") || line.starts_with("Caused by:") ||
         line.starts_with("Traceback ") || line.find_first_of("}])") == 0;
}

// Whether the first line of text has a time, all times are in the same word of their lines, and the
// lines without one look as if they continued an event, or are at least not the most.
bool has_times_at_one_place(std::string_view start) {
  const size_t whole = start.rfind('\n') + 1;  // npos + 1 is 0
  std::string plain;
  size_t timed = 0;
  size_t loose = 0;
  size_t place = 0;
  for (std::string_view rest = whole > 0 ? start.substr(0, whole) : start; !rest.empty();) {
    const std::string_view line = without_colours(next_simple_line(rest), plain);
    if (is_blank_line(line) || format_of_line(line) == LineFormat::kJson) continue;
    const auto time = find_text_time(line, 0);
    if (!time) {
      if (timed == 0) return false;
      loose += looks_continued(line) ? 0 : 1;
      continue;
    }
    const std::string_view before = line.substr(0, time->start);
    const auto words = static_cast<size_t>(std::count(before.begin(), before.end(), ' '));
    if (timed > 0 && words != place) return false;
    place = words;
    ++timed;
  }
  return timed > 0 && loose <= timed;
}

std::string text_note(const LineCounts& counts) {
  if (counts.continued > 0) {
    return fmt::format(
        "{} of its first {} lines have no time, as in a stack trace: each is a row with the time "
        "of "
        "the line before it",
        counts.continued, counts.text);
  }
  return "";
}

FormatGuess guess_lines(std::string_view start, const ParseOptions& options) {
  FormatGuess guess;
  const ParseOptions parse_options = sample_options(options);
  const bool is_whole = start.size() < kFormatBytes && !options.more_follows;
  const size_t whole = whole_lines(start, is_whole);
  LineCounts counts = count_lines(start.substr(0, whole), parse_options);
  if (counts.json + counts.line_protocol + counts.text == 0) {
    counts = count_cut_line(start.substr(whole), parse_options);
  }
  const auto most = [&](size_t count) {
    return count > counts.line_protocol && count * 2 > counts.text;
  };
  if (most(counts.cri)) {
    guess.other_lines = InputFormat::kCri;
  } else if (most(counts.access)) {
    guess.other_lines = InputFormat::kAccess;
  } else if (most(counts.logfmt)) {
    guess.other_lines = InputFormat::kLogfmt;
  } else if (counts.text > counts.line_protocol) {
    guess.other_lines = InputFormat::kText;
    guess.joins_lines = has_times_at_one_place(start);
    if (!guess.joins_lines) guess.note = text_note(counts);
  }
  guess.format = guess.other_lines;
  if (counts.json > counts.text + counts.line_protocol) guess.format = InputFormat::kJson;
  return guess;
}

}  // namespace

std::string_view name_of(InputFormat format) {
  switch (format) {
    case InputFormat::kLineProtocol: return "lp";
    case InputFormat::kJson:
    case InputFormat::kJsonDocuments: return "json";
    case InputFormat::kTypedJson: return "typed json";
    case InputFormat::kCsv: return "csv";
    case InputFormat::kText: return "text";
    case InputFormat::kLogfmt: return "logfmt";
    case InputFormat::kCri: return "cri";
    case InputFormat::kDocker: return "docker";
    case InputFormat::kAccess: return "access";
    case InputFormat::kRegex: return "regex";
  }
  return "";
}

std::optional<InputFormat> line_format_of(std::string_view name) {
  for (const InputFormat format : kLineFormats) {
    if (name_of(format) == name) return format;
  }
  return std::nullopt;
}

std::vector<std::string> line_format_names() {
  std::vector<std::string> names = {"auto"};
  for (const InputFormat format : kLineFormats) names.emplace_back(name_of(format));
  return names;
}

TextEncoding encoding_of(std::string_view start) {
  if (start.starts_with("\x1f\x8b")) return TextEncoding::kGzip;
  if (start.starts_with("\x28\xb5\x2f\xfd")) return TextEncoding::kZstd;
  if (start.size() < 4) return TextEncoding::kPlain;
  if (start.starts_with("\xFF\xFE\x00\x00"sv)) return TextEncoding::kPlain;  // UTF-32
  if (start.starts_with("\xFF\xFE")) return TextEncoding::kUtf16Little;
  if (start.starts_with("\xFE\xFF")) return TextEncoding::kUtf16Big;
  // Without a byte order mark: ASCII in which every second byte is NUL.
  const std::string_view sample = start.substr(0, 64);
  size_t zeros[2] = {};
  for (size_t i = 0; i < sample.size(); ++i) zeros[i % 2] += sample[i] == '\0' ? 1 : 0;
  const size_t most = sample.size() / 2 - sample.size() / 8;
  if (zeros[0] == 0 && zeros[1] > most) return TextEncoding::kUtf16Little;
  if (zeros[1] == 0 && zeros[0] > most) return TextEncoding::kUtf16Big;
  // A newline may still follow the last byte.
  const bool has_cr = start.substr(0, start.size() - 1).find('\r') != start.npos;
  return has_cr && start.find('\n') == start.npos ? TextEncoding::kCarriageReturns
                                                  : TextEncoding::kPlain;
}

std::string_view name_of(TextEncoding encoding) {
  switch (encoding) {
    case TextEncoding::kPlain: break;
    case TextEncoding::kGzip: return "gzip";
    case TextEncoding::kZstd: return "zstd";
    case TextEncoding::kUtf16Little:
    case TextEncoding::kUtf16Big: return "UTF-16";
    case TextEncoding::kCarriageReturns: return "lines that end with a carriage return alone";
  }
  return "plain";
}

UnreadFormat unread_format(std::string_view start) {
  const std::string_view text = trimmed_start(without_byte_order_mark(start));
  for (const Magic& magic : kMagics) {
    if (!has_magic(start, magic) && !(magic.bytes[0] == '<' && has_magic(text, magic))) continue;
    return {std::string(magic.name), fmt::format("{}{}", magic.advice, magic.command)};
  }
  if (is_binary(start)) return {"binary data", "only text formats can be read"};
  return {};
}

std::string_view log_extension(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  const auto extension_of = [](std::string_view n) {
    return n.substr(std::min(n.rfind('.'), n.size()));
  };
  if (const auto packed = extension_of(name); is_extension(packed, {".gz", ".zst"})) {
    name.remove_suffix(packed.size());
  }
  const size_t stem = name.find_last_not_of("0123456789.-_") + 1;  // npos + 1 is 0
  const std::string_view rotation = name.substr(stem);
  if (rotation.size() > 1 && !is_digit(rotation[0])) name = name.substr(0, stem);
  return extension_of(name);
}

FormatGuess guess_format(std::string_view start, std::string_view name, std::string_view path,
                         const ParseOptions& options) {
  start = without_leading_nuls(without_byte_order_mark(start)).substr(0, kFormatBytes);
  const std::string_view text = trimmed_start(start);
  FormatGuess guess;
  if (name == "json") {
    FormatGuess json = guess_json(start, options);
    if (json.format == InputFormat::kDocker) json.format = InputFormat::kJson;
    json.other_lines = InputFormat::kJson;
    return json;
  }
  if (const auto named = line_format_of(name)) {
    guess.format = guess.other_lines = *named;
    guess.joins_lines = named == InputFormat::kText && has_times_at_one_place(start);
    return guess;
  }

  const std::string_view extension = log_extension(path);
  const bool typed_csv = text.starts_with(kTypedCsvStart);
  const bool named_csv = name == "csv" || is_extension(extension, {".csv", ".tsv"});
  const bool named_lp = name == "auto" && is_extension(extension, {".lp", ".ilp"});
  const std::string_view in_array = text.starts_with('[') ? trimmed(text.substr(1)) : "no";
  const bool json_array = in_array.empty() || in_array[0] == '{' || in_array == "]";
  if (!typed_csv && !named_csv && json_array) return guess_json(start, options);
  if (!typed_csv && !named_csv && text.starts_with('{')) {
    guess = guess_json(start, options);
    if (guess.format == InputFormat::kJson) {
      if (named_lp) return guess;
      const FormatGuess other = guess_lines(start, options);
      guess.other_lines = other.other_lines;
      guess.joins_lines = other.joins_lines;
    }
    return guess;
  }
  if (named_lp && !typed_csv) return guess;
  Cut cut;
  guess.csv.separator = typed_csv ? ',' : guess_separator(start, cut);
  if (typed_csv || named_csv || looks_like_csv(start, guess.csv.separator, cut)) {
    guess.format = InputFormat::kCsv;
    return guess;
  }
  return guess_lines(start, options);
}

}  // namespace tocsin
