// Public API of the network layer: a server on one libuv loop that receives events, answers queries
// and delivers alerts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "db/base/result.h"
#include "db/database.h"
#include "net/deliver/options.h"
#include "net/tail/options.h"
#include "query/query.h"
#include "rules/engine.h"

namespace tocsin {

struct ServerOptions {
  /// HOST:PORT; port 0 picks a free one; empty: no listener.
  std::string tcp_address = "127.0.0.1:8094";
  std::string http_address = "127.0.0.1:8086";
  std::vector<TailOptions> tail;
  std::vector<ForwarderOptions> forwarders;
  size_t connection_count_max = 1'000;
  size_t http_body_bytes_max = size_t{64} << 20;
  /// How long an unclosed quote may hold back the lines after it, on a connection or in a followed
  /// file. Less: a long text that is written in pieces is rejected; more: a broken line stalls the
  /// stream longer.
  Duration open_quote_max = 5 * kSecond;
  Duration query_timeout = 5 * kMinute;
  size_t query_thread_count = 2;
  TimeZone query_zone;  ///< of dates and times in queries that name no other
  /// Called for POST /-/reload and SIGHUP; returns one line that says what changed. May be empty.
  std::function<Result<std::string>()> reload;
  std::string version;
  /// For JSON events on the line port and in /insert/jsonline that do not name a measurement.
  std::string default_measurement = "logs";
  /// Host names accepted besides localhost. Requests with any other `Host` header get 403, which
  /// protects against DNS rebinding.
  std::vector<std::string> allowed_hosts;
  /// Allows addresses beyond loopback, where anybody can read and write everything.
  bool insecure = false;
};

/// Runs in the thread that calls run(). `database`, `queries` and `rules` must outlive it.
class Server {
 public:
  /// Binds both listeners. Errors: kConflict names the port that is in use and what to do; kInvalid
  /// names the wrong option, such as an address beyond loopback without `insecure`. From then on
  /// the server handles SIGINT, SIGTERM and SIGHUP.
  static Result<std::unique_ptr<Server>> create(Database& database, const QueryEngine& queries,
                                                RuleEngine* rules, ServerOptions options);
  virtual ~Server() = default;

  virtual uint16_t tcp_port() const = 0;  ///< 0 without a listener
  virtual uint16_t http_port() const = 0;

  /// Serves until stop() or SIGINT/SIGTERM. Then it drains: it stops accepting, parses and commits
  /// everything that has arrived, answers open requests, and returns.
  virtual Status run() = 0;

  // The following functions may be called from any thread.
  virtual void stop() = 0;
  /// Whether every followed file has been read up to its size when run() was called.
  virtual bool tail_caught_up() const = 0;
  /// Makes the deliverer read the outbox soon.
  virtual void outbox_changed() = 0;
};

}  // namespace tocsin
