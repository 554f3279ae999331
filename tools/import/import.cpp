// The pipeline: threads that read and parse, followed by the database's writer thread and encoders.
#include "tools/import/import.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "db/base/mutex.h"
#include "db/limits.h"
#include "net/parse/line_origin.h"
#include "net/parse/scan.h"
#include "tools/import/parse_chunk.h"

namespace tocsin {
namespace {

constexpr auto kReportInterval = std::chrono::milliseconds(200);

/// Parsed rows waiting for the writer: enough to keep it busy, few enough to stay in the caches.
constexpr size_t kPendingBytesMax = 8 * kMiB;

std::string origin_format(const Chunk& chunk) {
  if (chunk.format == InputFormat::kCsv) {
    return std::string(csv_origin(chunk.header->csv.separator));
  }
  return origin_name(chunk.events);
}

/// One import. Shared by its threads.
class Import {
 public:
  Import(Database& database, const ImportOptions& options, std::vector<PlannedFile> files)
      : database_(database), options_(options) {
    progress_.bytes_total = total_bytes(files);
    for (const PlannedFile& file : files) results_.push_back({file.path, file.empty});
    reader_.emplace(std::move(files), options.reader);
  }

  Result<ImportProgress> run(const std::function<void(const ImportProgress&)>& report) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < options_.parser_count; ++i) threads.emplace_back([this] { work(); });
    watch(report);
    for (std::thread& thread : threads) thread.join();
    const Status sealed = database_.seal();  // returns after the callbacks of all writes
    const MutexLock lock(mutex_);
    if (error_) return tl::unexpected<Error>(*error_);
    if (!sealed) return tl::unexpected<Error>(sealed.error());
    add_files_without_rows();
    return progress_;
  }

 private:
  struct FileResult {
    std::string path;
    bool empty = false;
    uint64_t rows = 0;
    uint64_t rejected = 0;  ///< lines and rows
    bool typed = false;     ///< an export, which may have no rows
  };

  void add_files_without_rows() TOCSIN_REQUIRES(mutex_) {
    if (options_.stop != nullptr && options_.stop->load()) return;
    for (const FileResult& file : results_) {
      if (file.rows > 0 || file.empty || (file.typed && file.rejected == 0)) continue;
      progress_.files_without_rows.push_back({file.path, file.rejected});
    }
  }

  void work() {
    ChunkParser parser;
    while (auto numbered = next_chunk()) {
      auto& [number, chunk] = *numbered;
      Parsed parsed = parse_chunk(parser, chunk);
      wait_for_turn(number);
      if (!open_line_.empty()) {
        prepend(open_line_, chunk);
        parsed = parse_chunk(parser, chunk);
      }
      open_line_ = parsed.open_line;
      write(std::move(parsed));
      end_turn();
    }
    const MutexLock lock(mutex_);
    ++workers_done_;
    changed_.notify_all();
  }

  /// The next chunk and its number; nothing at the end, after an error, or if the import was
  /// stopped.
  std::optional<std::pair<uint64_t, Chunk>> next_chunk() {
    const MutexLock lock(reader_mutex_);
    if (stopped()) return std::nullopt;
    auto chunk = reader_->next();
    if (!chunk) give_up(chunk.error());
    if (!chunk || !*chunk) return std::nullopt;
    return std::pair{chunks_read_++, std::move(**chunk)};
  }

  /// Chunks are written in the order in which they were read, so that the same input always makes
  /// the same database.
  void wait_for_turn(uint64_t number) {
    const MutexLock lock(mutex_);
    while (chunks_written_ != number) changed_.wait(mutex_);
  }
  void end_turn() {
    const MutexLock lock(mutex_);
    ++chunks_written_;
    changed_.notify_all();
  }

  /// For a chunk that begins inside a line: inserts `text`, the beginning of that line.
  static void prepend(std::string_view text, Chunk& chunk) {
    const std::string_view lines = chunk.lines;
    chunk.memory = std::make_unique_for_overwrite<char[]>(text.size() + lines.size());
    std::copy(lines.begin(), lines.end(), std::copy(text.begin(), text.end(), chunk.memory.get()));
    chunk.lines = {chunk.memory.get(), text.size() + lines.size()};
    chunk.first_line -= scan::count_byte(text, '\n');
  }

  /// A parsed chunk.
  struct Parsed {
    WriteRequest request;
    size_t file = 0;
    bool typed = false;
    uint64_t input_bytes = 0;
    std::map<std::string, uint64_t> rows;  ///< by measurement
    size_t rejected = 0;
    std::vector<std::string> examples;  ///< of rejected lines
    LineWarnings warnings;
    std::string_view open_line;  ///< continues in the next chunk; owned by the batch
  };

  /// Moves the memory of the chunk into the batch, so that its lines live as long as the batch.
  Parsed parse_chunk(ChunkParser& parser, Chunk& chunk) const {
    Parsed parsed;
    parsed.file = chunk.file;
    parsed.typed = chunk.format == InputFormat::kTypedJson ||
                   (chunk.format == InputFormat::kCsv && chunk.header->csv.typed);
    parsed.input_bytes = chunk.input_bytes;
    parsed.request.source = "import " + chunk.path;
    parsed.request.bulk = true;
    parsed.request.allow_reserved = options_.restore;
    parsed.request.batch = Batch(ConflictPolicy::kKeepInRest);
    Batch& batch = parsed.request.batch;
    const std::string_view lines = chunk.lines;  // after the header, if there is one
    const auto size = static_cast<size_t>(lines.data() + lines.size() - chunk.memory.get());
    batch.keep(std::move(chunk.memory), size);
    const ParseOptions parse_options = parse_options_of(options_, chunk);
    parsed.request.origin = origin_of(origin_format(chunk), parse_options);
    parsed.request.origin.path = chunk.path;
    if (chunk.header) parsed.request.origin.header = chunk.header->text;
    if (chunk.events.pattern) parsed.request.origin.header = chunk.events.pattern->text();
    LineErrors errors;
    parsed.open_line = parser.parse(chunk, lines, parse_options, batch, errors);
    parsed.rejected = errors.count();
    errors.add_all(parsed.request.rejected);
    for (const LineError& error : errors) {
      if (parsed.examples.size() == kRejectedExamplesMax) break;
      parsed.examples.push_back(
          fmt::format("{}:{}: {}", chunk.path, chunk.first_line + error.line - 1, error.reason));
    }
    for (const LineWarning kind : kLineWarnings) {
      const LineWarnings::Entry& entry = errors.warnings()[kind];
      parsed.warnings.add(
          kind, [&] { return chunk.path + (entry.first.empty() ? "" : ": " + entry.first); },
          entry.count);
    }
    for (const RowBatch& rows : batch.measurements()) {
      // A line that is rejected can leave a measurement without rows.
      if (rows.row_count() > 0) parsed.rows[rows.measurement()] = rows.row_count();
    }
    return parsed;
  }

  /// Queues the rows for the database; waits while the queue is full.
  void write(Parsed parsed) {
    if (failed()) return;
    {
      // Counted before the write, whose callback subtracts the rows that it rejects.
      const MutexLock lock(mutex_);
      FileResult& file = results_[parsed.file];
      file.typed = parsed.typed;
      file.rejected += parsed.rejected;
      add_rejected(parsed.rejected, parsed.examples);
      progress_.warnings.add(parsed.warnings);
      progress_.bytes_done += parsed.input_bytes;
      for (const auto& [measurement, count] : parsed.rows) {
        file.rows += count;
        count_events(measurement, count);
      }
    }
    const Status queued = database_.submit(
        std::move(parsed.request), [this, file = parsed.file](const Result<WriteReport>& written) {
          finish_write(written, file);
        });
    if (!queued) give_up(queued.error());
  }

  /// Runs on the database's writer thread once the rows are durable.
  void finish_write(const Result<WriteReport>& written, size_t file) {
    if (!written) return give_up(written.error());
    const MutexLock lock(mutex_);
    results_[file].rows -= written->rejected.size();
    results_[file].rejected += written->rejected.size();
    std::vector<std::string> examples;
    for (const RejectedRow& row : written->rejected) {
      --progress_.events;
      --progress_.events_by_measurement[row.measurement];
      if (examples.size() == kRejectedExamplesMax) continue;
      examples.push_back(row.measurement + ": " + row.reason);
    }
    add_rejected(written->rejected.size(), examples);
  }

  void count_events(const std::string& measurement, uint64_t count) TOCSIN_REQUIRES(mutex_) {
    progress_.events += count;
    progress_.events_by_measurement[measurement] += count;
  }

  void add_rejected(size_t count, const std::vector<std::string>& examples)
      TOCSIN_REQUIRES(mutex_) {
    progress_.rejected += count;
    for (const std::string& example : examples) {
      if (progress_.rejected_examples.size() == kRejectedExamplesMax) break;
      progress_.rejected_examples.push_back(example);
    }
  }

  /// Calls `report` regularly until every worker is done.
  void watch(const std::function<void(const ImportProgress&)>& report) {
    MutexLock lock(mutex_);
    while (!wait_for_workers(std::chrono::steady_clock::now() + kReportInterval)) {
      const ImportProgress progress = progress_;
      lock.unlock();
      report(progress);
      lock.lock();
    }
  }

  /// Whether every worker is done by `deadline`.
  bool wait_for_workers(std::chrono::steady_clock::time_point deadline) TOCSIN_REQUIRES(mutex_) {
    bool in_time = true;
    while (workers_done_ != options_.parser_count && in_time) {
      in_time = changed_.wait_until(mutex_, deadline);
    }
    return workers_done_ == options_.parser_count;
  }

  void give_up(const Error& error) {
    const MutexLock lock(mutex_);
    if (!error_) error_ = error;
  }
  bool failed() {
    const MutexLock lock(mutex_);
    return error_.has_value();
  }
  bool stopped() { return failed() || (options_.stop != nullptr && options_.stop->load()); }

  Database& database_;
  const ImportOptions& options_;

  // The unfinished last line of the chunk written last. Belongs to the thread whose turn it is.
  std::string open_line_;

  Mutex mutex_;
  ConditionVariable changed_;
  unsigned workers_done_ TOCSIN_GUARDED_BY(mutex_) = 0;
  uint64_t chunks_written_ TOCSIN_GUARDED_BY(mutex_) = 0;
  ImportProgress progress_ TOCSIN_GUARDED_BY(mutex_);
  std::vector<FileResult> results_ TOCSIN_GUARDED_BY(mutex_);  // by index of the file
  std::optional<Error> error_ TOCSIN_GUARDED_BY(mutex_);

  Mutex reader_mutex_ TOCSIN_ACQUIRED_BEFORE(mutex_);
  std::optional<ChunkReader> reader_ TOCSIN_GUARDED_BY(reader_mutex_);  // set at construction
  uint64_t chunks_read_ TOCSIN_GUARDED_BY(reader_mutex_) = 0;
};

}  // namespace

DatabaseOptions import_database_options() {
  DatabaseOptions options;
  options.pending_bytes_max = kPendingBytesMax;
  return options;
}

Result<ImportProgress> import_files(Database& database, ImportPlan plan,
                                    const ImportOptions& options,
                                    const std::function<void(const ImportProgress&)>& report) {
  return Import(database, options, std::move(plan.files)).run(report);
}

}  // namespace tocsin
