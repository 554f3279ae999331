// Elasticsearch's bulk API, and the answers that shippers ask for before they use it: Filebeat and
// other Beats, Logstash, Fluent Bit, Vector, the client libraries.
//
// Documents are JSON lines. Each index is a measurement, and is stored in texts of its own; each
// item has its own result, so that a shipper repeats only what may succeed later.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/base/log.h"
#include "db/limits.h"
#include "net/event_loop/address.h"
#include "net/http/api.h"
#include "net/http/dry_run.h"
#include "net/http/once.h"
#include "net/http/unpack.h"
#include "net/parse/bulk.h"

namespace tocsin::http {
namespace {

// The release whose API is implemented; clients check it.
constexpr const char* kElasticVersion = "8.17.0";
// One text. Small enough that `rejected` keeps all of its lines, so that each has its result.
constexpr size_t kBulkTextBytesMax = 2 * kMiB;
constexpr size_t kBulkTextItemsMax = 4'096;

constexpr int kCreated = 201;
constexpr int kBadDocument = 400;
constexpr int kTryAgain = 429;

struct BulkResult {
  int status = kCreated;
  std::string reason = {};
};

// The items of one measurement, by number.
struct BulkGroup {
  std::string measurement;
  std::vector<uint32_t> items;
  size_t next = 0;  // the first one that is not ingested
};

struct BulkJob {
  std::string body;
  std::string index;  // of the path
  Packing packing = Packing::kNone;
  Status prepared;
  BulkBody bulk;  // views of `body`
  std::vector<BulkGroup> groups;
  std::map<uint32_t, BulkResult> failed;  // by number of the item
  size_t tried_again = 0;                 // items that may succeed later
  IngestText text;                        // what all texts have in common
  std::string peer;                       // for the log
  Timestamp started = 0;
  Reply reply;
};

Response elastic_response(int status, std::string body) {
  Response response = json_response(status, std::move(body));
  // The client libraries refuse a server without it.
  response.headers.emplace_back("X-Elastic-Product", "Elasticsearch");
  return response;
}

const char* error_type(int status) {
  switch (status) {
    case 401:
    case 403: return "security_exception";
    case kTryAgain: return "es_rejected_execution_exception";
    case 413: return "content_too_long_exception";
    case 415: return "media_type_header_exception";
    case kBadDocument: return "document_parsing_exception";
    default: return "illegal_argument_exception";
  }
}

std::string error_json(int status, std::string_view reason) {
  return fmt::format("{{\"type\":\"{}\",\"reason\":{}}}", error_type(status), json_quote(reason));
}

Response elastic_error(int status, std::string_view reason) {
  const std::string error = fmt::format(
      "{{\"type\":\"{0}\",\"reason\":{1}",
      status == 400 ? "illegal_argument_exception" : error_type(status), json_quote(reason));
  Response response = elastic_response(
      status,
      fmt::format("{{\"error\":{0},\"root_cause\":[{0}}}]}},\"status\":{1}}}\n", error, status));
  if (status == kTryAgain) response.headers.emplace_back("Retry-After", "1");
  return response;
}

std::string item_json(const BulkJob& job, uint32_t number) {
  const BulkItem& item = job.bulk.items[number];
  std::string out = fmt::format("{{\"{}\":{{\"_index\":{}", name_of(item.action),
                                json_quote(job.bulk.indices[item.index]));
  if (!item.id.empty()) out += ",\"_id\":" + json_quote(item.id);
  const auto failed = job.failed.find(number);
  if (failed == job.failed.end()) {
    return out + fmt::format(",\"result\":\"created\",\"status\":{}}}}}", kCreated);
  }
  const auto& [status, reason] = failed->second;
  return out + fmt::format(",\"status\":{},\"error\":{}}}}}", status, error_json(status, reason));
}

Response bulk_response(const BulkJob& job, Timestamp now) {
  const size_t count = job.bulk.items.size();
  if (count > 0 && job.tried_again == count)
    return elastic_error(kTryAgain, job.failed.begin()->second.reason);
  std::string items;
  for (uint32_t i = 0; i < count; ++i) items += (i == 0 ? "" : ",") + item_json(job, i);
  return elastic_response(200,
                          fmt::format("{{\"took\":{},\"errors\":{},\"items\":[{}]}}\n",
                                      std::max<Timestamp>(0, (now - job.started) / kMillisecond),
                                      !job.failed.empty(), items));
}

// Takes the next items of the group; returns their lines.
std::string next_lines(BulkGroup& group, const BulkBody& bulk) {
  std::string text;
  const size_t end = std::min(group.items.size(), group.next + kBulkTextItemsMax);
  while (group.next < end) {
    const std::string_view document = bulk.items[group.items[group.next]].document;
    if (!text.empty() && text.size() + document.size() > kBulkTextBytesMax) break;
    text.append(document) += '\n';
    ++group.next;
  }
  return text;
}

void add_bulk_report(BulkJob& job, const BulkGroup& group, size_t first,
                     const IngestReport& report) {
  if (!report.status) {
    const Error& error = report.status.error();
    const int status =
        status_of(error.code) == 503 || error.code == ErrorCode::kIo ? kTryAgain : 400;
    for (size_t i = first; i < group.next; ++i)
      job.failed[group.items[i]] = {status, error.message};
    if (status == kTryAgain) job.tried_again += group.next - first;
    return;
  }
  for (const IngestProblem& problem : report.problems)
    job.failed[group.items[first + problem.line - 1]] = {kBadDocument, problem.reason};
}

void finish_bulk(const Context& context, const BulkJob& job) {
  if (job.text.dry_run) {
    for (const auto& [number, result] : job.failed)
      job.text.dry_run->reject(number + 1, result.reason, job.bulk.items[number].document);
    return job.reply(bulk_response(job, context.clock.running()));
  }
  if (!job.failed.empty()) {
    const auto& [number, result] = *job.failed.begin();
    log(LogLevel::kWarning,
        fmt::format("http {}: {} of {} bulk items failed; item {}: {}", job.peer, job.failed.size(),
                    job.bulk.items.size(), number + 1, result.reason));
  }
  job.reply(bulk_response(job, context.clock.running()));
}

void ingest_bulk(const Context& context, const std::shared_ptr<BulkJob>& job) {
  while (!job->groups.empty() && job->groups.back().next == job->groups.back().items.size())
    job->groups.pop_back();
  if (job->groups.empty()) return finish_bulk(context, *job);
  BulkGroup& group = job->groups.back();
  const size_t first = group.next;
  IngestText text = job->text;
  text.text = next_lines(group, job->bulk);
  text.once_index = job->text.once_index++;
  text.options.measurement = group.measurement;
  text.alone = job->groups.size() == 1 && group.next == group.items.size();
  context.ingest.add(
      std::move(text), [] {},
      [&context, job, &group, first](const IngestReport& report) {
        add_bulk_report(*job, group, first, report);
        ingest_bulk(context, job);
      });
}

// Why the item cannot be stored, whatever its document is.
const char* fault_of(const BulkItem& item) {
  if (item.action == BulkAction::kUpdate || item.action == BulkAction::kDelete)
    return "only `create` and `index` are supported: events do not change";
  const bool empty = item.document.find_first_not_of(" \t\r") == item.document.npos;
  return empty ? "there is no document after the action" : nullptr;
}

void group_items(BulkJob& job) {
  std::map<std::string, size_t> groups;  // by measurement
  std::vector<size_t> group_of_index;
  for (const std::string& index : job.bulk.indices) {
    const std::string measurement = measurement_of_index(index);
    const auto [group, is_new] = groups.emplace(measurement, job.groups.size());
    if (is_new) job.groups.push_back({measurement, {}});
    group_of_index.push_back(group->second);
  }
  for (uint32_t i = 0; i < job.bulk.items.size(); ++i) {
    const BulkItem& item = job.bulk.items[i];
    if (const char* fault = fault_of(item)) {
      job.failed[i] = {kBadDocument, fault};
    } else {
      job.groups[group_of_index[item.index]].items.push_back(i);
    }
  }
}

Status prepare_bulk(BulkJob& job, size_t body_bytes_max) {
  TOCSIN_RETURN_IF_ERROR(unpack(job.packing, body_bytes_max, job.body));
  if (job.text.once) identify_body(*job.text.once, job.body);
  TOCSIN_TRY(job.bulk, parse_bulk(job.body, job.index));
  group_items(job);
  return {};
}

// The index of `/INDEX/_bulk`.
std::string index_of_path(std::string_view path, const std::string& fallback) {
  const size_t end = path.find('/', 1);
  return end == path.npos ? fallback : std::string(path.substr(1, end - 1));
}

}  // namespace

Response refuse_elastic(const Request&, int status, const std::string& message) {
  return elastic_error(status, message);
}

void handle_elastic_bulk(const Context& context, Request request, Reply reply) {
  const Result<Packing> packing = packing_of(request);
  if (!packing) return reply(elastic_error(415, packing.error().message));
  auto job = std::make_shared<BulkJob>();  // shared by the callbacks of its steps
  job->reply = std::move(reply);
  job->index = index_of_path(request.path, context.measurement);
  job->packing = *packing;
  job->body = std::move(request.body);
  job->peer = request.peer;
  job->started = context.clock.running();
  job->text.format = LineFormat::kJson;
  job->text.dry_run = dry_run_of(request, job->reply);
  job->text.once = once_of(context, request, job->reply);
  if (job->text.dry_run) job->text.dry_run->number_myself();
  job->text.options.now = context.clock.now();
  job->text.options.time = context.time;
  job->text.source = "http " + host_of_peer(request.peer);
  job->text.path = request.path;
  job->text.urgent = true;  // the client waits for the answer
  job->text.time_advice = "; name the right key with `listen.time.key`";
  job->text.problems_max = kBulkTextItemsMax;
  const auto begin = [&context, job] {
    if (job->prepared) return ingest_bulk(context, job);
    const Error& error = job->prepared.error();
    const int status = unpack_status(error.code);
    job->reply(elastic_error(status == 503 ? kTryAgain : status, error.message));
  };
  if (*packing == Packing::kNone && job->body.size() <= kLoopTextBytesMax) {
    job->prepared = prepare_bulk(*job, context.body_bytes_max);
    return begin();
  }
  run_in_background(
      context.loop,
      [job, bytes_max = context.body_bytes_max] { job->prepared = prepare_bulk(*job, bytes_max); },
      begin);
}

void handle_elastic_info(const Context&, Request, Reply reply) {
  reply(elastic_response(
      200,
      fmt::format("{{\"name\":\"tocsin\",\"cluster_name\":\"tocsin\",\"cluster_uuid\":\"tocsin\","
                  "\"version\":{{\"number\":\"{}\",\"build_flavor\":\"default\","
                  "\"build_type\":\"deb\",\"build_hash\":\"tocsin\",\"build_snapshot\":false,"
                  "\"lucene_version\":\"9.12.0\",\"minimum_wire_compatibility_version\":\"7.17.0\","
                  "\"minimum_index_compatibility_version\":\"7.0.0\"}},"
                  "\"tagline\":\"You Know, for Search\"}}\n",
                  kElasticVersion)));
}

void handle_elastic_license(const Context&, Request, Reply reply) {
  reply(
      elastic_response(200,
                       "{\"license\":{\"status\":\"active\",\"uid\":\"tocsin\",\"type\":\"basic\","
                       "\"mode\":\"basic\",\"issued_to\":\"tocsin\",\"issuer\":\"tocsin\"}}\n"));
}

void handle_elastic_health(const Context& context, Request, Reply reply) {
  reply(elastic_response(
      200, fmt::format("{{\"cluster_name\":\"tocsin\",\"status\":\"{}\",\"timed_out\":false,"
                       "\"number_of_nodes\":1,\"number_of_data_nodes\":1}}\n",
                       context.database.counters().writable ? "green" : "red")));
}

// Templates, policies and pipelines say how Elasticsearch stores documents. There is nothing to set
// up here, so each is answered as if it existed and had been accepted.
void handle_elastic_setup(const Context&, Request, Reply reply) {
  reply(elastic_response(200, "{\"acknowledged\":true}\n"));
}

}  // namespace tocsin::http
