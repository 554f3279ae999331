// Public API of the network layer: a server on one libuv loop that receives events, answers queries
// and delivers alerts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "db/base/network.h"
#include "db/base/result.h"
#include "db/database.h"
#include "net/deliver/options.h"
#include "net/event_loop/tls.h"
#include "net/parse/time_keys.h"
#include "net/tail/options.h"
#include "query/query.h"
#include "rules/engine.h"

namespace tocsin {

enum class TokenPolicy : uint8_t { kAuto, kOn, kOff };

struct ServerOptions {
  /// HOST:PORT; port 0 picks a free one; empty: no listener.
  std::string tcp_address = "127.0.0.1:8094";
  std::string http_address = "127.0.0.1:8086";
  /// Syslog over UDP and TCP.
  std::string syslog_udp_address = {};
  std::string syslog_tcp_address = {};
  struct Syslog {
    std::string zone = "UTC";    ///< of times without one
    bool unpack_json = false;    ///< JSON in a message becomes fields
    bool unpack_logfmt = false;  ///< likewise
    /// Datagrams beyond this that wait for their commit are dropped. More: longer pauses of the
    /// store lose nothing.
    size_t pending_bytes_max = size_t{16} << 20;
  } syslog = {};
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
  /// Called on another thread for POST /-/reload and SIGHUP; returns one line that says what
  /// changed. May call change_options(). May be empty.
  std::function<Result<std::string>()> reload;
  std::string version;
  std::string commit;  ///< that the program was built from; for /metrics
  /// For JSON events on the line port and in /insert/jsonline that do not name a measurement.
  std::string default_measurement = "logs";
  TimeSettings time;  ///< of JSON events on both ports
  /// Within this time, an HTTP request with the same body is stored once; 0: only one with an
  /// Idempotency-Key.
  Duration dedupe_window = 0;
  bool event_lag = true;  ///< write how late events arrive to `event_lag`
  /// Host names accepted besides localhost and the host of `external_url`. Requests with any other
  /// `Host` header get 403, which protects against DNS rebinding.
  std::vector<std::string> allowed_hosts;
  /// Whether clients need a token. kAuto: those of addresses beyond loopback, unless `insecure`.
  TokenPolicy tokens = TokenPolicy::kAuto;
  TlsOptions tls;  ///< of both ports
  /// Allows addresses beyond loopback where anybody can read and write everything.
  bool insecure = false;
  /// Besides this machine itself, only these networks may connect; empty: all.
  std::vector<IpNetwork> allow;
  /// The URL at which users reach this server, for links in alerts; requests of pages of its origin
  /// are accepted. Empty: `http://localhost:PORT/`, or with the address of the HTTP listener.
  std::string external_url;
};

class ListenSocket;
class UdpSocket;

/// The ports of a server that is to be created. Clients may connect, and wait for the server. Open
/// them before the database, so that a server that cannot listen does not make one.
struct ServerPorts {
  /// Binds the addresses of the options. Errors: kConflict names the port that is in use and what
  /// to do; kInvalid names the wrong option, such as an address beyond loopback that nothing
  /// protects.
  static Result<ServerPorts> open(const ServerOptions& options);
  ServerPorts();
  ServerPorts(ServerPorts&&) noexcept;
  ~ServerPorts();

  std::unique_ptr<ListenSocket> tcp, http, syslog_tcp;  ///< null: no listener
  std::unique_ptr<UdpSocket> syslog_udp;                ///< likewise
  std::shared_ptr<const TlsContext> tls;                ///< shared with later reloads; null: no TLS
};

/// Runs in the thread that calls run(). `database`, `queries` and `rules` must outlive it.
class Server {
 public:
  /// `ports` were opened with the same options. kInvalid names the wrong option. From then on the
  /// server handles SIGINT, SIGTERM and SIGHUP.
  static Result<std::unique_ptr<Server>> create(Database& database, const QueryEngine& queries,
                                                RuleEngine* rules, ServerOptions options,
                                                ServerPorts ports);
  /// The same with ports that it opens itself.
  static Result<std::unique_ptr<Server>> create(Database& database, const QueryEngine& queries,
                                                RuleEngine* rules, ServerOptions options);
  virtual ~Server() = default;

  virtual uint16_t tcp_port() const = 0;  ///< 0 without a listener
  virtual uint16_t http_port() const = 0;
  virtual uint16_t syslog_udp_port() const = 0;
  virtual uint16_t syslog_tcp_port() const = 0;

  /// Serves until stop() or SIGINT/SIGTERM. Then it drains: it stops accepting, parses and commits
  /// everything that has arrived, answers open requests, and returns.
  virtual Status run() = 0;

  // The following functions may be called from any thread.
  virtual void stop() = 0;
  /// Whether every followed file has been read up to its size when run() was called.
  virtual bool tail_caught_up() const = 0;
  /// Makes the deliverer read the outbox soon.
  virtual void outbox_changed() = 0;
  /// Soon applies `tail`, `forwarders`, `tls` (its files are read again, for new connections),
  /// connection_count_max, http_body_bytes_max and query_timeout of `options`; the others are
  /// fixed. Open connections keep their limits. Followed files continue where they were; a request
  /// to a receiver that is being sent may be sent again. Errors: those of check_forwarders() and
  /// TlsContext::load(); then nothing changes.
  virtual Status change_options(ServerOptions options) = 0;
};

}  // namespace tocsin
