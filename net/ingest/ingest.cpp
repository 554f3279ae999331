// Each text is one job: parse and submit (in the background, or on the loop if it is small), commit
// (the store's writer thread), report (loop).
#include "net/ingest/ingest.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "db/base/check.h"
#include "db/base/log.h"
#include "net/ingest/odd_name_limit.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_numbers.h"
#include "net/parse/line_origin.h"
#include "net/parse/line_warning_log.h"
#include "net/parse/odd_names.h"

namespace tocsin {
namespace {

constexpr Duration kRetryDelayMin = 20 * kMillisecond;
constexpr size_t kWarningsPerKind = 10;  // one address may stand for many senders
constexpr Duration kRetryDelayMax = kSecond;

// The offset of each row's line, or the number of its record, by measurement: translates rejected
// rows into numbers of lines.
using RowPlaces = std::map<std::string, std::vector<uint32_t>, std::less<>>;

bool is_transient(ErrorCode code) {
  return code == ErrorCode::kBusy || code == ErrorCode::kDiskFull || code == ErrorCode::kIo;
}

struct Job {
  IngestText input;
  std::function<void()> accepted;
  std::function<void(IngestReport)> done;
  Duration waited = 0;
  Duration retry_delay = kRetryDelayMin;
  // If in the background, its thread also owns the members below except `committed`.
  bool submitting = false;
  bool empty = false;  // only comments and blank lines: nothing to commit
  Status submitted;
  std::optional<Result<WriteReport>> committed;  // arrived while `submitting`
  IngestReport report;
  RowPlaces places;
  size_t lines_rejected = 0;
  LineWarnings warnings;
  std::vector<HostLag> lags;
  bool once_begun = false;
  Timestamp once_until = 0;
  bool remembered = false;           // by the request
  std::vector<SmallChange> expired;  // entries of other texts

  std::string once_key() const { return fmt::format("{}/{}", input.once->key, input.once_index); }
};

void note_places(const Batch& batch, std::string_view text, RowPlaces& places) {
  for (const RowBatch& rows : batch.measurements()) {
    std::vector<uint32_t>& offsets = places[rows.measurement()];
    offsets.reserve(rows.row_count());
    for (const std::string_view line : rows.lines()) {
      offsets.push_back(static_cast<uint32_t>(line.data() - text.data()));
    }
  }
}

ConflictPolicy policy_of(const IngestText& input) {
  const bool lines = input.records == nullptr && input.format == LineFormat::kLineProtocol;
  return lines ? ConflictPolicy::kRejectRow : ConflictPolicy::kKeepInRest;
}

LineOrigin origin_of(const IngestText& input) {
  LineOrigin origin =
      input.origin != nullptr ? input.origin(input.options)
      : input.records != nullptr
          ? record_origin(input.options)
          : origin_of(input.format == LineFormat::kJson ? kOriginJson : kOriginLineProtocol,
                      input.options);
  origin.path = input.path;
  return origin;
}

void parse_lines(Job& job, std::string_view text, const ParseOptions& options, Batch& batch,
                 LineErrors& errors) {
  thread_local JsonLinesParser json_parser;
  if (job.input.format == LineFormat::kJson) {
    json_parser.parse(text, options, batch, errors);
  } else {
    parse_line_protocol(text, options, batch, errors);
  }
  note_places(batch, text, job.places);
}

Status parse_records(Job& job, std::string_view text, const ParseOptions& options,
                     WriteRequest& write, LineErrors& errors) {
  const std::string& measurement = options.measurement;
  if (is_odd_measurement(measurement) && !options.admit_odd_name(measurement))
    return fail(ErrorCode::kInvalid, odd_names_limit_reason(measurement));
  RecordRows rows(options, write.batch, errors);
  TOCSIN_RETURN_IF_ERROR(job.input.records(text, rows));
  TOCSIN_RETURN_IF_ERROR(rows.status());
  if (job.input.origin == nullptr) write.write_line = &row_as_line;
  job.places[measurement] = rows.numbers();
  return {};
}

// Parses a copy of the job's text; the original is kept for a retry.
Result<WriteRequest> parse(Job& job, const Database& database, OddNameLimit& odd_names,
                           bool with_lags) {
  const IngestText& input = job.input;
  WriteRequest write;
  write.batch = Batch(policy_of(input));
  write.source = input.source;
  write.origin = origin_of(input);
  write.urgent = input.urgent;
  const std::string_view text = write.batch.keep(input.text);
  ParseOptions options = input.options;
  options.admit_odd_name = [&](std::string_view name) {
    return database.catalog()->find(name) != nullptr ||
           odd_names.admit(input.source, name, options.now);
  };
  LineErrors errors;
  job.places.clear();
  if (input.records != nullptr) {
    TOCSIN_RETURN_IF_ERROR(parse_records(job, text, options, write, errors));
  } else {
    parse_lines(job, text, options, write.batch, errors);
  }
  if (input.dry_run) {
    const auto lines = std::count(text.begin(), text.end(), '\n');
    input.dry_run->add(write.batch, errors, static_cast<uint64_t>(lines));
    if (input.dry_run->numbers()) errors = LineErrors();  // which it shows
  }
  if (input.rejected) {
    write.rejected.push_back(*input.rejected);
    errors.add({1, input.rejected->reason, {}});
  } else {
    errors.add_all(write.rejected);
  }
  job.report = {};
  for (const LineError& error : errors) {
    if (job.report.problems.size() == input.problems_max) break;
    job.report.problems.push_back({error.line, error.reason, true});
  }
  job.lines_rejected = job.report.rows_rejected = errors.count();
  job.warnings = errors.warnings();
  job.remembered = job.once_begun && job.warnings.untimed_count() == 0;
  if (job.remembered) {
    TextOutcome outcome = job.report;
    outcome.rows_written = write.batch.row_count();
    write.changes.push_back(OnceLog::entry(job.once_key(), job.once_until, outcome));
  }
  write.changes.insert(write.changes.end(), job.expired.begin(), job.expired.end());
  if (with_lags && !input.dry_run) job.lags = lags_of(write.batch, options.now);
  return write;
}

// The numbers of the lines, or records, of the rows that the store refused, as far as they are
// reported.
std::vector<IngestProblem> refused_lines(const Job& job, const std::vector<RejectedRow>& refused,
                                         size_t count_max) {
  std::vector<IngestProblem> problems;
  for (const RejectedRow& row : refused) {
    if (problems.size() == count_max) break;
    const auto places = job.places.find(row.measurement);
    TOCSIN_CHECK(places != job.places.end() && row.row < places->second.size());
    problems.push_back({places->second[row.row], row.reason, false});
  }
  if (job.input.records != nullptr) return problems;
  // In order, so that the text is read once.
  std::sort(problems.begin(), problems.end(),
            [](const IngestProblem& a, const IngestProblem& b) { return a.line < b.line; });
  LineNumbers numbers(job.input.text);
  for (IngestProblem& problem : problems)
    problem.line = numbers.at(job.input.text.data() + problem.line);
  return problems;
}

// Adds the rows that the store refused to the lines that the parser refused.
void add_rejected_rows(Job& job, const WriteReport& stored) {
  IngestReport& report = job.report;
  report.rows_rejected += stored.rejected.size();
  const size_t room = job.input.problems_max - report.problems.size();
  for (IngestProblem& problem : refused_lines(job, stored.rejected, room))
    report.problems.push_back(std::move(problem));
  std::stable_sort(report.problems.begin(), report.problems.end(),
                   [](const IngestProblem& a, const IngestProblem& b) { return a.line < b.line; });
}

}  // namespace

struct Ingest::Impl : std::enable_shared_from_this<Ingest::Impl> {
  uv_loop_t* loop;
  Database& database;
  LagLog* const lags;
  std::optional<LoopMailbox> mailbox;  // empty once the Ingest is destroyed
  Duration patience_max = kTimeMax;
  size_t open_jobs = 0;
  IngestCounters counters;
  OddNameLimit odd_names;
  OnceLog once_log;
  LineWarningLog warnings;

  Impl(uv_loop_t* l, Database& d, LagLog* g)
      : loop(l), database(d), lags(g), mailbox(std::in_place, l) {}

  void start(const std::shared_ptr<Job>& job);
  bool begin_once(const std::shared_ptr<Job>& job);
  void end_once(const Job& job);
  void submit(const std::shared_ptr<Job>& job, const LoopMailbox::Poster& post);
  void after_submit(const std::shared_ptr<Job>& job);
  void after_commit(const std::shared_ptr<Job>& job, const Result<WriteReport>& result);
  bool may_retry(const Job& job, ErrorCode code) const;
  void retry_later(const std::shared_ptr<Job>& job);
  void finish(Job& job);
};

// False: the text was stored before, or its first one is under way.
bool Ingest::Impl::begin_once(const std::shared_ptr<Job>& job) {
  const Timestamp now = job->input.options.now;
  switch (once_log.begin(job->once_key(), now, job->report)) {
    case OnceLog::State::kNew: break;
    case OnceLog::State::kInFlight: retry_later(job); return false;
    case OnceLog::State::kStored:
      ++counters.duplicates;
      ++job->input.once->text_count;
      ++job->input.once->duplicate_count;
      --open_jobs;
      if (job->accepted) std::exchange(job->accepted, nullptr)();
      std::exchange(job->done, nullptr)(std::move(job->report));
      return false;
  }
  job->once_begun = true;
  job->once_until = now + job->input.once->window;
  job->expired = once_log.expire(now);
  return true;
}

// What the store refused is known only after the commit that remembers the text.
void Ingest::Impl::end_once(const Job& job) {
  const IngestReport& report = job.report;
  const bool stored = report.status.has_value() && job.remembered && !job.empty;
  ++job.input.once->text_count;
  once_log.end(job.once_key(), job.once_until, stored ? &report : nullptr);
  if (!stored || report.rows_rejected == job.lines_rejected) return;
  WriteRequest correction;
  correction.changes.push_back(OnceLog::entry(job.once_key(), job.once_until, report));
  static_cast<void>(database.submit(std::move(correction), [](const auto&) {}));
}

void Ingest::Impl::start(const std::shared_ptr<Job>& job) {
  const bool once = job->input.once != nullptr && !job->input.dry_run;
  if (once && !job->once_begun && !begin_once(job)) return;
  job->submitting = true;
  if (job->input.alone && job->input.text.size() <= kLoopTextBytesMax) {
    submit(job, mailbox->poster());
    return after_submit(job);
  }
  run_in_background(
      loop, [self = shared_from_this(), job, post = mailbox->poster()] { self->submit(job, post); },
      [self = shared_from_this(), job] {
        if (self->mailbox) self->after_submit(job);
      });
}

// Runs on any thread.
void Ingest::Impl::submit(const std::shared_ptr<Job>& job, const LoopMailbox::Poster& post) {
  Result<WriteRequest> write = parse(*job, database, odd_names, lags != nullptr);
  if (!write) {
    job->submitted = tl::unexpected<Error>(write.error());
    return;
  }
  job->empty = job->input.dry_run || (write->batch.empty() && write->rejected.empty());
  if (job->empty) return;
  job->submitted =
      database.submit(*std::move(write), [self = this, job, post](Result<WriteReport> result) {
        post([self, job, result = std::move(result)] { self->after_commit(job, result); });
      });
}

void Ingest::Impl::after_submit(const std::shared_ptr<Job>& job) {
  job->submitting = false;
  if (!job->submitted && may_retry(*job, job->submitted.error().code)) return retry_later(job);
  if (job->accepted) std::exchange(job->accepted, nullptr)();
  if (job->empty) return finish(*job);
  if (!job->submitted) {
    job->report.status = job->submitted;
    return finish(*job);
  }
  if (job->committed) after_commit(job, *std::exchange(job->committed, std::nullopt));
}

void Ingest::Impl::after_commit(const std::shared_ptr<Job>& job,
                                const Result<WriteReport>& result) {
  if (job->submitting) {
    job->committed = result;
    return;
  }
  if (!result && may_retry(*job, result.error().code)) return retry_later(job);
  if (result) {
    job->report.rows_written = result->rows_written;
    job->report.warnings = result->warnings;
    add_rejected_rows(*job, *result);
  } else {
    job->report.status = tl::unexpected<Error>(result.error());
  }
  finish(*job);
}

bool Ingest::Impl::may_retry(const Job& job, ErrorCode code) const {
  return is_transient(code) && job.waited < std::min(job.input.patience, patience_max);
}

void Ingest::Impl::retry_later(const std::shared_ptr<Job>& job) {
  // Its own callback keeps the timer alive.
  auto timer = std::make_shared<std::unique_ptr<LoopTimer>>();
  *timer = std::make_unique<LoopTimer>(loop, [self = shared_from_this(), job, timer] {
    const auto fired = std::move(*timer);
    if (self->mailbox) self->start(job);
  });
  (*timer)->start(job->retry_delay);
  job->waited += job->retry_delay;
  job->retry_delay = std::min(job->retry_delay * 2, kRetryDelayMax);
}

void Ingest::Impl::finish(Job& job) {
  --open_jobs;
  if (job.once_begun) end_once(job);
  if (job.report.status && !job.input.dry_run) {
    counters.bytes += job.input.text.size();
    counters.lines_rejected += job.lines_rejected;
    // A line without a timestamp is usual here: it is sent when it happens.
    job.warnings.clear(LineWarning::kNoTimestamp);
    counters.untimed += job.warnings.untimed_count();
    warnings.lines(job.input.source, job.warnings, job.input.time_advice, kWarningsPerKind);
    if (lags) lags->add(job.lags, job.input.options.now);
  }
  const auto done = std::move(job.done);
  done(std::move(job.report));
}

Ingest::Ingest(uv_loop_t* loop, Database& database, LagLog* lags)
    : impl_(std::make_shared<Impl>(loop, database, lags)) {}
Status Ingest::load_once() { return impl_->once_log.load(impl_->database); }
Ingest::~Ingest() { impl_->mailbox.reset(); }

void Ingest::add(IngestText text, std::function<void()> accepted,
                 std::function<void(IngestReport)> done) {
  auto job = std::make_shared<Job>();  // shared by the callbacks of its stages
  job->input = std::move(text);
  job->accepted = std::move(accepted);
  job->done = std::move(done);
  ++impl_->open_jobs;
  impl_->start(job);
}

void Ingest::warn(const std::string& source, std::string_view kind, std::string_view description,
                  const std::string& message) {
  impl_->warnings.of_kind(source, kind, description, message, kWarningsPerKind);
}

void Ingest::limit_patience(Duration patience) { impl_->patience_max = patience; }
bool Ingest::idle() const { return impl_->open_jobs == 0; }
IngestCounters Ingest::counters() const { return impl_->counters; }

}  // namespace tocsin
