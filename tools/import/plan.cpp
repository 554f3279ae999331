#include "tools/import/plan.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/base/ascii.h"
#include "net/parse/event_time.h"
#include "tools/import/import.h"
#include "tools/import/parse_chunk.h"

namespace tocsin {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownMax = 5;  // files, for one reason, and keys
constexpr std::array<std::string_view, 10> kUsualExtensions = {
    ".json", ".jsonl", ".ndjson", ".log", ".txt", ".text", ".lp", ".ilp", ".csv", ".tsv"};

std::string usual_extensions() {
  return fmt::format("{} (also rotated, or with .gz or .zst)", fmt::join(kUsualExtensions, ", "));
}

bool is_log_name(std::string_view name) {
  const std::string_view extension = log_extension(name);
  return std::any_of(kUsualExtensions.begin(), kUsualExtensions.end(),
                     [&](std::string_view e) { return equals_ignoring_case(extension, e); });
}

/// Collects the files of one import.
class Planner {
 public:
  explicit Planner(const ImportOptions& options) : options_(options) {}

  Result<ImportPlan> plan() {
    for (const std::string& argument : options_.paths) {
      std::error_code error;
      if (argument != "-" && fs::is_directory(argument, error)) {
        TOCSIN_RETURN_IF_ERROR(add_folder(argument));
      } else if (argument != "-" && !fs::exists(argument, error)) {
        return fail(ErrorCode::kNotFound, "no such file or directory: " + argument);
      } else {
        TOCSIN_RETURN_IF_ERROR(add_file(argument, false));
      }
    }
    for (const auto& [reason, paths] : passed_over_) {
      plan_.notes.push_back(fmt::format("passed over {}: {}", names_of(paths), reason));
    }
    return std::move(plan_);
  }

 private:
  Status add_folder(const std::string& folder) {
    std::error_code error;
    std::vector<std::string> found;
    for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error)) {
      std::error_code ignored;
      const std::string path = it->path();
      if (it->is_directory(ignored)) continue;
      if (!it->is_regular_file(ignored)) {
        pass_over(path, "not a regular file");
      } else if (!is_log_name(it->path().filename().string())) {
        pass_over(path, "the name does not end in " + usual_extensions());
      } else {
        found.push_back(path);
      }
    }
    if (error) return fail(ErrorCode::kIo, fmt::format("reading {}: {}", folder, error.message()));
    std::sort(found.begin(), found.end());
    const size_t before = plan_.files.size();
    for (const std::string& path : found) TOCSIN_RETURN_IF_ERROR(add_file(path, true));
    if (plan_.files.size() > before) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("{} contains no files to import; their names must end in {}", folder,
                            usual_extensions()));
  }

  // `in_folder`: what cannot be read is passed over.
  Status add_file(const std::string& path, bool in_folder) {
    auto opened = InputFile::open(path);
    if (!opened && in_folder && opened.error().code == ErrorCode::kInvalid) {
      pass_over(path, opened.error().message.substr(path.size() + 1));
      return {};
    }
    if (!opened) return tl::unexpected<Error>(opened.error());
    std::unique_ptr<InputFile> file = *std::move(opened);
    PlannedFile planned;
    planned.path = path;
    planned.empty = file->is_empty();
    planned.guess = guess_format(file->start(), options_.reader.format, path,
                                 parse_options_of(options_, Chunk()));
    if (!planned.guess.note.empty()) {
      plan_.notes.push_back(fmt::format("{}: {}", path, planned.guess.note));
    }
    TOCSIN_RETURN_IF_ERROR(check_rows(planned, std::string(file->start())));
    if (!file->is_regular()) planned.file = std::move(file);
    plan_.files.push_back(std::move(planned));
    return {};
  }

  // Parses the start of the file.
  Status check_rows(const PlannedFile& planned, std::string start) {
    const bool cut = start.size() == kFormatBytes;
    const bool typed = planned.guess.format == InputFormat::kTypedJson ||
                       trimmed_start(start).starts_with(kTypedCsvStart);
    if (typed) return {};
    // Half a line may be a row without its time; half an event of a JSON document is none.
    const bool documents = planned.guess.format == InputFormat::kJsonDocuments;
    if (cut && !documents) start.resize(start.rfind('\n') + 1);  // npos + 1 is 0
    std::vector<PlannedFile> files(1);
    files[0].path = planned.path;
    files[0].guess = planned.guess;
    files[0].file = InputFile::of_text(std::move(start));
    ChunkReader reader(std::move(files), options_.reader);
    ChunkParser parser;
    std::set<std::string> keys;
    size_t rows = 0;
    while (true) {
      TOCSIN_TRY(std::optional<Chunk> chunk, reader.next());
      if (!chunk) break;
      ParseOptions parse_options = parse_options_of(options_, *chunk);
      if (parse_options.measurement.empty()) parse_options.measurement = "sample";
      Batch batch;
      LineErrors errors;
      parser.parse(*chunk, chunk->lines, parse_options, batch, errors);
      if (batch.row_count() > errors.warnings().untimed_count()) {
        if (chunk->format == InputFormat::kLineProtocol) note_unit(planned.path, batch);
        return {};
      }
      rows += batch.row_count();
      for (const RowBatch& measurement : batch.measurements()) {
        for (const Lane& lane : measurement.lanes()) keys.insert(lane.name);
      }
    }
    if (rows == 0 || options_.time_now) return {};
    return fail(ErrorCode::kInvalid, no_time_message(planned, rows, cut, keys));
  }

  // Timestamps of line protocol are nanoseconds here. Those of other units are in January 1970.
  void note_unit(const std::string& path, const Batch& batch) {
    constexpr Timestamp kPlausibleStart = 978'307'200 * kSecond;  // 2001
    for (const RowBatch& rows : batch.measurements()) {
      for (const Timestamp time : rows.times()) {
        if (time_unit_by_size(time) == 1 || scale_time(time, 0) < kPlausibleStart) return;
      }
    }
    plan_.notes.push_back(fmt::format(
        "{}: its timestamps look like seconds, ms or us, but they are read as nanoseconds, as in "
        "January 1970; to state the unit, send the lines to a server: curl --data-binary @FILE "
        "'http://127.0.0.1:8086/write?precision=ms'",
        path));
  }

  static std::string no_time_message(const PlannedFile& planned, size_t rows, bool cut,
                                     const std::set<std::string>& keys) {
    std::string message = fmt::format("{}: no time is found in {}{} row{}, so that ", planned.path,
                                      cut         ? "the first "
                                      : rows == 1 ? "its "
                                                  : "any of its ",
                                      rows, rows == 1 ? "" : "s");
    message += "all would be stored at the current time. Nothing was imported. ";
    const InputFormat format = planned.guess.format;
    if (format == InputFormat::kLineProtocol) {
      message += "Line protocol has its timestamp at the end of the line. ";
    } else if (format == InputFormat::kText) {
      message += "The file is read as plain text (see --format). ";
    } else {
      std::vector<std::string> shown;
      for (const std::string& key : keys) {
        if (shown.size() < kShownMax) shown.push_back('`' + key + '`');
      }
      message += fmt::format("Its keys are {}{}; name the one with the time: --time KEY. ",
                             fmt::join(shown, ", "), keys.size() > kShownMax ? " and others" : "");
    }
    return message + "To accept the current time, use --time now";
  }

  void pass_over(const std::string& path, const std::string& reason) {
    passed_over_[reason].push_back(path);
  }

  static std::string names_of(const std::vector<std::string>& paths) {
    const size_t count = std::min(paths.size(), kShownMax);
    std::string text = fmt::format(
        "{}", fmt::join(paths.begin(), paths.begin() + static_cast<ptrdiff_t>(count), ", "));
    if (paths.size() > count) text += fmt::format(" and {} more files", paths.size() - count);
    return text;
  }

  const ImportOptions& options_;
  ImportPlan plan_;
  std::map<std::string, std::vector<std::string>> passed_over_;  // by reason
};

}  // namespace

Result<ImportPlan> plan_import(const ImportOptions& options) { return Planner(options).plan(); }

uint64_t total_bytes(const std::vector<PlannedFile>& files) {
  uint64_t total = 0;
  for (const PlannedFile& file : files) {
    struct stat status {};
    const int result =
        file.path == "-" ? fstat(STDIN_FILENO, &status) : stat(file.path.c_str(), &status);
    if (result != 0 || !S_ISREG(status.st_mode)) return 0;
    total += static_cast<uint64_t>(status.st_size);
  }
  return total;
}

}  // namespace tocsin
