#include "net/tail/reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "net/parse/framer.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_origin.h"
#include "net/parse/line_protocol.h"

namespace tocsin {
namespace {

// Of a line that is too long, between two commits: as much as is read in the time of a commit.
constexpr uint64_t kSkippedBytesMax = uint64_t{64} << 20;
std::string_view name_of(TailFormat format) {
  switch (format) {
    case TailFormat::kAuto: return kOriginAuto;
    case TailFormat::kJson: return kOriginJson;
    case TailFormat::kLineProtocol: break;
  }
  return kOriginLineProtocol;
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

// Consecutive lines of one format: the bytes [start, end) of the data.
struct Run {
  LineFormat format = LineFormat::kLineProtocol;
  size_t start = 0;
  size_t end = 0;
};

std::vector<Run> runs_of(std::string_view lines, TailFormat format) {
  if (format == TailFormat::kJson) return {{LineFormat::kJson, 0, lines.size()}};
  if (format == TailFormat::kLineProtocol) return {{LineFormat::kLineProtocol, 0, lines.size()}};
  std::vector<Run> runs;
  for (std::string_view rest = lines; !rest.empty();) {
    const size_t start = lines.size() - rest.size();
    const std::string_view line = next_line(rest);
    const LineFormat own = format_of_line(line);
    // Blank lines belong to the lines around them.
    const bool joins = !runs.empty() && (own == runs.back().format || is_blank_line(line));
    if (!joins) runs.push_back({own, start, start});
    runs.back().end = lines.size() - rest.size();
  }
  return runs;
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

// Turns whole lines, which begin at `offset` in the file, into rows and rejected lines.
void parse_lines(std::string lines, const ReadRequest& request, uint64_t offset,
                 ReadOutcome& outcome) {
  WriteRequest& write = outcome.write;
  const std::vector<Run> runs = runs_of(lines, request.format);
  // A batch has one policy: if it has any JSON line, rows of line protocol keep conflicting values,
  // too.
  const bool json = std::any_of(runs.begin(), runs.end(),
                                [](const Run& run) { return run.format == LineFormat::kJson; });
  write.batch = Batch(json ? ConflictPolicy::kKeepInRest : ConflictPolicy::kRejectRow);
  const std::string_view kept = write.batch.keep(std::move(lines));
  const ParseOptions options = options_of(request);
  JsonLinesParser json_parser;
  LineErrors errors;
  for (const Run& run : runs) {
    const std::string_view text = kept.substr(run.start, run.end - run.start);
    if (run.format == LineFormat::kJson) {
      json_parser.parse(text, options, write.batch, errors);
    } else {
      parse_line_protocol(text, options, write.batch, errors);
    }
  }
  for (const LineError& error : errors) {
    const auto at = offset + static_cast<uint64_t>(error.text.data() - kept.data());
    write.rejected.push_back(rejected_line(
        fmt::format("{} (line at byte {} of the file)", error.reason, at), error.text));
  }
  errors.add_counted(write.rejected);
  outcome.warnings = errors.warnings();
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

bool is_last_line(const ReadRequest& request, uint64_t end) { return request.last_line_end == end; }

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

// The number of bytes of `data` that are complete lines. `at_end`: the data reaches the end of the
// file.
size_t complete_bytes(std::string_view data, bool at_end, const ReadRequest& request,
                      ReadOutcome& outcome) {
  if (at_end && is_last_line(request, outcome.next.offset + data.size())) return data.size();
  StreamFramer framer;
  const size_t whole = framer.whole_lines(data);
  if (whole > 0 || !at_end) return whole;
  outcome.complete = is_complete_object(data);
  outcome.held_back = framer.holds_lines_back();
  return request.give_up_quote ? framer.give_up_quote() : 0;
}

// Reads at `offset` until the data holds a whole line or exceeds the limit of a line.
Result<std::string> read_lines(const ReadRequest& request, uint64_t offset, ReadOutcome& outcome,
                               size_t& whole) {
  for (size_t wanted = kTailChunkBytes;; wanted *= 2) {
    wanted = std::min(wanted, kLineBytesMax + kTailChunkBytes);
    TOCSIN_TRY(std::string data, outcome.file->read(offset, wanted));
    const bool at_end = data.size() < wanted;
    whole = complete_bytes(data, at_end, request, outcome);
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
  size_t whole = 0;
  TOCSIN_TRY(std::string data, read_lines(request, offset, outcome, whole));
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
    parse_lines(std::move(data), request, offset, outcome);
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
  if (name == "auto") return TailFormat::kAuto;
  if (name == "json") return TailFormat::kJson;
  if (name == "lp") return TailFormat::kLineProtocol;
  return fail(
      ErrorCode::kInvalid,
      fmt::format("unknown format `{}` of a followed file; expected auto, json or lp", name));
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
    outcome.write.origin = origin_of(name_of(request.format), options_of(request));
    outcome.write.origin.path = request.path;
    outcome.write.changes.push_back(
        {SmallTable::kSources, position_key(outcome.next.id), encode_position(outcome.next)});
  }
  return outcome;
}

}  // namespace tocsin
