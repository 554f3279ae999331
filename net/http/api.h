// The request handlers of the HTTP port and the context that they share.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "net/access/token.h"
#include "net/event_loop/loop.h"
#include "net/event_loop/worker_pool.h"
#include "net/http/foreign_page.h"
#include "net/http/message.h"
#include "net/ingest/ingest.h"
#include "net/ingest/syslog.h"
#include "query/query.h"
#include "rules/engine.h"

namespace tocsin::http {

/// Counters of other parts for /metrics, read on the loop.
struct ServerNumbers {
  uint64_t tcp_connections = 0;
  uint64_t http_connections = 0;
  uint64_t syslog_connections = 0;
  SyslogCounters syslog;
  uint64_t syslog_system_drops = 0;       ///< datagrams
  std::map<int, uint64_t> http_requests;  ///< answered requests, by status
  uint64_t tail_files = 0, tail_rows = 0, tail_bytes = 0, tail_rejected = 0, tail_behind = 0;
  uint64_t events_untimed = 0;
  uint64_t duplicate_texts = 0;
  uint64_t alerts_delivered = 0, alerts_failed = 0, alert_retries = 0, alerts_waiting = 0;
};

/// What handlers use. Everything referred to must outlive all pending requests.
struct Context {
  uv_loop_t* loop = nullptr;
  Database& database;
  const QueryEngine& queries;
  RuleEngine* rules = nullptr;  ///< may be null
  const Clock& clock;
  Ingest& ingest;
  WorkerPool& workers;  ///< for queries
  LoopMailbox& mailbox;
  std::function<Result<std::string>()> reload;  ///< may be empty
  std::function<ServerNumbers()> numbers;
  std::function<bool()> ready;  ///< the followed files have been read
  std::string version;
  std::string commit;         ///< that the program was built from
  std::string measurement;    ///< for JSON events that name none
  size_t body_bytes_max = 0;  ///< before and after decompression
  Duration query_timeout = 0;
  TimeZone query_zone;
  OwnNames names;
  TimeOptions time = {};     ///< of JSON events, unless parameters say otherwise
  Access* access = nullptr;  ///< the tokens; null: nobody needs one
  bool tokens_required = false;
  Duration dedupe_window = 0;  ///< 0: only requests with an Idempotency-Key are stored once
};

/// The answer to a request of a foreign web page, with a wrong method, or without the token that
/// the path demands. Needs only the header of the request.
std::optional<Response> refuse_request(const Context& context, const Request& request);
/// Refuses the request, or finds the handler of its path, and calls it.
void handle_request(const Context& context, Request request, Reply reply);

using Handler = void (*)(const Context&, Request, Reply);

// Handlers, by file.
void handle_write_v1(const Context&, Request, Reply);  // write.cpp
void handle_write_v2(const Context&, Request, Reply);
void handle_json_lines(const Context&, Request, Reply);
void handle_loki_push(const Context&, Request, Reply);     // loki.cpp
void handle_otlp_logs(const Context&, Request, Reply);     // otlp.cpp
void handle_elastic_bulk(const Context&, Request, Reply);  // elastic.cpp
void handle_elastic_info(const Context&, Request, Reply);
void handle_elastic_license(const Context&, Request, Reply);
void handle_elastic_health(const Context&, Request, Reply);
void handle_elastic_setup(const Context&, Request, Reply);
void handle_query(const Context&, Request, Reply);         // query.cpp
void handle_complete(const Context&, Request, Reply);      // complete.cpp
void handle_influx_query(const Context&, Request, Reply);  // influx.cpp
void handle_ping(const Context&, Request, Reply);
void handle_health(const Context&, Request, Reply);
void handle_questdb_settings(const Context&, Request, Reply);
void handle_alerts(const Context&, Request, Reply);  // rules.cpp
void handle_rules(const Context&, Request, Reply);
void handle_acknowledge(const Context&, Request, Reply);  // silences.cpp
void handle_silences(const Context&, Request, Reply);
void handle_silence(const Context&, Request, Reply);
void handle_alertmanager_alerts(const Context&, Request, Reply);
void handle_alertmanager_status(const Context&, Request, Reply);
void handle_metrics(const Context&, Request, Reply);  // metrics.cpp
void handle_retry(const Context&, Request, Reply);    // rejected.cpp
void handle_healthy(const Context&, Request, Reply);  // api.cpp
void handle_ready(const Context&, Request, Reply);
void handle_reload(const Context&, Request, Reply);
void handle_retention_confirm(const Context&, Request, Reply);
void handle_tokens(const Context&, Request, Reply);  // tokens.cpp
void handle_token_revoke(const Context&, Request, Reply);

// Refusals in the sender's own protocol, with status 401 or 403.
Response refuse_write_v2(const Request&, int status, const std::string& message);
Response refuse_loki(const Request&, int status, const std::string& message);
Response refuse_otlp(const Request&, int status, const std::string& message);
Response refuse_elastic(const Request&, int status, const std::string& message);

}  // namespace tocsin::http
