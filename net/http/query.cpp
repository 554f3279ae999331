// /api/query: runs a query on the query threads and stops it when its client disconnects.
#include <algorithm>
#include <atomic>
#include <map>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/limits.h"
#include "net/http/api.h"
#include "net/parse/json_event.h"
#include "net/parse/number.h"
#include "query/format/result_writer.h"
#include "rules/rule_file.h"

namespace tocsin::http {
namespace {

constexpr std::string_view kParameterPrefix = "param.";
constexpr std::string_view kJsonParameters = "params";

struct QueryJob {
  std::string text;
  ResultFormat format = ResultFormat::kJson;
  FormatOptions format_options;
  QueryOptions options;
  std::shared_ptr<std::atomic<bool>> cancelled;  // shared with the connection
  Reply reply;
};

const char* content_type_of(ResultFormat format) {
  switch (format) {
    case ResultFormat::kJson: return "application/json";
    case ResultFormat::kNdjson: return "application/x-ndjson";
    case ResultFormat::kCsv: return "text/csv; charset=utf-8";
    case ResultFormat::kTable:
    case ResultFormat::kLineProtocol: return "text/plain; charset=utf-8";
  }
  return "text/plain";
}

// The settings of a query.
struct QuerySettings {
  Parameters texts;                     // if a name occurs several times, the first counts
  std::map<std::string, Value> values;  // of `$name`, from JSON; override those in texts
};

Value value_of(const JsonValue& json) {
  switch (json.kind) {
    case JsonValue::Kind::kI64: return Value::of(json.i64);
    case JsonValue::Kind::kU64: return Value::of(json.u64);
    case JsonValue::Kind::kF64: return Value::of(json.f64);
    case JsonValue::Kind::kBool: return Value::of(json.boolean);
    default: return Value::of(std::string(json.text));
  }
}

// Adds a member of `params`; `keys` are those of JsonValue without `params`.
Status add_json_parameter(std::string_view keys, const JsonValue& json, QuerySettings& settings) {
  const std::string name(keys.substr(0, keys.find('\0')));
  const bool is_object = name.size() != keys.size();
  if (is_object || json.kind == JsonValue::Kind::kArray) {
    return fail(ErrorCode::kInvalid,
                fmt::format("params: `{}` is an {}; expected a string, a number or a boolean", name,
                            is_object ? "object" : "array"));
  }
  settings.values[name] = value_of(json);
  return {};
}

Status read_json(std::string body, QuerySettings& settings) {
  JsonFlattener flattener;
  const size_t size = body.size();
  body.append(kJsonPadding, ' ');
  if (!flattener.flatten(std::string_view(body).substr(0, size))) {
    return fail(ErrorCode::kInvalid, "the request's body: " + flattener.error());
  }
  for (const JsonValue& value : flattener.values()) {
    const size_t end = std::min(value.keys.find('\0'), value.keys.size());
    if (value.keys.substr(0, end) != kJsonParameters) {
      settings.texts.emplace_back(value.path == "query" ? "q" : value.path, value.text);
    } else if (end == value.keys.size()) {
      return fail(ErrorCode::kInvalid, "params: expected an object of names and values");
    } else {
      TOCSIN_RETURN_IF_ERROR(add_json_parameter(value.keys.substr(end + 1), value, settings));
    }
  }
  return {};
}

// The settings in the body and in the URL; those in the body take precedence.
Result<QuerySettings> settings_of(const Request& request) {
  QuerySettings settings;
  if (request.method == "POST" && !request.body.empty()) {
    if (request.has_content_type("application/json")) {
      TOCSIN_RETURN_IF_ERROR(read_json(request.body, settings));
    } else if (request.has_content_type("application/x-www-form-urlencoded") &&
               request.body.starts_with("q=")) {
      settings.texts = parse_parameters(request.body);
    } else {  // also bodies that curl -d sends as x-www-form-urlencoded by default
      settings.texts.emplace_back("q", request.body);
    }
  }
  settings.texts.insert(settings.texts.end(), request.parameters.begin(), request.parameters.end());
  return settings;
}

Result<Timestamp> parse_now(const std::string& text, const TimeZone& zone) {
  if (const auto ns = parse_i64(text)) return *ns;
  auto time = parse_time(text, zone);
  if (!time) return fail(time.error(), "parameter now");
  return time;
}

Result<bool> parse_switch(const std::string& name, const std::string& value) {
  if (value == "on" || value == "off") return value == "on";
  return fail(ErrorCode::kInvalid,
              fmt::format("parameter {} is `{}`; expected on or off", name, value));
}

Status apply(const std::string& name, const std::string& value, QueryJob& job) {
  if (name == "q") {
    job.text = value;
  } else if (name == "format") {
    TOCSIN_TRY(job.format, parse_result_format(value));
  } else if (name == "time") {
    if (value != "ns" && value != "rfc3339") {
      return fail(ErrorCode::kInvalid,
                  fmt::format("parameter time is `{}`; expected ns or rfc3339", value));
    }
    job.format_options.times_as_ns = value == "ns";
  } else if (name == "rows_max") {
    const auto count = parse_u64(value);
    if (!count || *count == 0) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("parameter rows_max is `{}`; expected a number of rows", value));
    }
    job.options.rows_max = *count;
  } else if (name == "safe") {
    TOCSIN_TRY(job.format_options.safe, parse_switch(name, value));
  } else if (name == "stats") {
    TOCSIN_TRY(job.format_options.statistics, parse_switch(name, value));
  } else if (name == "now") {
    TOCSIN_TRY(job.options.now, parse_now(value, job.options.zone));
  } else if (name == "remember") {
    TOCSIN_TRY(job.options.remember, parse_switch(name, value));
  } else if (name == "zone") {
    TOCSIN_TRY(job.options.zone, TimeZone::load(value));
  } else if (name.starts_with(kParameterPrefix)) {
    job.options.parameters[name.substr(kParameterPrefix.size())] =
        parse_parameter(value, job.options.zone);
  } else {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("unknown parameter `{}`; expected q, format, safe, time, stats, now, zone, "
                    "remember, rows_max or param.NAME",
                    name));
  }
  return {};
}

Status read_request(const Request& request, QueryJob& job) {
  TOCSIN_TRY(QuerySettings settings, settings_of(request));
  // First the zone, which decides what the texts of other parameters mean.
  std::stable_partition(settings.texts.begin(), settings.texts.end(),
                        [](const auto& text) { return text.first != "zone"; });
  for (auto it = settings.texts.rbegin(); it != settings.texts.rend(); ++it) {
    TOCSIN_RETURN_IF_ERROR(apply(it->first, it->second, job));
  }
  for (auto& [name, value] : settings.values) job.options.parameters[name] = std::move(value);
  if (!job.text.empty()) return {};
  return fail(ErrorCode::kInvalid, "no query; send it as the parameter q or as the body of a POST");
}

Response query_error(const Error& error, const Diagnostic& diagnostic) {
  std::string body = fmt::format("{{\"error\":{}", json_quote(error.message));
  if (!diagnostic.message.empty()) {
    body += fmt::format(",\"message\":{},\"line\":{},\"column\":{},\"offset\":{},\"length\":{}",
                        json_quote(diagnostic.message), diagnostic.line, diagnostic.column,
                        diagnostic.offset, diagnostic.length);
    body += ",\"expected\":[";
    for (size_t i = 0; i < diagnostic.expected.size(); ++i) {
      body += (i > 0 ? "," : "") + json_quote(diagnostic.expected[i]);
    }
    body += fmt::format("],\"hint\":{}", json_quote(diagnostic.hint));
  }
  return json_response(status_of(error.code), body + "}\n");
}

// Longer answers are sent in pieces of this size.
constexpr size_t kPieceBytes = 64 * kKiB;

// Answers that are being sent may hold this much memory together; running queries have their own.
constexpr size_t kAnswerBytesMax = 256 * kMiB;
std::atomic<size_t> answer_bytes{0};  // of all servers of the process

size_t memory_of(const ResultTable& table) {
  size_t bytes = 0;
  for (const ResultColumn& column : table.columns) {
    bytes += column.valid.capacity() + column.boolean.capacity() +
             column.i64.capacity() * sizeof(int64_t) + column.u64.capacity() * sizeof(uint64_t) +
             column.f64.capacity() * sizeof(double) + column.text.capacity() * sizeof(std::string);
    for (const std::string& text : column.text) bytes += text.capacity();
  }
  return bytes;
}

// An answer that is sent in pieces.
struct Answer {
  explicit Answer(ResultTable&& result, const QueryJob& job)
      : table(std::move(result)),
        writer(make_result_writer(table, job.format, job.format_options)),
        bytes(memory_of(table)),
        all_bytes(answer_bytes += bytes) {}
  ~Answer() { answer_bytes -= bytes; }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;
  bool fits() const { return all_bytes <= kAnswerBytesMax || all_bytes == bytes; }

  ResultTable table;
  std::unique_ptr<ResultWriter> writer;
  size_t bytes;
  size_t all_bytes;  // of all answers when this one was made
};

Response busy(std::string_view reason) {
  Response response = error_response(503, reason);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

// Runs on a query thread.
Response run(const QueryEngine& queries, QueryJob& job) {
  job.options.cancelled = job.cancelled.get();
  Diagnostic diagnostic;
  Result<ResultTable> table = queries.run(job.text, job.options, &diagnostic);
  if (!table) return query_error(table.error(), diagnostic);
  Response response{200, content_type_of(job.format), ""};
  const auto answer = std::make_shared<Answer>(*std::move(table), job);
  if (!answer->fits()) {
    return busy("too many large answers are being sent; try again, or add a `limit`");
  }
  if (answer->writer->write(response.body, kPieceBytes)) {
    response.more = [answer](std::string& out) { return answer->writer->write(out, kPieceBytes); };
  }
  return response;
}

}  // namespace

void handle_query(const Context& context, Request request, Reply reply) {
  auto job = std::make_shared<QueryJob>();  // shared with the worker
  job->options.timeout = context.query_timeout;
  job->options.zone = context.query_zone;
  job->cancelled = request.cancelled;
  job->reply = std::move(reply);
  if (const Status status = read_request(request, *job); !status) {
    return job->reply(query_error(status.error(), {}));
  }
  const bool posted =
      context.workers.post([job, &queries = context.queries, post = context.mailbox.poster()] {
        Response response =
            job->cancelled->load() ? error_response(503, "cancelled") : run(queries, *job);
        post([job, response = std::move(response)] { job->reply(response); });
      });
  if (posted) return;
  job->reply(busy("too many queries are waiting; try again"));
}

}  // namespace tocsin::http
