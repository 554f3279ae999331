// Cuts files into chunks.
#include "tools/import/chunk_reader.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/ascii.h"
#include "db/base/file.h"
#include "db/limits.h"
#include "net/parse/csv_records.h"
#include "net/parse/framer.h"
#include "net/parse/nul_blocks.h"
#include "net/parse/scan.h"
#include "net/parse/typed_json.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

bool has_usual_extension(const fs::path& path) {
  static constexpr std::string_view kExtensions[] = {".json", ".jsonl", ".ndjson", ".log",
                                                     ".txt",  ".lp",    ".csv"};
  return std::find(std::begin(kExtensions), std::end(kExtensions), path.extension().string()) !=
         std::end(kExtensions);
}

Status find_in_folder(const std::string& folder, std::vector<std::string>& files) {
  std::error_code error;
  const size_t before = files.size();
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file() && has_usual_extension(it->path())) files.push_back(it->path());
  }
  if (error) return fail(ErrorCode::kIo, fmt::format("reading {}: {}", folder, error.message()));
  if (files.size() == before) {
    return fail(
        ErrorCode::kNotFound,
        folder +
            " contains no log files; their names must end in .json, .jsonl, .ndjson, .log, .txt, "
            ".lp or .csv");
  }
  std::sort(files.begin() + static_cast<ptrdiff_t>(before), files.end());
  return {};
}

std::string folder_name(const std::string& path) {
  return path == "-" ? "" : fs::absolute(path).parent_path().filename().string();
}

// Column names separated by commas. Line protocol always has a `=`.
bool is_csv_header(std::string_view line) {
  return line.starts_with(kTypedCsvStart) ||
         (line.find(',') != line.npos && line.find('=') == line.npos);
}

InputFormat format_of(const ChunkReaderOptions& options, const std::string& path,
                      std::string_view data) {
  const std::string_view start = trimmed_start(data);
  const std::string_view line = start.substr(0, start.find('\n'));
  const bool is_json = line.empty() || line.front() == '{';
  const bool any = options.format == "auto";
  if (options.format == "lp") return InputFormat::kLineProtocol;
  if (options.format == "csv") return InputFormat::kCsv;
  if (any && (fs::path(path).extension() == ".csv" || (!is_json && is_csv_header(line)))) {
    return InputFormat::kCsv;
  }
  if (any && !is_json) return InputFormat::kLineProtocol;
  return line.starts_with(kTypedJsonStart) ? InputFormat::kTypedJson : InputFormat::kJson;
}

bool has_header(InputFormat format) {
  return format == InputFormat::kCsv || format == InputFormat::kTypedJson;
}

/// The number of bytes of `data`, in whole lines, that go into a chunk.
size_t whole_bytes(std::string_view data, InputFormat format, bool at_end) {
  if (at_end) return data.size();
  const size_t whole =
      format == InputFormat::kCsv ? whole_records(data) : data.rfind('\n') + 1;  // npos + 1 is 0
  if (whole != 0) return whole;
  if (data.size() <= kLineBytesMax) return 0;
  const size_t after_nuls = data.rfind('\0') + 1;     // npos + 1 is 0
  return after_nuls != 0 ? after_nuls : data.size();  // the parser rejects the line
}

}  // namespace

Result<std::vector<std::string>> find_files(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument != "-" && fs::is_directory(argument, error)) {
      TOCSIN_RETURN_IF_ERROR(find_in_folder(argument, files));
    } else if (argument != "-" && !fs::exists(argument, error)) {
      return fail(ErrorCode::kNotFound, "no such file or directory: " + argument);
    } else {
      files.push_back(argument);
    }
  }
  return files;
}

uint64_t total_bytes(const std::vector<std::string>& paths) {
  uint64_t total = 0;
  for (const std::string& path : paths) {
    struct stat status {};
    const int result = path == "-" ? fstat(STDIN_FILENO, &status) : stat(path.c_str(), &status);
    if (result != 0 || !S_ISREG(status.st_mode)) return 0;
    total += static_cast<uint64_t>(status.st_size);
  }
  return total;
}

ChunkReader::ChunkReader(std::vector<std::string> paths, ChunkReaderOptions options)
    : paths_(std::move(paths)), options_(std::move(options)) {}

ChunkReader::~ChunkReader() {
  if (fd_ > STDIN_FILENO) close(fd_);
}

Result<std::optional<Chunk>> ChunkReader::next() {
  while (true) {
    if (at_end_) {
      if (next_path_ == paths_.size()) return std::nullopt;
      TOCSIN_RETURN_IF_ERROR(open_next_file());
    }
    TOCSIN_TRY(std::optional<Chunk> chunk, next_of_file());
    if (chunk) return chunk;
  }
}

Status ChunkReader::open_next_file() {
  const std::string& path = paths_[next_path_++];
  if (fd_ > STDIN_FILENO) close(fd_);
  fd_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return open_error(path, errno);
  if (path != "-") posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  chunk_.path = path;
  chunk_.measurement = options_.measurement.empty() ? folder_name(path) : options_.measurement;
  chunk_.first_line = 1;
  chunk_.header = nullptr;
  format_known_ = false;
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
  TOCSIN_TRY(const size_t count, read_up_to(fd_, std::as_writable_bytes(unread), chunk_.path));
  std::string_view data(memory.get(), rest_.size() + count);
  at_end_ = data.size() < size;
  if (!format_known_) {
    data = without_leading_nuls(without_byte_order_mark(data));
    chunk_.format = format_of(options_, chunk_.path, data);
    format_known_ = !data.empty();
  }
  const size_t whole = whole_bytes(data, chunk_.format, at_end_);
  rest_ = data.substr(whole);
  if (whole == 0) return std::nullopt;
  Chunk chunk{std::move(memory),  data.substr(0, whole), chunk_.format, chunk_.path,
              chunk_.measurement, chunk_.first_line,     !at_end_,      chunk_.header};
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
    auto csv = read_csv_header(rest);
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
  if (size <= kRejectedLineBytesMax) header.text = trimmed(chunk.lines.substr(0, size));
  chunk.first_line += scan::count_byte(chunk.lines.substr(0, size), '\n');
  chunk.lines = rest;
  chunk.header = chunk_.header = std::make_shared<const InputHeader>(std::move(header));
  return {};
}

}  // namespace tocsin
