// Cuts files into chunks.
#include "tools/import/chunk_reader.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "db/base/ascii.h"
#include "db/limits.h"
#include "net/parse/container_log.h"
#include "net/parse/csv_records.h"
#include "net/parse/framer.h"
#include "net/parse/journal.h"
#include "net/parse/scan.h"
#include "net/parse/text_lines.h"
#include "net/parse/typed_json.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

std::string folder_name(const std::string& path) {
  return path == "-" ? "" : fs::absolute(path).parent_path().filename().string();
}

std::string usual_measurement(const std::string& path) {
  // Folders of containers are named after each of them.
  return container_tags(path).empty() ? folder_name(path) : std::string(kUsualMeasurement);
}

bool has_header(InputFormat format) {
  return format == InputFormat::kCsv || format == InputFormat::kTypedJson;
}

// Whether lines can have the time of the line before them.
bool may_have_text(InputFormat format) {
  return format == InputFormat::kText || format == InputFormat::kLogfmt ||
         format == InputFormat::kAccess;
}

// The header as a rejected line needs it: without one in the file, the names that its columns get.
// Blanks can belong to the names of CSV.
std::string header_text(std::string_view lines, const InputHeader& header, InputFormat format) {
  if (format != InputFormat::kCsv) return std::string(trimmed(lines));
  if (lines.empty()) {
    std::string names;
    for (const TypedColumn& column : header.csv.columns) {
      if (!names.empty()) names += header.csv.separator;
      names += column.name;
    }
    return names;
  }
  lines.remove_prefix(std::min(lines.find_first_not_of("\r\n"), lines.size()));
  return std::string(lines.substr(0, lines.find_last_not_of("\r\n") + 1));
}

/// The number of bytes of `data`, in whole lines, that go into a chunk.
size_t whole_bytes(std::string_view data, const EventFormat& events, char separator, bool at_end) {
  if (at_end) return data.size();
  const size_t lines = data.rfind('\n') + 1;  // npos + 1 is 0
  const bool csv = events.lines == InputFormat::kCsv;
  const size_t whole =
      csv ? whole_records(data, separator) : whole_events(events, data.substr(0, lines));
  if (whole != 0) return whole;
  if (data.size() <= kLineBytesMax) return 0;
  const size_t after_nuls = data.rfind('\0') + 1;     // npos + 1 is 0
  return after_nuls != 0 ? after_nuls : data.size();  // the parser rejects the line
}

}  // namespace

ChunkReader::ChunkReader(std::vector<PlannedFile> files, ChunkReaderOptions options)
    : files_(std::move(files)), options_(std::move(options)) {}

Result<std::optional<Chunk>> ChunkReader::next() {
  while (true) {
    if (at_end_) {
      if (next_file_ == files_.size()) return std::nullopt;
      TOCSIN_RETURN_IF_ERROR(open_next_file());
    }
    TOCSIN_TRY(std::optional<Chunk> chunk, next_of_file());
    if (chunk) return chunk;
  }
}

Status ChunkReader::open_next_file() {
  PlannedFile& planned = files_[next_file_];
  file_ = std::move(planned.file);
  if (!file_) {
    TOCSIN_TRY(file_, InputFile::open(planned.path));
  }
  const FormatGuess& guess = planned.guess;
  csv_ = guess.csv;
  csv_.has_header = options_.csv_header;
  chunk_.format = guess.format;
  if (guess.format == InputFormat::kJsonDocuments) {
    file_->cut_documents(guess.array_key);
    chunk_.format = InputFormat::kJson;
  }
  FormatGuess lines = guess;
  lines.other_lines = chunk_.format;
  chunk_.events = event_format_of(lines, options_.format != "auto", options_.events);
  // A file of JSON or line protocol has lines of no other format.
  chunk_.events.recognised &= may_have_text(chunk_.format);
  chunk_.file = next_file_++;
  chunk_.path = planned.path;
  chunk_.measurement =
      options_.measurement.empty() ? usual_measurement(planned.path) : options_.measurement;
  chunk_.first_line = 1;
  chunk_.time_before.reset();
  chunk_.header = nullptr;
  at_end_ = false;
  rest_.clear();
  return {};
}

// Returns nothing if the line is not complete yet, or at the end of the file.
Result<std::optional<Chunk>> ChunkReader::next_of_file() {
  // If a line does not fit into a chunk, the next chunk is twice as long.
  const size_t size = std::max(options_.chunk_bytes, 2 * rest_.size());
  auto memory = std::make_unique_for_overwrite<char[]>(size);
  std::copy(rest_.begin(), rest_.end(), memory.get());
  const auto unread = std::span(memory.get(), size).subspan(rest_.size());
  TOCSIN_TRY(const size_t count, file_->read(unread));
  std::string_view data(memory.get(), rest_.size() + count);
  at_end_ = data.size() < size;
  const size_t whole = whole_bytes(data, chunk_.events, csv_.separator, at_end_);
  rest_ = data.substr(whole);
  if (whole == 0) return std::nullopt;
  Chunk chunk{.memory = std::move(memory),
              .lines = data.substr(0, whole),
              .format = chunk_.format,
              .events = chunk_.events,
              .file = chunk_.file,
              .input_bytes = file_->take_bytes_read(),
              .path = chunk_.path,
              .measurement = chunk_.measurement,
              .first_line = chunk_.first_line,
              .more_follows = !at_end_,
              .time_before = chunk_.time_before,
              .header = chunk_.header};
  if (may_have_text(chunk.format) && !at_end_) {
    const auto last = last_text_time(chunk.lines, SystemClock().now(), chunk.events.recognised);
    if (last) chunk_.time_before = last;
  }
  if (has_header(chunk.format) && !chunk.header) {
    if (trimmed_start(chunk.lines).empty()) {
      chunk_.first_line += scan::count_byte(chunk.lines, '\n');
      return std::nullopt;
    }
    TOCSIN_RETURN_IF_ERROR(read_header(chunk));
  }
  chunk_.first_line = chunk.first_line + scan::count_byte(chunk.lines, '\n');
  return chunk;
}

Status ChunkReader::read_header(Chunk& chunk) {
  InputHeader header;
  std::string_view rest = chunk.lines;
  if (chunk.format == InputFormat::kCsv) {
    auto csv = read_csv_header(rest, csv_);
    if (!csv) return fail(csv.error(), chunk.path);
    header.csv = *std::move(csv);
  } else {
    std::string_view line;
    while (is_blank_line(line)) line = next_line(rest);
    auto columns = read_typed_json_header(line);
    if (!columns) return fail(columns.error(), chunk.path);
    header.columns = *std::move(columns);
  }
  const size_t size = chunk.lines.size() - rest.size();
  header.text = header_text(chunk.lines.substr(0, size), header, chunk.format);
  if (header.text.size() > kRejectedLineBytesMax) header.text.clear();
  chunk.first_line += scan::count_byte(chunk.lines.substr(0, size), '\n');
  chunk.lines = rest;
  chunk.header = chunk_.header = std::make_shared<const InputHeader>(std::move(header));
  return {};
}

}  // namespace tocsin
