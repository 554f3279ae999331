// The pipeline: threads that read and parse, followed by the database's writer thread and encoders.
#include "tools/import/import.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "db/base/mutex.h"
#include "db/limits.h"
#include "net/parse/csv_rows.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_origin.h"
#include "net/parse/line_protocol.h"
#include "net/parse/scan.h"
#include "net/parse/typed_json.h"

namespace tocsin {
namespace {

constexpr auto kReportInterval = std::chrono::milliseconds(200);

/// Parsed rows waiting for the writer: enough to keep it busy, few enough to stay in the caches.
constexpr size_t kPendingBytesMax = 8 * kMiB;

std::string_view origin_format(InputFormat format) {
  switch (format) {
    case InputFormat::kLineProtocol: return kOriginLineProtocol;
    case InputFormat::kJson: return kOriginJson;
    case InputFormat::kTypedJson: return kOriginTypedJson;
    case InputFormat::kCsv: break;
  }
  return kOriginCsv;
}

/// One import. Shared by its threads.
class Import {
 public:
  Import(Database& database, const ImportOptions& options, const std::vector<std::string>& paths)
      : database_(database), options_(options), reader_(paths, options.reader) {
    progress_.bytes_total = total_bytes(paths);
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
    return progress_;
  }

 private:
  void work() {
    Parsers parsers;
    while (auto numbered = next_chunk()) {
      auto& [number, chunk] = *numbered;
      Parsed parsed = parse_chunk(parsers, chunk);
      wait_for_turn(number);
      if (!open_line_.empty()) {
        prepend(open_line_, chunk);
        parsed = parse_chunk(parsers, chunk);
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
    auto chunk = reader_.next();
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
    uint64_t byte_count = 0;
    std::map<std::string, uint64_t> rows;  ///< by measurement
    size_t rejected = 0;
    std::vector<std::string> examples;  ///< of rejected lines
    LineWarnings warnings;
    std::string_view open_line;  ///< continues in the next chunk; owned by the batch
  };

  /// Parsers that a thread reuses for all chunks.
  struct Parsers {
    JsonLinesParser json;
    TypedJsonParser typed_json;
  };

  /// Moves the memory of the chunk into the batch, so that its lines live as long as the batch.
  Parsed parse_chunk(Parsers& parsers, Chunk& chunk) const {
    Parsed parsed;
    parsed.request.source = "import " + chunk.path;
    parsed.request.bulk = true;
    parsed.request.allow_reserved = options_.restore;
    const bool is_line_protocol = chunk.format == InputFormat::kLineProtocol;
    parsed.request.batch = Batch(ConflictPolicy::kKeepInRest);
    Batch& batch = parsed.request.batch;
    const std::string_view lines = chunk.lines;  // after the header, if there is one
    parsed.byte_count = static_cast<uint64_t>(lines.data() + lines.size() - chunk.memory.get());
    batch.keep(std::move(chunk.memory), parsed.byte_count);
    ParseOptions parse_options;
    parse_options.now = SystemClock().now();
    parse_options.measurement = chunk.measurement;
    parse_options.tags = options_.tags;
    parse_options.time = options_.time;
    parse_options.time_unit = is_line_protocol ? 1 : 0;
    parsed.request.origin = origin_of(origin_format(chunk.format), parse_options);
    parsed.request.origin.path = chunk.path;
    if (chunk.header) parsed.request.origin.header = chunk.header->text;
    LineErrors errors;
    switch (chunk.format) {
      case InputFormat::kLineProtocol:
        parse_options.more_follows = chunk.more_follows;
        parsed.open_line = lines.substr(parse_line_protocol(lines, parse_options, batch, errors));
        parsed.byte_count -= parsed.open_line.size();
        break;
      case InputFormat::kJson: parsers.json.parse(lines, parse_options, batch, errors); break;
      case InputFormat::kTypedJson:
        parsers.typed_json.parse(lines, chunk.header->columns, parse_options, batch, errors);
        break;
      case InputFormat::kCsv:
        parse_csv(lines, chunk.header->csv, parse_options, batch, errors);
        break;
    }
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
      parsed.rows[rows.measurement()] = rows.row_count();
    }
    return parsed;
  }

  /// Queues the rows for the database; waits while the queue is full.
  void write(Parsed parsed) {
    if (failed()) return;
    {
      // Counted before the write, whose callback subtracts the rows that it rejects.
      const MutexLock lock(mutex_);
      add_rejected(parsed.rejected, parsed.examples);
      progress_.warnings.add(parsed.warnings);
      progress_.bytes_done += parsed.byte_count;
      for (const auto& [measurement, count] : parsed.rows) count_events(measurement, count);
    }
    const Status queued =
        database_.submit(std::move(parsed.request),
                         [this](const Result<WriteReport>& written) { finish_write(written); });
    if (!queued) give_up(queued.error());
  }

  /// Runs on the database's writer thread once the rows are durable.
  void finish_write(const Result<WriteReport>& written) {
    if (!written) return give_up(written.error());
    const MutexLock lock(mutex_);
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
  std::optional<Error> error_ TOCSIN_GUARDED_BY(mutex_);

  Mutex reader_mutex_ TOCSIN_ACQUIRED_BEFORE(mutex_);
  ChunkReader reader_ TOCSIN_GUARDED_BY(reader_mutex_);
  uint64_t chunks_read_ TOCSIN_GUARDED_BY(reader_mutex_) = 0;
};

}  // namespace

DatabaseOptions import_database_options() {
  DatabaseOptions options;
  options.pending_bytes_max = kPendingBytesMax;
  return options;
}

Result<ImportProgress> import_files(Database& database, const ImportOptions& options,
                                    const std::function<void(const ImportProgress&)>& report) {
  TOCSIN_TRY(std::vector<std::string> paths, find_files(options.paths));
  return Import(database, options, std::move(paths)).run(report);
}

}  // namespace tocsin
