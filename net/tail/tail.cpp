#include "net/tail/tail.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "db/base/log.h"
#include "net/parse/container_log.h"
#include "net/parse/journal.h"
#include "net/parse/line_warning_log.h"
#include "net/tail/files.h"
#include "net/tail/reader.h"
#include "net/tail/scanner.h"
#include "net/tail/watch.h"

namespace tocsin {
namespace {

constexpr size_t kReadingMax = 4;         // background reads: one per thread of libuv's pool
constexpr size_t kInFlightFilesMax = 64;  // being read or waiting for their commit
constexpr size_t kInFlightBytesMax = size_t{16} << 20;  // of batches waiting for their commit
constexpr size_t kWatchedFoldersMax = 256;
constexpr size_t kSearchesMax = 2;  // scans in a row for missing files before files are read again

struct Source {
  TailFormat format;
  TailOptions options;
  TimeOptions time;
  EventRules events;
};

// The measurement for lines that name none.
std::string measurement_of(const Source& source, const std::string& path) {
  if (!source.options.measurement.empty()) return source.options.measurement;
  // Folders of containers are named after each of them.
  if (!container_tags(path).empty()) return std::string(kUsualMeasurement);
  const std::string folder = file_name_of(folder_of(path));
  return folder.empty() ? "log" : folder;
}

Result<std::string> absolute_glob(const std::string& path) {
  if (path.empty()) return fail(ErrorCode::kInvalid, "tail: a path is empty");
  std::error_code error;
  const auto full = std::filesystem::absolute(path, error);
  if (error) return fail(ErrorCode::kIo, "tail: " + path + ": " + error.message());
  return full.lexically_normal().string();
}

}  // namespace

class Tail::Impl : public std::enable_shared_from_this<Tail::Impl> {
 public:
  Impl(uv_loop_t* loop, Database& database, const Clock& clock, std::vector<Source> sources,
       TailScanner scanner, TailTiming timing, LagLog* lags)
      : loop_(loop),
        database_(database),
        clock_(clock),
        lags_(lags),
        sources_(std::move(sources)),
        timing_(timing),
        scanner_(std::move(scanner)),
        files_(file_settings(sources_, timing)) {}

  Status start();
  void stop();
  bool caught_up() const { return caught_up_; }
  TailCounters counters() const;

 private:
  static TailFiles::Settings file_settings(const std::vector<Source>& sources,
                                           const TailTiming& timing);

  void request_scan();
  void begin_scan();
  void on_scanned();
  void apply_scan();
  void scan_later();
  void log_effect(const TailFiles::ScanEffect& effect);
  void warn_unmatched();
  void watch_folders();
  void submit_outdated();

  void pump();
  void begin_read(uint64_t id);
  void on_read(uint64_t id, ReadOutcome outcome);
  void accept_read(uint64_t id, ReadOutcome outcome);
  void submit(uint64_t id, ReadOutcome outcome);
  void on_committed(uint64_t id, const TailPosition& next, uint64_t size, size_t bytes,
                    const Result<WriteReport>& report);
  void count(const std::string& path, uint64_t bytes, const WriteReport& report);
  void pause(const Error& error);
  void enqueue(uint64_t id);
  void update_caught_up() { caught_up_ = files_.caught_up(); }
  void warn_once(const std::string& key, const std::string& message);

  uv_loop_t* const loop_;
  Database& database_;
  const Clock& clock_;
  LagLog* const lags_;
  const std::vector<Source> sources_;
  const TailTiming timing_;
  std::atomic<bool> caught_up_ = false;

  // Used only on the loop's thread, unless noted.
  bool stopped_ = false;
  TailScanner scanner_;  // used by the background job while scanning_
  TailFiles files_;
  std::optional<LoopMailbox> mailbox_;
  std::optional<LoopTimer> scan_timer_;
  std::optional<LoopTimer> retry_timer_;
  std::map<std::string, FolderWatch> watches_;
  bool scanning_ = false;       // until the scan is applied
  size_t searches_ = 0;         // scans in a row that looked for missing files
  bool scan_finished_ = false;  // it is applied once the reads in the background have ended
  bool scan_wanted_ = false;
  Duration scan_began_ = 0;  // running time
  Duration scan_took_ = 0;

  std::deque<uint64_t> queue_;  // ids of files to read
  std::set<uint64_t> queued_;
  size_t reading_ = 0;
  size_t in_flight_ = 0;
  size_t in_flight_bytes_ = 0;
  Duration retry_delay_ = 0;  // 0: the store accepts writes
  TailCounters counters_;
  LineWarningLog warnings_;
};

TailFiles::Settings Tail::Impl::file_settings(const std::vector<Source>& sources,
                                              const TailTiming& timing) {
  TailFiles::Settings settings;
  settings.settle = timing.settle;
  settings.open_quote_max = timing.open_quote_max;
  for (const Source& source : sources) {
    settings.from_end.push_back(source.options.from_end);
    settings.event_wait.push_back(source.options.event_wait);
    settings.copy_wait.push_back(source.options.copy_wait);
    settings.last_line_wait.push_back(source.options.last_line_wait);
  }
  return settings;
}

Status Tail::Impl::start() {
  if (sources_.empty()) {
    caught_up_ = true;
    return {};
  }
  TOCSIN_TRY(const auto entries, database_.list(SmallTable::kSources, kPositionPrefix));
  for (const SmallEntry& entry : entries) {
    auto position = decode_position(entry.key, entry.value);
    if (!position) {
      log(LogLevel::kError, position.error().message + "; reading the file from the start");
      continue;
    }
    const auto source = scanner_.source_of(position->path);
    files_.add_stored(*std::move(position), source);
  }
  mailbox_.emplace(loop_);
  scan_timer_.emplace(loop_, [this] { begin_scan(); });
  retry_timer_.emplace(loop_, [this] { pump(); });
  begin_scan();
  return {};
}

void Tail::Impl::stop() {
  stopped_ = true;
  mailbox_.reset();
  scan_timer_.reset();
  retry_timer_.reset();
  watches_.clear();
}

TailCounters Tail::Impl::counters() const {
  TailCounters counters = counters_;
  for (const auto& [id, file] : files_.all()) {
    counters.files += file.path.empty() ? 0 : 1;
    if (file.source) counters.bytes_behind += file.size - std::min(file.size, file.position.offset);
  }
  return counters;
}

// Scans now, or once enough time has passed since the previous scan: scanning uses at most a tenth
// of the time, however many files there are and however often they change.
void Tail::Impl::request_scan() {
  if (stopped_) return;
  if (scanning_) {
    scan_wanted_ = true;
    return;
  }
  const Duration gap = std::max(timing_.scan_gap, 10 * scan_took_);
  const Duration passed = clock_.running() - scan_began_;
  scan_timer_->start(std::max<Duration>(gap - passed, 0));
}

void Tail::Impl::begin_scan() {
  scanning_ = true;
  scan_wanted_ = false;
  scan_began_ = clock_.running();
  scan_timer_->stop();
  files_.begin_scan();
  run_in_background(
      loop_,
      [self = shared_from_this(), missing = files_.missing(), comparisons = files_.comparisons()] {
        self->scanner_.scan(missing, comparisons);
      },
      [self = shared_from_this()] { self->on_scanned(); });
}

void Tail::Impl::on_scanned() {
  if (stopped_) return;
  scan_took_ = std::clamp<Duration>(clock_.running() - scan_began_, 0, kMinute);
  scan_finished_ = true;
  if (reading_ == 0) apply_scan();
}

// A read that is still running may have seen that a new file is a copy. Therefore no read is
// running here, and none starts between the end of the scan and this call.
void Tail::Impl::apply_scan() {
  scanning_ = false;
  scan_finished_ = false;
  const Duration now = clock_.running();
  for (const auto& [path, trouble] : scanner_.troubles()) warn_once(path, trouble);
  if (!scanner_.complete()) return scan_later();
  const auto effect = files_.apply_scan(scanner_.files(), now, scanner_.comparisons());
  log_effect(effect);
  if (effect.search && ++searches_ <= kSearchesMax) return begin_scan();
  searches_ = 0;
  if (!files_.started()) {
    files_.mark_start();
    warn_unmatched();
  }
  update_caught_up();
  watch_folders();
  submit_outdated();
  for (const uint64_t id : files_.to_read(now)) enqueue(id);
  pump();
  if (scan_wanted_ || effect.soon || effect.search) return request_scan();
  scan_later();
}

void Tail::Impl::scan_later() {
  scan_timer_->start(std::max(timing_.poll_interval, 10 * scan_took_));
}

void Tail::Impl::log_effect(const TailFiles::ScanEffect& effect) {
  for (const std::string& path : effect.copies) {
    warn_once("copy " + path,
              path +
                  " has the same content as another followed file; treating it as a copy, and "
                  "reading it from where the two differ if they ever do");
  }
  for (const std::string& path : effect.packed) {
    warn_once("packed " + folder_of(path),
              path +
                  " is compressed and is not read, like all such files in its folder; "
                  "load them with `tocsin import`, or let `paths` not cover them");
  }
  for (const HeldFiles::Lost& lost : effect.lost) {
    const std::string bytes =
        lost.bytes == 0 ? "an unknown number of bytes" : fmt::format("{} bytes", lost.bytes);
    log(LogLevel::kWarning,
        lost.packed_in.empty()
            ? fmt::format("following files: {} of {} are lost: the file was truncated or removed "
                          "before they were read, and no rotated file contains them",
                          bytes, lost.path)
            : fmt::format("following files: {} of {} were not read before the file was compressed; "
                          "they are in {}",
                          bytes, lost.path, lost.packed_in));
  }
}

void Tail::Impl::warn_once(const std::string& key, const std::string& message) {
  warnings_.once(key, "following files: " + message);
}

void Tail::Impl::warn_unmatched() {
  for (const std::string& glob : scanner_.unmatched()) {
    warn_once(glob, fmt::format("no file matches {} so far, or its folder cannot be read", glob));
  }
}

void Tail::Impl::watch_folders() {
  const auto& folders = scanner_.folders();
  std::erase_if(watches_, [&](const auto& watch) {
    return !std::binary_search(folders.begin(), folders.end(), watch.first);
  });
  for (const std::string& folder : folders) {
    if (watches_.size() >= kWatchedFoldersMax) break;
    watches_.try_emplace(folder, loop_, folder, [this] { request_scan(); });
  }
}

// Writes positions of files that disappeared or came back. If submit() fails, the next scan tries
// again; if the commit fails, the next start finds the same changes.
void Tail::Impl::submit_outdated() {
  const Timestamp now = clock_.now() - database_.counters().clock_ahead;
  WriteRequest request;
  request.changes = files_.outdated(now);
  if (!request.changes.empty() && !database_.submit(std::move(request), [](const auto&) {})) return;
  files_.forget_outdated(now);
}

void Tail::Impl::enqueue(uint64_t id) {
  if (queued_.insert(id).second) queue_.push_back(id);
}

void Tail::Impl::pump() {
  if (stopped_ || scan_finished_ || retry_timer_->active()) return;
  while (!queue_.empty() && reading_ < kReadingMax && in_flight_ < kInFlightFilesMax &&
         in_flight_bytes_ < kInFlightBytesMax) {
    const uint64_t id = queue_.front();
    queue_.pop_front();
    queued_.erase(id);
    begin_read(id);
  }
}

void Tail::Impl::begin_read(uint64_t id) {
  const auto it = files_.all().find(id);
  if (it == files_.all().end() || it->second.in_flight) return;  // forgotten since it was queued
  FollowedFile& file = files_.at(id);
  if (!file.source || (file.path.empty() && !file.file)) return;
  const Source& source = sources_[*file.source];
  auto request = std::make_shared<ReadRequest>();
  request->position = file.position;
  request->path = file.path.empty() ? file.position.path : file.path;
  request->file = file.file;
  if (files_.step_of(file, clock_.running()) == TailStep::kReadLast) {
    request->last_line_end = file.size;
  }
  request->start = file.start;
  request->give_up_quote = files_.quote_overdue(file, clock_.running());
  request->format = source.format;
  request->events = source.events;
  // At the start of the file there may be other text than at the last read.
  if (file.position.offset > 0) request->guess = file.guess;
  request->measurement = measurement_of(source, file.position.path);
  request->tags = source.options.tags;
  request->static_tags = source.options.static_tags;
  request->time = source.time;
  request->now = clock_.now();
  request->live = lags_ != nullptr && file.live;
  file.in_flight = true;
  ++reading_;
  ++in_flight_;
  auto outcome = std::make_shared<ReadOutcome>();
  run_in_background(
      loop_, [request, outcome] { *outcome = read_chunk(*request); },
      [self = shared_from_this(), id, outcome] { self->on_read(id, std::move(*outcome)); });
}

void Tail::Impl::on_read(uint64_t id, ReadOutcome outcome) {
  --reading_;
  if (stopped_) return;
  accept_read(id, std::move(outcome));
  if (!scan_finished_ || reading_ > 0) return;
  apply_scan();
  pump();
}

void Tail::Impl::accept_read(uint64_t id, ReadOutcome outcome) {
  using Kind = ReadOutcome::Kind;
  files_.at(id).guess = outcome.guess;
  if (!outcome.notice.empty()) {
    warn_once("format of " + files_.at(id).position.path, outcome.notice);
  }
  if (outcome.kind == Kind::kWrite || outcome.kind == Kind::kNothing) {
    files_.saw(id, outcome.head, outcome.size);
  }
  if (outcome.kind == Kind::kWrite) {
    files_.keep_open(id, outcome.file);
    return submit(id, std::move(outcome));
  }
  --in_flight_;
  switch (outcome.kind) {
    case Kind::kNothing:
      files_.keep_open(id, outcome.file);
      files_.at(id).live = true;
      files_.nothing_whole(id,
                           {outcome.size, outcome.held_back, outcome.complete, outcome.open_event},
                           clock_.running());
      break;
    case Kind::kChanged:
      files_.changed(id);
      request_scan();
      break;
    default: warn_once(files_.at(id).path, outcome.error); files_.failed(id);
  }
  update_caught_up();
  pump();
}

void Tail::Impl::submit(uint64_t id, ReadOutcome outcome) {
  const size_t bytes = outcome.write.batch.byte_size();
  // While other files wait to be read, do not wait for the commit interval.
  if (!queue_.empty()) outcome.write.urgent = true;
  if (!outcome.write.rejected.empty()) {
    const RejectedLine& first = outcome.write.rejected.front();
    warn_once(outcome.write.source, fmt::format("{}: a line was rejected: {} (see `from rejected`)",
                                                outcome.write.source, first.reason));
  }
  const uint64_t rejected = line_count(outcome.write.rejected);
  counters_.rejected += rejected;
  auto done = [post = mailbox_->poster(), weak = weak_from_this(), id, next = outcome.next,
               size = outcome.size, bytes, warnings = std::move(outcome.warnings),
               lags = std::move(outcome.lags), arrival = clock_.now()](Result<WriteReport> report) {
    post([weak, id, next, size, bytes, warnings, lags, arrival, report = std::move(report)] {
      const auto self = weak.lock();
      if (!self) return;
      if (report) {
        self->counters_.untimed +=
            warnings.untimed_count() - warnings[LineWarning::kNoTimestamp].count;
        self->warnings_.lines("following files: " + next.path, warnings,
                              "; name the right key with `time: {key: ...}` in `tail`", 1);
        if (self->lags_) self->lags_->add(lags, arrival);
      }
      self->on_committed(id, next, size, bytes, report);
    });
  };
  const Status submitted = database_.submit(std::move(outcome.write), std::move(done));
  if (submitted) {
    in_flight_bytes_ += bytes;
    return pump();
  }
  --in_flight_;
  counters_.rejected -= rejected;
  files_.put_off(id);
  enqueue(id);
  pause(submitted.error());
}

void Tail::Impl::on_committed(uint64_t id, const TailPosition& next, uint64_t size, size_t bytes,
                              const Result<WriteReport>& report) {
  --in_flight_;
  in_flight_bytes_ -= bytes;
  if (!report) {
    files_.put_off(id);
    enqueue(id);
    return pause(report.error());
  }
  retry_delay_ = 0;
  const FollowedFile& file = files_.at(id);
  count(next.path, next.offset - std::min(next.offset, file.position.offset), *report);
  files_.committed(id, next, size, clock_.running());
  if (next.offset >= size) files_.at(id).live = true;
  if (file.path.empty()) request_scan();  // its rest may be in a copy
  if (files_.step_of(file, clock_.running()) == TailStep::kRead) enqueue(id);
  update_caught_up();
  pump();
}

void Tail::Impl::count(const std::string& path, uint64_t bytes, const WriteReport& report) {
  counters_.bytes += bytes;
  counters_.rows += report.rows_written;
  counters_.rejected += report.rejected.size();
  if (!report.rejected.empty()) {
    warn_once(path, fmt::format("{}: a row was rejected: {} (see `from rejected`)", path,
                                report.rejected.front().reason));
  }
  if (!report.warnings.empty()) {
    const std::string& warning = report.warnings.front();
    warn_once(warning, path + ": " + warning);
  }
}

// The store did not accept the chunk: it is read again later.
void Tail::Impl::pause(const Error& error) {
  if (retry_timer_->active()) return;
  if (retry_delay_ == 0 && error.code != ErrorCode::kBusy) {
    log(LogLevel::kWarning,
        "following files: paused, because the store accepts no writes: " + error.message);
  }
  retry_delay_ = std::clamp(retry_delay_ * 2, timing_.retry_delay, timing_.retry_delay_max);
  retry_timer_->start(retry_delay_);
}

Tail::Tail(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Tail::~Tail() { impl_->stop(); }

Result<std::unique_ptr<Tail>> Tail::create(uv_loop_t* loop, Database& database, const Clock& clock,
                                           std::vector<TailOptions> options, TailTiming timing,
                                           LagLog* lags) {
  std::vector<Source> sources;
  std::vector<std::vector<std::string>> globs;
  std::vector<std::vector<std::string>> excluded;
  for (TailOptions& option : options) {
    TOCSIN_TRY(const TailFormat format, parse_tail_format(option.format));
    std::vector<std::string> absolute;
    for (const std::string& path : option.paths) {
      TOCSIN_TRY(absolute.emplace_back(), absolute_glob(path));
    }
    globs.push_back(std::move(absolute));
    std::vector<std::string> exclude;
    for (const std::string& path : option.exclude) {
      const bool is_name = !path.empty() && path.find('/') == path.npos;
      TOCSIN_TRY(exclude.emplace_back(), is_name ? Result<std::string>(path) : absolute_glob(path));
    }
    excluded.push_back(std::move(exclude));
    auto time = read_time_options(option.time);
    if (!time) return fail(time.error(), "tail: time");
    auto events = read_event_settings(option.events, option.format);
    if (!events) return fail(events.error(), "tail");
    sources.push_back({format, std::move(option), *std::move(time), *std::move(events)});
  }
  return std::unique_ptr<Tail>(new Tail(std::make_shared<Impl>(
      loop, database, clock, std::move(sources),
      TailScanner(std::move(globs), {}, std::move(excluded)), timing, lags)));
}

Status Tail::start() { return impl_->start(); }
bool Tail::caught_up() const { return impl_->caught_up(); }
TailCounters Tail::counters() const { return impl_->counters(); }

}  // namespace tocsin
