// Files to chunks.
#include "tools/import/chunk_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin {
namespace {

namespace fs = std::filesystem;

bool has_usual_extension(const fs::path& path) {
  static constexpr std::string_view kExtensions[] = {".json", ".jsonl", ".ndjson",
                                                     ".log",  ".txt",   ".lp"};
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
    return fail(ErrorCode::kNotFound, folder + " holds no file that ends in .json or .lp");
  }
  std::sort(files.begin() + static_cast<ptrdiff_t>(before), files.end());
  return {};
}

std::string folder_name(const std::string& path) {
  return path == "-" ? "" : fs::absolute(path).parent_path().filename().string();
}

class FileReader {
 public:
  ~FileReader() {
    if (fd_ > STDIN_FILENO) close(fd_);
  }

  Status open(const std::string& path) {
    path_ = path;
    fd_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) return failed("opening");
    if (path != "-") posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
    return {};
  }

  /// Fills `out`; the number of bytes read is smaller only at the end of the file.
  Result<size_t> read(std::span<char> out) {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t count = ::read(fd_, out.data() + done, out.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return tl::unexpected<Error>(failed("reading").error());
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    return done;
  }

 private:
  Status failed(const char* attempt) const {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{} {}: {}", attempt, path_, std::strerror(errno)));
  }

  int fd_ = -1;
  std::string path_;
};

LineFormat format_of(const ChunkReaderOptions& options, std::string_view data) {
  if (options.format == "json") return LineFormat::kJson;
  if (options.format == "lp") return LineFormat::kLineProtocol;
  const size_t start = data.find_first_not_of(" \t\r\n");
  return start == std::string_view::npos ? LineFormat::kJson : format_of_line(data.substr(start));
}

/// JSON lines have no raw newline inside, so their last newline is found from behind.
size_t whole_bytes(std::string_view data, LineFormat format, bool at_end) {
  if (at_end) return data.size();
  if (format == LineFormat::kLineProtocol) return whole_lines(data, false);
  const size_t newline = data.rfind('\n');
  if (newline != std::string_view::npos) return newline + 1;
  return data.size() > kLineBytesMax ? data.size() : 0;  // the parser will reject it
}

}  // namespace

Result<std::vector<std::string>> find_files(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument != "-" && fs::is_directory(argument, error)) {
      TOCSIN_RETURN_IF_ERROR(find_in_folder(argument, files));
    } else if (argument != "-" && !fs::exists(argument, error)) {
      return fail(ErrorCode::kNotFound, "there is no file " + argument);
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

Status read_chunks(const std::string& path, const ChunkReaderOptions& options,
                   const std::function<bool(Chunk)>& take) {
  FileReader file;
  TOCSIN_RETURN_IF_ERROR(file.open(path));
  const std::string measurement =
      options.measurement.empty() ? folder_name(path) : options.measurement;
  std::vector<char> buffer(options.chunk_bytes);
  size_t rest = 0;  // bytes at the front of the buffer that are no whole line yet
  std::optional<LineFormat> format;
  uint64_t line = 1;
  for (bool at_end = false; !at_end;) {
    if (rest == buffer.size()) buffer.resize(2 * buffer.size());  // a long line
    TOCSIN_TRY(const size_t count, file.read(std::span(buffer).subspan(rest)));
    at_end = count < buffer.size() - rest;
    const std::string_view data(buffer.data(), rest + count);
    if (!format) format = format_of(options, data);
    const size_t whole = whole_bytes(data, *format, at_end);
    if (whole > 0) {
      std::string lines(data.substr(0, whole));
      const auto line_count = static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
      if (!take({std::move(lines), *format, path, measurement, line})) return {};
      line += line_count;
    }
    rest = data.size() - whole;
    std::memmove(buffer.data(), buffer.data() + whole, rest);
  }
  return {};
}

}  // namespace tocsin
