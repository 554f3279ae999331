// The pipeline: one reader thread, some parser threads, the database's own writer thread.
#include "tools/import/import.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "tools/import/bounded_queue.h"

namespace tocsin {
namespace {

constexpr auto kReportInterval = std::chrono::milliseconds(200);
constexpr size_t kQueuedChunksMax = 4;      // per parser: enough to hide the reader's waits
constexpr size_t kCommitBytes = 64 * kMiB;  // above 100,000 rows: large segments
constexpr size_t kBytesOpenMax =
    3 * kCommitBytes;  // one being written, one gathering, one to spare

/// One import; its threads share it.
class Import {
 public:
  Import(Database& database, const ImportOptions& options, std::vector<std::string> paths)
      : database_(database),
        options_(options),
        paths_(std::move(paths)),
        chunks_(kQueuedChunksMax * options.parser_count) {
    progress_.bytes_total = total_bytes(paths_);
  }

  Result<ImportProgress> run(const std::function<void(const ImportProgress&)>& report) {
    std::vector<std::thread> threads;
    threads.emplace_back([this] { read(); });
    for (unsigned i = 0; i < options_.parser_count; ++i) threads.emplace_back([this] { parse(); });
    watch(report);
    for (std::thread& thread : threads) thread.join();
    if (error_) return tl::unexpected<Error>(*error_);
    TOCSIN_RETURN_IF_ERROR(database_.seal());
    return progress_;
  }

 private:
  void read() {
    for (const std::string& path : paths_) {
      const Status status = read_chunks(path, options_.reader, [this](Chunk chunk) {
        return !stopped() && chunks_.push(std::move(chunk));
      });
      if (!status) give_up(status.error());
      if (!status || stopped()) break;
    }
    chunks_.close();
  }

  void parse() {
    JsonLinesParser json;
    while (std::optional<Chunk> chunk = chunks_.pop()) {
      if (failed()) continue;  // take the rest away, so that the reader is not left waiting
      write(parse_chunk(json, *std::move(chunk)));
    }
    const std::lock_guard lock(mutex_);
    ++parsers_done_;
    changed_.notify_all();
  }

  /// What a chunk became, with what is needed to say where a row came from.
  struct Parsed {
    WriteRequest request;
    uint64_t byte_count = 0;
    std::map<std::string, uint64_t> rows;
    std::vector<std::string> examples;  ///< of refused lines
  };

  Parsed parse_chunk(JsonLinesParser& json, Chunk chunk) const {
    Parsed parsed;
    parsed.byte_count = chunk.lines.size();
    parsed.request.source = "import " + chunk.path;
    const bool is_json = chunk.format == LineFormat::kJson;
    parsed.request.batch =
        Batch(is_json ? ConflictPolicy::kKeepInRest : ConflictPolicy::kRejectRow);
    Batch& batch = parsed.request.batch;
    const std::string_view lines = batch.keep(std::move(chunk.lines));
    ParseOptions parse_options;
    parse_options.now = SystemClock().now();
    parse_options.measurement = chunk.measurement;
    parse_options.tags = options_.tags;
    parse_options.time_unit = is_json ? 0 : 1;
    std::vector<LineError> errors;
    if (is_json) {
      json.parse(lines, parse_options, batch, errors);
    } else {
      parse_line_protocol(lines, parse_options, batch, errors);
    }
    for (const LineError& error : errors) {
      parsed.request.rejected.push_back({error.reason, std::string(error.text)});
      if (parsed.examples.size() < kRejectedExamplesMax) {
        parsed.examples.push_back(
            fmt::format("{}:{}: {}", chunk.path, chunk.first_line + error.line - 1, error.reason));
      }
    }
    for (const RowBatch& rows : batch.measurements()) {
      parsed.rows[rows.measurement()] = rows.row_count();
    }
    return parsed;
  }

  /// Queues the rows for the database, once there is room.
  void write(Parsed parsed) {
    const size_t byte_size = std::max<size_t>(1, parsed.request.batch.byte_size());  // 0: all done
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return error_ || bytes_open_ < kBytesOpenMax; });
      if (error_) return;
      add_rejected(parsed.request.rejected.size(), parsed.examples);
      bytes_open_ += byte_size;
    }
    WriteRequest request = std::move(parsed.request);
    auto rest = std::make_shared<Parsed>(std::move(parsed));  // std::function wants copies
    const Status queued = database_.submit(
        std::move(request), [this, rest, byte_size](const Result<WriteReport>& written) {
          finish_write(*rest, byte_size, written);
        });
    if (!queued) finish_write(*rest, byte_size, tl::unexpected<Error>(queued.error()));
  }

  /// Runs on the database's writer thread.
  void finish_write(Parsed& parsed, size_t byte_size, const Result<WriteReport>& written) {
    const std::lock_guard lock(mutex_);
    bytes_open_ -= byte_size;
    changed_.notify_all();
    if (!written) {
      if (!error_) error_ = written.error();
      return;
    }
    std::vector<std::string> examples;
    for (const RejectedRow& row : written->rejected) {
      --parsed.rows[row.measurement];
      if (examples.size() == kRejectedExamplesMax) continue;
      examples.push_back(row.measurement + ": " + row.reason);
    }
    add_rejected(written->rejected.size(), examples);
    progress_.bytes_done += parsed.byte_count;
    for (const auto& [measurement, count] : parsed.rows) {
      progress_.events += count;
      progress_.events_by_measurement[measurement] += count;
    }
  }

  void add_rejected(size_t count, const std::vector<std::string>& examples) {
    progress_.rejected += count;
    for (const std::string& example : examples) {
      if (progress_.rejected_examples.size() == kRejectedExamplesMax) break;
      progress_.rejected_examples.push_back(example);
    }
  }

  /// Reports until every parser is done and every write answered.
  void watch(const std::function<void(const ImportProgress&)>& report) {
    std::unique_lock lock(mutex_);
    const auto done = [&] { return parsers_done_ == options_.parser_count && bytes_open_ == 0; };
    while (!changed_.wait_for(lock, kReportInterval, done)) {
      const ImportProgress progress = progress_;
      lock.unlock();
      report(progress);
      lock.lock();
    }
  }

  void give_up(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }
  bool failed() {
    const std::lock_guard lock(mutex_);
    return error_.has_value();
  }
  bool stopped() { return failed() || (options_.stop != nullptr && options_.stop->load()); }

  Database& database_;
  const ImportOptions& options_;
  const std::vector<std::string> paths_;
  BoundedQueue<Chunk> chunks_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  unsigned parsers_done_ = 0;
  size_t bytes_open_ = 0;  ///< of rows that the database has not answered for
  ImportProgress progress_;
  std::optional<Error> error_;
};

}  // namespace

DatabaseOptions import_database_options() {
  DatabaseOptions options;
  options.commit_interval = kSecond;
  options.commit_bytes = kCommitBytes;
  options.pending_bytes_max = 2 * kBytesOpenMax;  // never reached: kBytesOpenMax is kept here
  return options;
}

Result<ImportProgress> import_files(Database& database, const ImportOptions& options,
                                    const std::function<void(const ImportProgress&)>& report) {
  TOCSIN_TRY(std::vector<std::string> paths, find_files(options.paths));
  return Import(database, options, std::move(paths)).run(report);
}

}  // namespace tocsin
