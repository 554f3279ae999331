// The network's door: one libuv loop that takes events in, answers queries, and delivers alerts.
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
  std::string tcp_address = "127.0.0.1:8094";  ///< HOST:PORT; port 0 picks a free one; empty: off
  std::string http_address = "127.0.0.1:8086";
  std::vector<TailOptions> tail;
  std::vector<ForwarderOptions> forwarders;
  size_t connection_count_max = 1'000;
  size_t http_body_bytes_max = size_t{64} << 20;
  /// How long a client or a followed file may leave a quote open behind which whole lines wait.
  /// Less: writers that flush a long text in pieces lose it; more: a broken line stalls longer.
  Duration open_quote_max = 5 * kSecond;
  Duration query_timeout = 5 * kMinute;
  size_t query_thread_count = 2;
  /// Answers POST /-/reload and SIGHUP; returns one line that says what changed. May be empty.
  std::function<Result<std::string>()> reload;
  std::string version;
  /// Of JSON events on the line port and in /insert/jsonline that name none.
  std::string default_measurement = "logs";
  /// Names besides localhost under which the server may be asked: other `Host` headers get 403,
  /// which keeps web pages with a rebound name out.
  std::vector<std::string> allowed_hosts;
  /// Listens beyond loopback although anybody there could read and write everything.
  bool insecure = false;
};

/// Runs in the thread that calls run(). `database`, `queries` and `rules` must outlive it.
class Server {
 public:
  /// Binds both listeners. Errors: kConflict names a port in use and what to do; kInvalid names an
  /// option that is wrong, such as an address beyond loopback without `insecure`. SIGINT, SIGTERM
  /// and SIGHUP are caught from now on.
  static Result<std::unique_ptr<Server>> create(Database& database, const QueryEngine& queries,
                                                RuleEngine* rules, ServerOptions options);
  virtual ~Server() = default;

  virtual uint16_t tcp_port() const = 0;  ///< 0 when off
  virtual uint16_t http_port() const = 0;

  /// Serves until stop() or SIGINT/SIGTERM; then drains: stops accepting, parses what has arrived,
  /// commits it, answers what is open, and returns.
  virtual Status run() = 0;

  // The rest may be called from any thread.
  virtual void stop() = 0;
  /// Whether every followed file has been read up to the size it had when run() began.
  virtual bool tail_caught_up() const = 0;
  /// Tells the deliverer to look into the outbox.
  virtual void outbox_changed() = 0;
};

}  // namespace tocsin
