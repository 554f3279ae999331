#include "net/tail/reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "net/parse/container_log.h"
#include "net/parse/event_parser.h"
#include "net/parse/framer.h"
#include "net/parse/json_documents.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_origin.h"
#include "net/parse/text_lines.h"

namespace tocsin {
namespace {

// Of a line that is too long, between two commits: as much as is read in the time of a commit.
constexpr uint64_t kSkippedBytesMax = uint64_t{64} << 20;

EventFormat format_of(const ReadRequest& request, const FormatGuess& guess) {
  return event_format_of(guess, request.format.has_value(), request.events);
}

ParseOptions options_of(const ReadRequest& request) {
  ParseOptions options;
  options.now = request.now;
  options.time_unit = 0;
  options.measurement = request.measurement;
  options.tags = request.tags;
  options.time = request.time;
  return options;
}

ReadOutcome failed(const Error& error) {
  ReadOutcome outcome;
  outcome.error = error.message;
  return outcome;
}

// The beginning and size of a file at one moment.
struct FileState {
  FileKey key;
  uint64_t size = 0;
  std::string head;

  bool continues(const TailPosition& p) const {
    return key == FileKey{p.device, p.inode} && size >= p.offset && has_head(head, p);
  }
};

Result<FileState> state_of(const OpenFile& file) {
  TOCSIN_TRY(const auto facts, file.facts());
  TOCSIN_TRY(std::string head, file.read(0, kHeadBytesMax));
  return FileState{{facts.device, facts.inode}, facts.size, std::move(head)};
}

// Opens the file and checks that it is still the file of the position.
Status open_and_check(const ReadRequest& request, ReadOutcome& outcome) {
  outcome.file = request.file;
  if (!outcome.file) {
    auto opened = OpenFile::open(request.path);
    if (!opened && opened.error().code == ErrorCode::kNotFound) {
      outcome.kind = ReadOutcome::Kind::kChanged;
      return {};
    }
    if (!opened) return tl::unexpected(opened.error());
    outcome.file = *std::move(opened);
  }
  TOCSIN_TRY(FileState state, state_of(*outcome.file));
  const bool same = state.continues(request.position);
  outcome.kind = same ? ReadOutcome::Kind::kNothing : ReadOutcome::Kind::kChanged;
  outcome.size = state.size;
  outcome.head = std::move(state.head);
  outcome.next = request.position;
  if (request.position.offset == 0 && outcome.head.starts_with(kByteOrderMark)) {
    outcome.next.offset = kByteOrderMark.size();
  }
  return {};
}

// The file may have been truncated and written again while it was read: what was read counts only
// if the file is not shorter and still begins with `outcome.head`. Sets the head of the position,
// which may have grown.
Status check_again(const ReadRequest& request, ReadOutcome& outcome) {
  TOCSIN_TRY(FileState state, state_of(*outcome.file));
  const bool same = state.continues(request.position) && state.size >= outcome.size &&
                    state.head.starts_with(outcome.head);
  if (!same) outcome.kind = ReadOutcome::Kind::kChanged;
  outcome.head = std::move(state.head);
  outcome.next.head_size = static_cast<uint32_t>(outcome.head.size());
  outcome.next.head_hash = head_hash(outcome.head);
  return {};
}

FormatGuess named_format(InputFormat format) {
  FormatGuess guess;
  guess.format = guess.other_lines = format;
  return guess;
}

// Whether the first line is an object that holds nothing but an array of events. Other keys beside
// the array would be lost.
bool is_wrapped_line(std::string_view start) {
  const JsonStart first = read_json_start(start);
  return !first.has_newline && first.member_count == 1 && !first.array_key.empty();
}

bool is_last_line(const ReadRequest& request, uint64_t end) { return request.last_line_end == end; }

// Why the file cannot be followed, by its first bytes; without a name if it can, or if `format`
// says what it is.
UnreadFormat unread_format_of(std::string_view start, TailFormat format) {
  const TextEncoding encoding = encoding_of(start);
  if (encoding == TextEncoding::kCarriageReturns) {
    return {std::string("text in ") + std::string(name_of(encoding)),
            "load the file with `tocsin import`, or let its writer end lines with a newline"};
  }
  if (format) return {};
  if (encoding == TextEncoding::kPlain) return unread_format(start);
  return {fmt::format("in {}", name_of(encoding)),
          "only plain UTF-8 text can be followed; load the file with `tocsin import`"};
}

// Decides by the start of the file, unless an earlier read has. Returns nothing if the file cannot
// be read.
Result<std::optional<FormatGuess>> guess_format_of(const ReadRequest& request,
                                                   ReadOutcome& outcome) {
  if (request.guess) {
    outcome.guess = request.guess;
    return *request.guess;
  }
  const bool named = request.format.has_value();
  const bool may_join = request.format == InputFormat::kText && request.events.multi_line;
  if (named && !may_join && outcome.next.offset >= kFormatBytes) {
    return named_format(*request.format);
  }
  TOCSIN_TRY(const std::string start, outcome.file->read(0, kFormatBytes));
  if (const UnreadFormat unread = unread_format_of(start, request.format); !unread.name.empty()) {
    // More bytes may bring the first newline.
    const bool decided = start.size() == kFormatBytes || is_last_line(request, outcome.size) ||
                         encoding_of(start) != TextEncoding::kCarriageReturns;
    if (!decided) return std::nullopt;
    outcome.notice =
        fmt::format("{} is {} and is not read: {}", request.path, unread.name, unread.advice);
    return std::nullopt;
  }
  if (named && !may_join) return named_format(*request.format);
  ParseOptions options = options_of(request);
  options.more_follows = true;
  if (named) {
    FormatGuess guess = guess_format(start, name_of(*request.format), request.path, options);
    if (start.size() == kFormatBytes) outcome.guess = std::make_shared<const FormatGuess>(guess);
    return guess;
  }
  FormatGuess guess = guess_format(start, "auto", request.path, options);
  std::string note = guess.note;
  if (guess.format == InputFormat::kCsv) {
    guess.other_lines = InputFormat::kText;
    note =
        "it looks like CSV, which cannot be followed: each line is stored as text; load the file "
        "with `tocsin import`";
  } else if (guess.format == InputFormat::kJsonDocuments && !is_wrapped_line(start)) {
    guess.array_key.clear();
    note =
        "it holds JSON arrays or objects with line breaks, which cannot be followed: only lines "
        "that are whole objects are stored, one row each; load the file with `tocsin import`";
  }
  if (!note.empty()) outcome.notice = request.path + ": " + note;
  if (start.size() == kFormatBytes) outcome.guess = std::make_shared<const FormatGuess>(guess);
  return guess;
}

// The time of the last line before `offset` that has one, for lines that continue an event.
Result<std::optional<Timestamp>> time_before(const ReadRequest& request,
                                             const ReadOutcome& outcome) {
  const uint64_t offset = request.position.offset;
  const uint64_t from = offset > kFormatBytes ? offset - kFormatBytes : 0;
  TOCSIN_TRY(const std::string before,
             outcome.file->read(from, static_cast<size_t>(offset - from)));
  return last_text_time(before, request.now, !request.format);
}

// Turns lines of wrapped events, which begin at `offset` in the file, into rows and rejected lines.
void parse_wrapped_lines(std::string_view lines, const ParseOptions& options, uint64_t offset,
                         JsonLinesParser& parser, ReadOutcome& outcome) {
  WriteRequest& write = outcome.write;
  LineErrors errors;
  parser.parse(write.batch.keep(unwrapped_lines(lines)), options, write.batch, errors);
  for (const LineError& error : errors) {
    write.rejected.push_back(rejected_line(
        fmt::format("{} (after byte {} of the file)", error.reason, offset), error.text));
  }
  errors.add_counted(write.rejected);
  outcome.warnings.add(errors.warnings());
}

// Turns whole lines, which begin at `offset` in the file, into rows and rejected lines.
void parse_lines(std::string lines, const ReadRequest& request, const FormatGuess& guess,
                 uint64_t offset, std::optional<Timestamp> text_time, ReadOutcome& outcome) {
  WriteRequest& write = outcome.write;
  const EventFormat format = format_of(request, guess);
  const std::vector<LineRun> runs = runs_of(format, lines);
  // A batch has one policy: if it has any line of JSON or text, rows of line protocol keep
  // conflicting values, too.
  const bool keep = std::any_of(runs.begin(), runs.end(), [](const LineRun& run) {
    return run.format != InputFormat::kLineProtocol;
  });
  write.batch = Batch(keep ? ConflictPolicy::kKeepInRest : ConflictPolicy::kRejectRow);
  const std::string_view kept = write.batch.keep(std::move(lines));
  ParseOptions options = options_of(request);
  options.static_tags = with_container_tags(format.lines, request.path, request.static_tags);
  LineErrors errors;
  if (guess.array_key.empty()) {
    EventParser().parse(format, kept, options, text_time, write.batch, errors);
  } else {
    EventParser parser;
    JsonLinesParser json_parser;
    for (const LineRun& run : runs) {
      const std::string_view text = kept.substr(run.start, run.end - run.start);
      if (run.format == InputFormat::kJson) {
        parse_wrapped_lines(text, options, offset + run.start, json_parser, outcome);
      } else {
        parser.parse(format, text, options, text_time, write.batch, errors);
      }
    }
  }
  for (const LineError& error : errors) {
    const auto at = offset + static_cast<uint64_t>(error.text.data() - kept.data());
    write.rejected.push_back(rejected_line(
        fmt::format("{} (line at byte {} of the file)", error.reason, at), error.text));
  }
  errors.add_counted(write.rejected);
  outcome.warnings.add(errors.warnings());
  if (request.live) outcome.lags = lags_of(write.batch, request.now);
}

void finish_write(ReadOutcome& outcome) {
  outcome.kind = ReadOutcome::Kind::kWrite;
  // A long file must not wait for the commit interval after each chunk.
  outcome.write.urgent = outcome.size - outcome.next.offset >= kTailChunkBytes;
}

// Moves the position to the start of the line that contains `start`, so that a line that is still
// being written is read whole, or to exactly that byte.
Status move_to(ReadStart where, ReadOutcome& outcome) {
  uint64_t start = std::min(where.offset, outcome.size);
  if (where.exact && start > 0) {
    outcome.next.offset = start;
    TOCSIN_TRY(const std::string last, outcome.file->read(start - 1, 1));
    outcome.next.line = last.ends_with('\n') ? LineState::kStart : LineState::kTaken;
  }
  while (start > 0 && !where.exact) {
    const uint64_t from = start > kTailChunkBytes ? start - kTailChunkBytes : 0;
    TOCSIN_TRY(const std::string data, outcome.file->read(from, static_cast<size_t>(start - from)));
    const size_t newline = data.rfind('\n');
    start = from;
    if (newline == std::string::npos) continue;
    outcome.next.offset = from + newline + 1;
    break;
  }
  outcome.kind = ReadOutcome::Kind::kWrite;
  return {};
}

// Whether the text is one object in braces, without a newline. Whether it is valid is found when
// it is parsed.
bool is_complete_object(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with('{')) return false;
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') return false;
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{') ++depth;
    if (c == '}' && --depth == 0) return i + 1 == text.size();
  }
  return false;
}

// Whether lines of line protocol, whose values may have line breaks, are among those of the format.
bool may_hold_newlines(InputFormat other) {
  return other == InputFormat::kLineProtocol || other == InputFormat::kJson;
}

// The number of bytes of `data` that are complete lines. `at_end`: the data reaches the end of the
// file.
size_t complete_bytes(std::string_view data, bool at_end, const ReadRequest& request,
                      const EventFormat& format, ReadOutcome& outcome) {
  if (at_end && is_last_line(request, outcome.next.offset + data.size())) return data.size();
  if (!may_hold_newlines(format.lines)) {
    const size_t lines = data.rfind('\n') + 1;  // npos + 1 is 0
    const size_t events = whole_events(format, data.substr(0, lines));
    outcome.open_event = events == 0 && lines > 0 && at_end;
    return outcome.open_event && request.give_up_quote ? lines : events;
  }
  StreamFramer framer;
  const size_t whole = framer.whole_lines(data);
  if (whole > 0 || !at_end) return whole;
  outcome.complete = is_complete_object(data);
  outcome.held_back = framer.holds_lines_back();
  return request.give_up_quote ? framer.give_up_quote() : 0;
}

// Reads at `offset` until the data holds a whole line or exceeds the limit of a line.
Result<std::string> read_lines(const ReadRequest& request, const EventFormat& format,
                               uint64_t offset, ReadOutcome& outcome, size_t& whole) {
  for (size_t wanted = kTailChunkBytes;; wanted *= 2) {
    wanted = std::min(wanted, kLineBytesMax + kTailChunkBytes);
    TOCSIN_TRY(std::string data, outcome.file->read(offset, wanted));
    const bool at_end = data.size() < wanted;
    whole = complete_bytes(data, at_end, request, format, outcome);
    // NUL bytes in a line that exceeds the limit end it: what follows them may be a line.
    if (whole == 0 && data.size() > kLineBytesMax) whole = data.rfind('\0') + 1;  // npos + 1 is 0
    if (whole > 0 || at_end || wanted > kLineBytesMax) return data;
  }
}

// Skips the rest of a line that was rejected for its length, up to a newline or NUL byte, or
// kSkippedBytesMax of it.
Status skip_long_line(ReadOutcome& outcome) {
  const uint64_t start = outcome.next.offset;
  bool at_end = false;
  while (outcome.next.line == LineState::kSkip && !at_end &&
         outcome.next.offset - start < kSkippedBytesMax) {
    TOCSIN_TRY(const std::string data, outcome.file->read(outcome.next.offset, kTailChunkBytes));
    const size_t end = data.find_first_of(kLongLineEnds);
    const bool found = end != std::string::npos;
    at_end = data.size() < kTailChunkBytes;
    outcome.next.offset += found ? end + 1 : data.size();
    if (found) outcome.next.line = LineState::kStart;
  }
  outcome.size = std::max(outcome.size, outcome.next.offset);
  if (outcome.next.offset > start) finish_write(outcome);
  return {};
}

// Rejects what was written after the end of a line that was taken without its newline.
Status reject_continuation(const ReadRequest& request, ReadOutcome& outcome) {
  const uint64_t offset = outcome.next.offset;
  TOCSIN_TRY(std::string data, outcome.file->read(offset, kTailChunkBytes));
  outcome.size = std::max<uint64_t>(outcome.size, offset + data.size());
  const size_t newline = data.find('\n');
  const bool found = newline != std::string::npos;
  const bool too_long = data.size() == kTailChunkBytes;
  const bool ended = !data.empty() && is_last_line(request, offset + data.size());
  if (!found && !too_long && !ended) return {};
  outcome.kind = ReadOutcome::Kind::kWrite;
  outcome.next.offset += found ? newline + 1 : data.size();
  if (found) outcome.next.line = LineState::kStart;
  if (!found && too_long) outcome.next.line = LineState::kSkip;
  data.resize(std::min(data.size(), newline));
  if (is_blank_line(data)) return {};
  outcome.write.rejected.push_back(rejected_line(
      fmt::format("continues the line that ended without a newline at byte {} of the file and was "
                  "stored after a while (see `last_line_wait`)",
                  offset),
      data));
  return {};
}

Status read_rows(const ReadRequest& request, ReadOutcome& outcome) {
  const uint64_t offset = outcome.next.offset;
  TOCSIN_TRY(const std::optional<FormatGuess> guess, guess_format_of(request, outcome));
  if (!guess) {
    if (!is_last_line(request, outcome.size)) return {};
    outcome.next.offset = std::max(offset, outcome.size);
    outcome.kind = ReadOutcome::Kind::kWrite;
    return {};
  }
  const InputFormat other = guess->other_lines;
  const EventFormat format = format_of(request, *guess);
  outcome.write.origin = origin_of(origin_name(format), options_of(request));
  if (format.pattern) outcome.write.origin.header = format.pattern->text();
  size_t whole = 0;
  TOCSIN_TRY(std::string data, read_lines(request, format, offset, outcome, whole));
  outcome.size = std::max<uint64_t>(outcome.size, offset + data.size());
  if (offset < kHeadBytesMax) {
    outcome.head.resize(std::min<size_t>(outcome.head.size(), offset));
    outcome.head.append(data, 0, kHeadBytesMax - offset);
  }
  if (whole > 0) {
    data.resize(whole);
    outcome.next.offset = offset + whole;
    const bool taken = !data.ends_with('\n') && is_last_line(request, outcome.next.offset);
    if (taken) outcome.next.line = LineState::kTaken;
    std::optional<Timestamp> text_time;
    if (!may_hold_newlines(other)) {
      TOCSIN_TRY(text_time, time_before(request, outcome));
    }
    parse_lines(std::move(data), request, *guess, offset, text_time, outcome);
  } else if (data.size() > kLineBytesMax) {
    outcome.write.rejected.push_back(
        rejected_line(fmt::format("the line at byte {} of the file is longer than {} bytes", offset,
                                  kLineBytesMax),
                      data));
    outcome.next.offset = offset + data.size();
    outcome.next.line = LineState::kSkip;
  } else {
    return {};
  }
  finish_write(outcome);
  return {};
}

Status read_on(const ReadRequest& request, ReadOutcome& outcome) {
  if (request.start) return move_to(*request.start, outcome);
  switch (outcome.next.line) {
    case LineState::kSkip: return skip_long_line(outcome);
    case LineState::kTaken: return reject_continuation(request, outcome);
    default: return read_rows(request, outcome);
  }
}

}  // namespace

Result<TailFormat> parse_tail_format(std::string_view name) {
  if (name == "auto") return TailFormat();
  if (const auto format = line_format_of(name)) return TailFormat(*format);
  return fail(ErrorCode::kInvalid,
              fmt::format("unknown format `{}` of a followed file; expected {}", name,
                          fmt::join(line_format_names(), ", ")));
}

ReadOutcome read_chunk(const ReadRequest& request) {
  ReadOutcome outcome;
  if (const auto opened = open_and_check(request, outcome); !opened) return failed(opened.error());
  if (outcome.kind == ReadOutcome::Kind::kChanged) return outcome;
  const Status done = read_on(request, outcome);
  if (!done) return failed(done.error());
  if (const auto checked = check_again(request, outcome); !checked) return failed(checked.error());
  if (outcome.kind == ReadOutcome::Kind::kWrite) {
    outcome.next.gone_since = 0;
    outcome.write.source = request.path;
    outcome.write.origin.path = request.path;
    outcome.write.changes.push_back(
        {SmallTable::kSources, position_key(outcome.next.id), encode_position(outcome.next)});
  }
  return outcome;
}

}  // namespace tocsin
