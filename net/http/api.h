// What the HTTP port answers: the table of its paths, and what their handlers work with.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "db/database.h"
#include "net/event_loop/loop.h"
#include "net/event_loop/worker_pool.h"
#include "net/http/message.h"
#include "net/ingest/ingest.h"
#include "query/query.h"
#include "rules/engine.h"

namespace tocsin::http {

/// Numbers of other parts for /metrics, taken on the loop.
struct ServerNumbers {
  uint64_t tcp_connections = 0;
  uint64_t http_connections = 0;
  std::map<int, uint64_t> http_requests;  ///< answered, by status
  uint64_t tail_files = 0, tail_rows = 0, tail_bytes = 0, tail_rejected = 0;
  uint64_t alerts_delivered = 0, alerts_failed = 0, alert_retries = 0, alerts_waiting = 0;
};

/// What handlers use. Everything must outlive the requests under way.
struct Context {
  uv_loop_t* loop = nullptr;
  Database& database;
  const QueryEngine& queries;
  RuleEngine* rules = nullptr;  ///< null: none
  const Clock& clock;
  Ingest& ingest;
  WorkerPool& workers;  ///< for queries
  LoopMailbox& mailbox;
  std::function<Result<std::string>()> reload;  ///< may be empty
  std::function<ServerNumbers()> numbers;
  std::function<bool()> ready;  ///< the followed files have been read
  std::string version;
  std::string measurement;    ///< of JSON events that name none
  size_t body_bytes_max = 0;  ///< also of an unpacked one
  Duration query_timeout = 0;
  std::vector<std::string> allowed_hosts;
  bool numeric_hosts = false;  ///< any numeric Host is fine: the server was opened to a network
};

/// Answers a request: checks Host and Origin, finds the path, and calls its handler.
void handle_request(const Context& context, Request request, Reply reply);

using Handler = void (*)(const Context&, Request, Reply);

// Handlers, by file.
void handle_write_v1(const Context&, Request, Reply);  // http_write.cpp
void handle_write_v2(const Context&, Request, Reply);
void handle_json_lines(const Context&, Request, Reply);
void handle_query(const Context&, Request, Reply);         // http_query.cpp
void handle_complete(const Context&, Request, Reply);      // http_complete.cpp
void handle_influx_query(const Context&, Request, Reply);  // http_influx.cpp
void handle_ping(const Context&, Request, Reply);
void handle_health(const Context&, Request, Reply);
void handle_alerts(const Context&, Request, Reply);  // http_rules.cpp
void handle_rules(const Context&, Request, Reply);
void handle_metrics(const Context&, Request, Reply);  // http_metrics.cpp
void handle_healthy(const Context&, Request, Reply);  // http_api.cpp
void handle_ready(const Context&, Request, Reply);
void handle_reload(const Context&, Request, Reply);

}  // namespace tocsin::http
