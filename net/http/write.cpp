// Writes over HTTP: a body is split into texts of kTextBytesMax, which are stored one after the
// other, and then answered once.
//
// Most shippers drop a batch after a 4xx. So 4xx is returned only when retrying could not succeed:
// some lines are wrong (the good ones are stored). Transient failures are 503 with Retry-After.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/base/log.h"
#include "db/base/text.h"
#include "db/limits.h"
#include "net/event_loop/address.h"
#include "net/http/api.h"
#include "net/http/dry_run.h"
#include "net/http/json_array.h"
#include "net/http/once.h"
#include "net/http/unpack.h"

namespace tocsin::http {
namespace {

// One text for the parser, unless a line is longer. A text is committed as a whole or not at all.
constexpr size_t kTextBytesMax = 4 * kMiB;
constexpr size_t kShownLineBytes = 64;
constexpr size_t kShownNameBytes = 64;
// After a part of the body is stored, a refusal would make the client send that part again.
constexpr Duration kPatienceAfterFirst = 30 * kSecond;
constexpr const char* kRetryAfterSeconds = "1";

enum class Dialect { kInflux1, kInflux2, kJsonLines };

// With those of InfluxDB that mean nothing here, but that its clients always send.
constexpr std::array<std::string_view, 7> kParametersInflux1 = {"precision",   "debug", "db", "rp",
                                                                "consistency", "u",     "p"};
constexpr std::array<std::string_view, 5> kParametersInflux2 = {"precision", "debug", "org",
                                                                "orgID", "bucket"};
constexpr std::array<std::string_view, 6> kParametersJsonLines = {
    "measurement", "debug", "_time_field", "_time_layout", "_time_zone", "_stream_fields"};

std::span<const std::string_view> known_parameters(Dialect dialect) {
  switch (dialect) {
    case Dialect::kInflux1: return kParametersInflux1;
    case Dialect::kInflux2: return kParametersInflux2;
    case Dialect::kJsonLines: break;
  }
  return kParametersJsonLines;
}

struct WriteJob {
  Dialect dialect = Dialect::kInflux1;
  std::string body;
  std::string_view rest;  // the part of `body` that is not yet ingested
  ParseOptions options;
  std::string peer;  // for the log
  std::string source;
  std::string path;  // of the request
  Reply reply;
  std::shared_ptr<DryRun> dry_run;
  std::shared_ptr<OnceRequest> once;
  uint64_t lines_before = 0;  // in the texts already ingested
  size_t texts_stored = 0;
  size_t rows_written = 0;
  size_t rows_rejected = 0;
  std::vector<std::string> problems;
  uint64_t first_bad_line = 0;
};

Response dialect_error(Dialect dialect, int status, const std::string& message, uint64_t line = 0) {
  if (dialect != Dialect::kInflux2) return error_response(status, message);
  const char* code = status == 401   ? "unauthorized"
                     : status == 403 ? "forbidden"
                     : status == 413 ? "request too large"
                     : status == 503 ? "unavailable"
                                     : "invalid";
  const std::string place = line > 0 ? fmt::format(",\"line\":{}", line) : "";
  return json_response(status, fmt::format("{{\"code\":\"{}\",\"message\":{}{}}}\n", code,
                                           json_quote(message), place));
}

Response unavailable(Dialect dialect, const std::string& message) {
  Response response = dialect_error(dialect, 503, message);
  response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

Response answer_of(const WriteJob& job) {
  if (job.rows_rejected == 0) return {204, "", ""};
  std::string message = job.rows_written > 0 ? "partial write: " : "";
  for (const std::string& problem : job.problems) message += problem + "; ";
  if (job.problems.size() < job.rows_rejected) {
    message += fmt::format("and {} more; ", job.rows_rejected - job.problems.size());
  }
  message += fmt::format("dropped={}", job.rows_rejected);
  log(LogLevel::kWarning, fmt::format("http {}: {}", job.peer, message));
  return dialect_error(job.dialect, 400, message, job.first_bad_line);
}

std::string_view line_of(std::string_view text, uint64_t number) {
  for (; number > 1; --number) text.remove_prefix(text.find('\n') + 1);
  return text.substr(0, text.find('\n'));
}

// Uses InfluxDB's words, which shippers and their users search for.
std::string describe(const WriteJob& job, std::string_view text, const IngestProblem& problem) {
  const uint64_t line = job.lines_before + problem.line;
  if (!problem.unparsed) return fmt::format("line {}: {}", line, problem.reason);
  const std::string_view shown = line_of(text, problem.line);
  return fmt::format("line {}: unable to parse '{}{}': {}", line, shown.substr(0, kShownLineBytes),
                     shown.size() > kShownLineBytes ? "..." : "", problem.reason);
}

void add_report(WriteJob& job, std::string_view text, const IngestReport& report) {
  ++job.texts_stored;
  job.rows_written += report.rows_written;
  job.rows_rejected += report.rows_rejected;
  for (const IngestProblem& problem : report.problems) {
    if (job.first_bad_line == 0) job.first_bad_line = job.lines_before + problem.line;
    if (job.problems.size() < kIngestProblemsMax)
      job.problems.push_back(describe(job, text, problem));
  }
  job.lines_before += static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

// Removes the next lines from `rest`, about kTextBytesMax.
std::string_view next_text(std::string_view& rest) {
  const std::string_view all = rest;
  if (all.size() <= kTextBytesMax) return std::exchange(rest, {});
  while (!rest.empty() && all.size() - rest.size() < kTextBytesMax) next_line(rest);
  return all.substr(0, all.size() - rest.size());
}

void ingest_next(const Context& context, const std::shared_ptr<WriteJob>& job) {
  if (job->rest.empty()) return job->reply(answer_of(*job));
  const std::string_view view = next_text(job->rest);
  IngestText text;
  text.text = view;
  text.format = job->dialect == Dialect::kJsonLines ? LineFormat::kJson : LineFormat::kLineProtocol;
  text.options = job->options;
  text.source = job->source;
  text.path = job->path;
  text.dry_run = job->dry_run;
  text.once = job->once;
  text.once_index = job->texts_stored;
  text.urgent = true;  // the client waits for the answer
  text.alone = job->rest.empty();
  text.time_advice = "; name the right key with the parameter `_time_field` or `listen.time.key`";
  text.patience = job->texts_stored > 0 ? kPatienceAfterFirst : 0;
  context.ingest.add(
      std::move(text), [] {},
      [&context, job, view](const IngestReport& report) {
        if (!report.status) {
          const Error& error = report.status.error();
          const int status = status_of(error.code);
          if (status == 503 || error.code == ErrorCode::kIo)
            return job->reply(unavailable(job->dialect, error.message));
          return job->reply(dialect_error(job->dialect, status, error.message));
        }
        add_report(*job, view, report);
        ingest_next(context, job);
      });
}

// A misspelled parameter would change what is stored without a word.
void warn_of_other_parameters(const Context& context, const Request& request, const WriteJob& job) {
  const auto known = known_parameters(job.dialect);
  for (const std::string& name : request.other_parameters(known)) {
    const std::string shown = name.substr(0, kShownNameBytes);
    const std::vector<std::string> names(known.begin(), known.end());
    const std::string known_names = fmt::format("the known ones are {}", fmt::join(names, ", "));
    context.ingest.warn(
        job.source, request.path, shown,
        fmt::format("{}: the parameter `{}` of {} is ignored; {}", job.source, shown, request.path,
                    did_you_mean(nearest_name(shown, names), known_names)));
  }
}

// Decompresses the body and turns a JSON array into lines, in the background unless the body is
// small; then starts ingesting.
void start_write(const Context& context, Request request, const std::shared_ptr<WriteJob>& job) {
  const Result<Packing> packing = packing_of(request);
  if (!packing) return job->reply(dialect_error(job->dialect, 415, packing.error().message));
  job->peer = request.peer;
  job->source = "http " + host_of_peer(request.peer);
  job->path = request.path;
  job->dry_run = dry_run_of(request, job->reply);
  job->once = once_of(context, request, job->reply);
  warn_of_other_parameters(context, request, *job);
  job->options.now = context.clock.now();
  job->body = std::move(request.body);
  auto unpacked = std::make_shared<Status>();
  const auto prepare = [job, unpacked, packing = *packing, bytes_max = context.body_bytes_max] {
    *unpacked = unpack(packing, bytes_max, job->body);
    if (!*unpacked) return;
    if (job->once) identify_body(*job->once, job->body);
    if (job->body.starts_with(kByteOrderMark)) job->body.erase(0, kByteOrderMark.size());
    if (job->dialect == Dialect::kJsonLines) json_array_to_lines(job->body);
    job->rest = job->body;
  };
  const auto begin = [&context, job, unpacked] {
    if (*unpacked) return ingest_next(context, job);
    const Error& error = unpacked->error();
    const int status = unpack_status(error.code);
    if (status == 503) return job->reply(unavailable(job->dialect, error.message));
    job->reply(dialect_error(job->dialect, status, error.message));
  };
  if (*packing != Packing::kNone || job->body.size() > kLoopTextBytesMax) {
    return run_in_background(context.loop, prepare, begin);
  }
  prepare();
  begin();
}

// Nanoseconds per unit of `precision`; 0 if it is unknown.
int64_t unit_of(Dialect dialect, const std::string& precision) {
  if (precision.empty() || precision == "ns") return 1;
  if (precision == "us") return kMicrosecond;
  if (precision == "ms") return kMillisecond;
  if (precision == "s") return kSecond;
  if (dialect == Dialect::kInflux2) return 0;
  if (precision == "n") return 1;
  if (precision == "u" || precision == "µ") return kMicrosecond;
  if (precision == "m") return kMinute;
  if (precision == "h") return kHour;
  return 0;
}

void write_lines(const Context& context, Dialect dialect, Request request, Reply reply) {
  auto job = std::make_shared<WriteJob>();  // shared by the callbacks of its steps
  job->dialect = dialect;
  job->reply = std::move(reply);
  const std::string precision = request.parameter_or("precision", "");
  job->options.time_unit = unit_of(dialect, precision);
  if (job->options.time_unit == 0) {
    return job->reply(dialect_error(
        dialect, 400,
        fmt::format("invalid precision `{}`; expected {}", precision,
                    dialect == Dialect::kInflux2 ? "ns, us, ms or s" : "ns, u, ms, s, m or h")));
  }
  start_write(context, std::move(request), std::move(job));
}

// The parameters of the request replace the settings one by one.
Result<TimeOptions> time_options(TimeOptions options, const Request& request) {
  const std::string keys = request.parameter_or("_time_field", "");
  if (!keys.empty()) options.keys = split_list(keys);
  const std::string layout = request.parameter_or("_time_layout", "");
  if (!layout.empty()) {
    TOCSIN_TRY(options.layout, TimeLayout::parse(layout));
  }
  const std::string zone = request.parameter_or("_time_zone", "");
  if (!zone.empty()) {
    TOCSIN_TRY(options.zone, TimeZone::load(zone));
  }
  return options;
}

}  // namespace

void handle_write_v1(const Context& context, Request request, Reply reply) {
  write_lines(context, Dialect::kInflux1, std::move(request), std::move(reply));
}

Response refuse_write_v2(const Request&, int status, const std::string& message) {
  return dialect_error(Dialect::kInflux2, status, message);
}

void handle_write_v2(const Context& context, Request request, Reply reply) {
  write_lines(context, Dialect::kInflux2, std::move(request), std::move(reply));
}

void handle_json_lines(const Context& context, Request request, Reply reply) {
  auto job = std::make_shared<WriteJob>();  // shared by the callbacks of its steps
  job->dialect = Dialect::kJsonLines;
  job->reply = std::move(reply);
  job->options.measurement = request.parameter_or("measurement", context.measurement);
  job->options.tags = split_list(request.parameter_or("_stream_fields", ""));
  auto time = time_options(context.time, request);
  if (!time) return job->reply(dialect_error(job->dialect, 400, time.error().message));
  job->options.time = *std::move(time);
  start_write(context, std::move(request), std::move(job));
}

}  // namespace tocsin::http
