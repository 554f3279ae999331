// Creates the parts on one loop, and destroys them in an order that loses nothing.
#include "net/server.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <uv.h>

#include "db/base/check.h"
#include "db/base/log.h"
#include "db/base/mutex.h"
#include "db/schema/own_columns.h"
#include "net/access/token.h"
#include "net/deliver/deliver.h"
#include "net/event_loop/socket.h"
#include "net/event_loop/udp.h"
#include "net/event_loop/worker_pool.h"
#include "net/http/api.h"
#include "net/http/connection.h"
#include "net/ingest/ingest.h"
#include "net/ingest/syslog.h"
#include "net/ingest/tcp_connection.h"
#include "net/parse/event_lag.h"
#include "net/tail/tail.h"

namespace tocsin {
namespace {

constexpr size_t kQueriesWaitingMax = 256;
constexpr size_t kRefusedHostsMax = 1'000;
// After a stop request.
constexpr Duration kDrainGrace = 50 * kMillisecond;  // data sent before may still arrive
constexpr Duration kDrainPatience = 5 * kSecond;     // writes to a busy store are retried
constexpr Duration kDrainTimeout = 15 * kSecond;     // then everything left is abandoned
constexpr Duration kDrainTick = 10 * kMillisecond;

constexpr Duration kRestartPause = 500 * kMillisecond;  // before a part's restart is tried again
// After the end of an interval, so that events that arrived in it are committed.
constexpr Duration kLagPause = kSecond;

// Handles a signal on the loop. The handle's close callback frees the state.
class LoopSignal {
 public:
  LoopSignal(uv_loop_t* loop, int number, std::function<void()> callback) : state_(new State) {
    state_->callback = std::move(callback);
    state_->handle.data = state_;
    TOCSIN_CHECK(uv_signal_init(loop, &state_->handle) == 0);
    uv_signal_start(
        &state_->handle,
        [](uv_signal_t* signal, int) { static_cast<State*>(signal->data)->callback(); }, number);
  }
  ~LoopSignal() {
    uv_close(reinterpret_cast<uv_handle_t*>(&state_->handle),
             [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
  }
  LoopSignal(const LoopSignal&) = delete;
  LoopSignal& operator=(const LoopSignal&) = delete;

 private:
  struct State {
    uv_signal_t handle{};
    std::function<void()> callback;
  };
  State* state_;
};

bool needs_tokens(const ServerOptions& options, const Address& address) {
  if (options.tokens != TokenPolicy::kAuto) return options.tokens == TokenPolicy::kOn;
  return !address.is_loopback() && !options.insecure;
}

Result<std::unique_ptr<ListenSocket>> open_port(const std::string& text, const char* setting,
                                                const ServerOptions& options) {
  if (text.empty()) return nullptr;
  TOCSIN_TRY(const Address address, parse_address(text));
  if (address.is_loopback()) return ListenSocket::open(address, setting);
  const bool tokens = needs_tokens(options, address);
  const bool certificates = !options.tls.client_ca.empty();
  if (!tokens && !certificates && !options.insecure && options.allow.empty()) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("refusing to listen on {}: anyone who can reach it could read and "
                    "write everything; use a loopback address ({}), tokens (`listen.tokens: "
                    "auto`), `listen.tls.client_ca` or `listen.allow`, or, in a network that you "
                    "trust, --insecure "
                    "(`listen.insecure: true`)",
                    address.text(), setting));
  }
  TOCSIN_TRY(auto socket, ListenSocket::open(address, setting));
  if (tokens && !options.tls.enabled()) {
    log(LogLevel::kWarning,
        fmt::format("listening on {} without TLS: tokens and events can be read on their way; set "
                    "`listen.tls`",
                    address.text()));
  }
  if (!tokens && !certificates) {
    log(LogLevel::kWarning,
        fmt::format("listening on {} without authentication: {} can read and write everything",
                    address.text(),
                    options.allow.empty()
                        ? "anyone who can reach it (`listen.allow` restricts them)"
                        : "all addresses in `listen.allow`"));
  }
  return socket;
}

// Senders of syslog cannot prove who they are, but they can only write.
template <class Socket>
Result<std::unique_ptr<Socket>> open_syslog_port(const std::string& text, const char* setting,
                                                 bool certificates, const ServerOptions& options) {
  if (text.empty()) return nullptr;
  TOCSIN_TRY(const Address address, parse_address(text));
  if (!address.is_loopback() && options.allow.empty() && !certificates) {
    if (!options.insecure) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("refusing to receive syslog on {}: anyone who can reach it could "
                              "write; list the senders in `listen.allow`, demand certificates over "
                              "TCP (`listen.tls.client_ca`), or use a loopback address (`{}`)",
                              address.text(), setting));
    }
    log(LogLevel::kWarning,
        fmt::format("receiving syslog on {} from anyone who can reach it; `listen.allow` restricts "
                    "the senders",
                    address.text()));
  }
  return Socket::open(address, fmt::format("`{}`", setting));
}

bool listens_to_network(const ServerOptions& options) {
  const Result<Address> address = parse_address(options.http_address);
  return address && !address->is_loopback();
}

class ServerImpl final : public Server {
 public:
  ServerImpl(Database& database, const QueryEngine& queries, RuleEngine* rules,
             ServerOptions options);
  ~ServerImpl() override;

  Status open(ServerPorts ports);
  uint16_t tcp_port() const override { return tcp_port_; }
  uint16_t http_port() const override { return http_port_; }
  uint16_t syslog_udp_port() const override { return syslog_udp_port_; }
  uint16_t syslog_tcp_port() const override { return syslog_tcp_port_; }
  Status run() override;
  void stop() override {
    poster_([this] { begin_drain(); });
  }
  bool tail_caught_up() const override;
  void outbox_changed() override;
  Status change_options(ServerOptions options) override;

 private:
  Status listen(ServerPorts ports);
  Result<std::unique_ptr<Tail>> make_tail(std::vector<TailOptions> options);
  Result<std::unique_ptr<Deliverer>> make_deliverer(std::vector<ForwarderOptions> forwarders);
  void apply(const ServerOptions& wanted);
  void restart_after_writes();
  void restart_parts();
  Status start_waiting_parts();
  bool admits(const std::string& host, const char* port);
  bool is_in_allow(const std::string& host) const;
  std::string line_refusal(const std::string& host, const std::optional<std::string>& token);
  std::string external_url() const;
  void accept_tcp(std::unique_ptr<Socket> socket);
  void accept_http(std::unique_ptr<Socket> socket);
  void accept_syslog(std::unique_ptr<Socket> socket);
  void receive_syslog(std::string_view message, const std::string& host);
  bool close_if_full(const Socket& socket, const char* port) const;
  size_t connection_count() const { return tcp_.size() + http_.size() + syslog_.size(); }
  bool full() const { return connection_count() >= options_.connection_count_max; }
  http::ServerNumbers numbers() const;
  void reload();
  void wait_for_lags();
  void write_lags(bool at_end);
  void begin_drain();
  void drain_connections();
  void drain_tick();
  void tear_down();

  Database& database_;
  RuleEngine* const rules_;
  ServerOptions options_;  // apply() changes some, on the loop's thread
  const SystemClock clock_;
  uv_loop_t loop_{};
  uint16_t tcp_port_ = 0;
  uint16_t http_port_ = 0;
  uint16_t syslog_udp_port_ = 0;
  uint16_t syslog_tcp_port_ = 0;
  SyslogInputOptions syslog_options_;

  // Used on the loop's thread.
  std::optional<LoopMailbox> mailbox_;
  LoopMailbox::Poster poster_;
  LagLog lags_;
  std::optional<LoopTimer> lag_timer_;
  std::optional<Ingest> ingest_;
  std::optional<WorkerPool> workers_;
  Access access_;
  std::shared_ptr<const TlsContext> tls_;  // shared with the posted function that replaces it
  std::optional<http::Context> context_;
  std::vector<std::unique_ptr<LoopSignal>> signals_;
  std::unique_ptr<Listener> tcp_listener_, http_listener_, syslog_listener_;
  std::unique_ptr<UdpReceiver> syslog_receiver_;
  std::optional<SyslogDatagrams> syslog_datagrams_;
  SyslogCounters syslog_counters_;
  std::optional<LoopTimer> drain_timer_;
  bool tcp_needs_token_ = false;
  std::set<std::string> refused_;  // hosts whose connections are refused and were logged
  uint64_t next_id_ = 0;
  std::map<uint64_t, std::shared_ptr<TcpConnection>> tcp_;        // shared with pending callbacks
  std::map<uint64_t, std::shared_ptr<SyslogConnection>> syslog_;  // likewise
  std::map<uint64_t, std::shared_ptr<http::Connection>> http_;
  std::map<int, uint64_t> http_requests_;
  std::optional<LoopTimer> restart_timer_;
  TailCounters earlier_tail_;        // of parts that apply() replaced
  DeliverCounters earlier_deliver_;  // likewise
  bool draining_ = false;
  bool drained_connections_ = false;
  bool finished_ = false;
  Duration drain_start_ = 0;  // running time

  // Used on the loop's thread, and by tail_caught_up() and outbox_changed() on any thread.
  mutable Mutex mutex_;
  std::unique_ptr<Tail> tail_ TOCSIN_GUARDED_BY(mutex_);
  std::unique_ptr<Deliverer> deliverer_ TOCSIN_GUARDED_BY(mutex_);
  // Parts with changed options, until the writes of their predecessors are done.
  std::unique_ptr<Tail> next_tail_ TOCSIN_GUARDED_BY(mutex_);
  std::unique_ptr<Deliverer> next_deliverer_ TOCSIN_GUARDED_BY(mutex_);
  mutable bool caught_up_ TOCSIN_GUARDED_BY(mutex_) = false;  // once true, it remains so
};

ServerImpl::ServerImpl(Database& database, const QueryEngine& queries, RuleEngine* rules,
                       ServerOptions options)
    : database_(database), rules_(rules), options_(std::move(options)) {
  TOCSIN_CHECK(uv_loop_init(&loop_) == 0);
  mailbox_.emplace(&loop_);
  poster_ = mailbox_->poster();
  restart_timer_.emplace(&loop_, [this] { restart_after_writes(); });
  ingest_.emplace(&loop_, database_, options_.event_lag ? &lags_ : nullptr);
  workers_.emplace(options_.query_thread_count, kQueriesWaitingMax);
  context_.emplace(
      http::Context{&loop_,
                    database_,
                    queries,
                    rules_,
                    clock_,
                    *ingest_,
                    *workers_,
                    *mailbox_,
                    options_.reload,
                    [this] { return numbers(); },
                    [this] { return tail_caught_up(); },
                    options_.version,
                    options_.commit,
                    options_.default_measurement,
                    options_.http_body_bytes_max,
                    options_.query_timeout,
                    options_.query_zone,
                    {options_.allowed_hosts, options_.insecure || listens_to_network(options_),
                     options_.external_url, options_.tls.enabled()}});
}

ServerImpl::~ServerImpl() {
  tear_down();
  uv_run(&loop_, UV_RUN_DEFAULT);
  TOCSIN_CHECK(uv_loop_close(&loop_) == 0);
}

Status ServerImpl::open(ServerPorts ports) {
  auto time = read_time_options(options_.time);
  if (!time) return fail(time.error(), "listen.time");
  context_->time = *std::move(time);
  context_->dedupe_window = options_.dedupe_window;
  TOCSIN_RETURN_IF_ERROR(ingest_->load_once());
  auto zone = TimeZone::load(options_.syslog.zone);
  if (!zone) return fail(zone.error(), "listen.syslog");
  syslog_options_ = {*std::move(zone), options_.syslog.unpack_json, options_.syslog.unpack_logfmt,
                     options_.syslog.pending_bytes_max};
  TOCSIN_TRY(auto tokens, list_tokens(database_));
  access_.replace_tokens(std::move(tokens));
  context_->access = &access_;
  TOCSIN_RETURN_IF_ERROR(listen(std::move(ports)));
  TOCSIN_TRY(auto tail, make_tail(options_.tail));
  TOCSIN_TRY(auto deliverer, make_deliverer(options_.forwarders));
  {
    const MutexLock lock(mutex_);
    tail_ = std::move(tail);
    deliverer_ = std::move(deliverer);
  }
  for (const int number : {SIGINT, SIGTERM}) {
    signals_.push_back(std::make_unique<LoopSignal>(&loop_, number, [this] { begin_drain(); }));
  }
  signals_.push_back(std::make_unique<LoopSignal>(&loop_, SIGHUP, [this] { reload(); }));
  return {};
}

Result<std::unique_ptr<Tail>> ServerImpl::make_tail(std::vector<TailOptions> options) {
  TailTiming timing;
  timing.open_quote_max = options_.open_quote_max;
  return Tail::create(&loop_, database_, clock_, std::move(options), timing,
                      options_.event_lag ? &lags_ : nullptr);
}

Result<std::unique_ptr<Deliverer>> ServerImpl::make_deliverer(
    std::vector<ForwarderOptions> forwarders) {
  DeliverOptions options;
  options.seed = static_cast<uint64_t>(clock_.now());
  options.version = options_.version;
  options.external_url = external_url();
  if (rules_ != nullptr) {
    options.active_alerts = [rules = rules_] {
      std::vector<AlertEvent> out;
      for (RuleStatus& rule : rules->status()) {
        for (AlertEvent& event : rule.active) out.push_back(std::move(event));
      }
      return out;
    };
  }
  return Deliverer::create(&loop_, database_, clock_, std::move(forwarders), std::move(options));
}

Status ServerImpl::listen(ServerPorts ports) {
  tls_ = std::move(ports.tls);
  if (ports.tcp) {
    TOCSIN_TRY(tcp_listener_, Listener::start(&loop_, std::move(ports.tcp), [this](auto socket) {
                 accept_tcp(std::move(socket));
               }));
    tcp_port_ = tcp_listener_->port();
    TOCSIN_TRY(const Address address, parse_address(options_.tcp_address));
    tcp_needs_token_ = needs_tokens(options_, address) && options_.tls.client_ca.empty();
  }
  if (ports.http) {
    TOCSIN_TRY(http_listener_, Listener::start(&loop_, std::move(ports.http), [this](auto socket) {
                 accept_http(std::move(socket));
               }));
    http_port_ = http_listener_->port();
    TOCSIN_TRY(const Address address, parse_address(options_.http_address));
    context_->tokens_required = needs_tokens(options_, address);
    if (context_->tokens_required && !access_.has_tokens()) {
      log(LogLevel::kWarning,
          "requests need a token, and there is none yet; create the first one on this machine: "
          "tocsin token create NAME --scope admin --url URL");
    }
  }
  if (ports.syslog_tcp) {
    TOCSIN_TRY(syslog_listener_,
               Listener::start(&loop_, std::move(ports.syslog_tcp),
                               [this](auto socket) { accept_syslog(std::move(socket)); }));
    syslog_tcp_port_ = syslog_listener_->port();
  }
  if (ports.syslog_udp) {
    syslog_datagrams_.emplace(&loop_, *ingest_, clock_, syslog_options_, syslog_counters_);
    TOCSIN_TRY(syslog_receiver_,
               UdpReceiver::start(&loop_, std::move(ports.syslog_udp),
                                  [this](std::string_view message, const std::string& host) {
                                    receive_syslog(message, host);
                                  }));
    syslog_udp_port_ = syslog_receiver_->port();
  }
  return {};
}

// Where links in alerts lead. An address for all interfaces is none that a browser can open.
std::string ServerImpl::external_url() const {
  if (!options_.external_url.empty() || http_port_ == 0) return options_.external_url;
  const Result<Address> address = parse_address(options_.http_address);
  const bool is_one =
      address && !address->is_loopback() && address->host != "0.0.0.0" && address->host != "::";
  const char* scheme = options_.tls.enabled() ? "https" : "http";
  if (!is_one) return fmt::format("{}://localhost:{}/", scheme, http_port_);
  return fmt::format("{}://{}/", scheme, Address{address->host, http_port_, address->ipv6}.text());
}

bool ServerImpl::is_in_allow(const std::string& host) const {
  return std::ranges::any_of(options_.allow,
                             [&](const IpNetwork& network) { return network.contains(host); });
}

// Why a client of the line port may not write; empty if it may. Logs each such host once.
std::string ServerImpl::line_refusal(const std::string& host,
                                     const std::optional<std::string>& token) {
  const auto denial = access_.check({Demand::kWrite, true, token, false, clock_.now()});
  if (!denial) return "";
  const std::string reason =
      token ? denial->message
            : "this port needs a token: begin with the line `# tocsin token=TOKEN`, or add the "
              "address of this client to `listen.allow`";
  if (refused_.size() < kRefusedHostsMax && refused_.insert(host).second) {
    log(LogLevel::kWarning, fmt::format("tcp {}: closed: {}", host, reason));
  }
  return reason;
}

// Logs each refused host once, and at most kRefusedHostsMax hosts.
bool ServerImpl::admits(const std::string& host, const char* port) {
  if (options_.allow.empty() || is_loopback_host(host) || is_in_allow(host)) return true;
  if (refused_.size() < kRefusedHostsMax && refused_.insert(host).second) {
    log(LogLevel::kWarning,
        fmt::format("{} {}: refused, because `listen.allow` does not contain this address; what "
                    "else it sends is refused without a message",
                    port, host));
  }
  return false;
}

Status ServerImpl::run() {
  std::signal(SIGPIPE, SIG_IGN);  // libuv writes to sockets with write(2)
  {
    const MutexLock lock(mutex_);
    TOCSIN_RETURN_IF_ERROR(tail_->start());
    deliverer_->start();
  }
  lag_timer_.emplace(&loop_, [this] {
    write_lags(false);
    wait_for_lags();
  });
  wait_for_lags();
  while (!finished_) uv_run(&loop_, UV_RUN_ONCE);
  write_lags(true);
  tear_down();
  uv_run(&loop_, UV_RUN_DEFAULT);
  return {};
}

void ServerImpl::accept_tcp(std::unique_ptr<Socket> socket) {
  if (!admits(host_of_peer(socket->peer()), "tcp") || close_if_full(*socket, "tcp")) return;
  if (tls_) socket->start_tls(*tls_);
  const uint64_t id = next_id_++;
  TcpConnectionOptions options{options_.default_measurement, context_->time,
                               options_.open_quote_max};
  const std::string host = host_of_peer(socket->peer());
  if (tcp_needs_token_ && !is_in_allow(host)) {
    options.refuse = [this, host](const auto& token) { return line_refusal(host, token); };
  }
  auto connection =
      std::make_shared<TcpConnection>(&loop_, std::move(socket), *ingest_, clock_,
                                      std::move(options), [this, id] { tcp_.erase(id); });
  tcp_.emplace(id, connection);
  connection->start();
}

bool ServerImpl::close_if_full(const Socket& socket, const char* port) const {
  if (!full()) return false;
  log(LogLevel::kWarning, fmt::format("{} {}: closed, because {} connections are already open",
                                      port, socket.peer(), options_.connection_count_max));
  return true;
}

void ServerImpl::accept_syslog(std::unique_ptr<Socket> socket) {
  if (!admits(host_of_peer(socket->peer()), "syslog") || close_if_full(*socket, "syslog")) return;
  if (tls_) socket->start_tls(*tls_);
  const uint64_t id = next_id_++;
  auto connection =
      std::make_shared<SyslogConnection>(std::move(socket), *ingest_, clock_, syslog_options_,
                                         syslog_counters_, [this, id] { syslog_.erase(id); });
  syslog_.emplace(id, connection);
  connection->start();
}

void ServerImpl::receive_syslog(std::string_view message, const std::string& host) {
  if (!admits(host, "syslog")) {
    ++syslog_counters_.refused;
    return;
  }
  syslog_datagrams_->add(message, host);
}

void ServerImpl::accept_http(std::unique_ptr<Socket> socket) {
  if (!admits(host_of_peer(socket->peer()), "http")) return;
  if (tls_) socket->start_tls(*tls_);
  const bool refused = full();
  const uint64_t id = next_id_++;
  http::ConnectionOptions options;
  options.body_bytes_max = options_.http_body_bytes_max;
  http::Connection::Events events;
  events.handle = [this](http::Request request, http::Reply reply) {
    http::handle_request(*context_, std::move(request), std::move(reply));
  };
  events.answered = [this](int status) { ++http_requests_[status]; };
  events.gone = [this, id] { http_.erase(id); };
  events.refuse = [this](const http::Request& request) {
    return http::refuse_request(*context_, request);
  };
  auto connection =
      std::make_shared<http::Connection>(&loop_, std::move(socket), options, std::move(events));
  http_.emplace(id, connection);
  connection->start();
  if (refused)
    connection->refuse(http::error_response(503, "too many open connections; try again later"));
}

http::ServerNumbers ServerImpl::numbers() const {
  http::ServerNumbers out;
  out.tcp_connections = tcp_.size();
  out.http_connections = http_.size();
  out.syslog_connections = syslog_.size();
  out.syslog = syslog_counters_;
  if (syslog_receiver_) out.syslog_system_drops = syslog_receiver_->system_drops();
  out.http_requests = http_requests_;
  out.tail_rows = earlier_tail_.rows;
  out.tail_bytes = earlier_tail_.bytes;
  out.tail_rejected = earlier_tail_.rejected;
  out.alerts_delivered = earlier_deliver_.delivered;
  out.alerts_failed = earlier_deliver_.failed;
  out.alert_retries = earlier_deliver_.retries;
  out.duplicate_texts = ingest_->counters().duplicates;
  out.events_untimed = ingest_->counters().untimed + earlier_tail_.untimed;
  const MutexLock lock(mutex_);
  if (tail_ != nullptr) {
    const TailCounters tail = tail_->counters();
    out.tail_files = tail.files;
    out.tail_behind = tail.bytes_behind;
    out.tail_rows += tail.rows;
    out.tail_bytes += tail.bytes;
    out.tail_rejected += tail.rejected;
    out.events_untimed += tail.untimed;
  }
  if (deliverer_ != nullptr) {
    const DeliverCounters deliver = deliverer_->counters();
    out.alerts_delivered += deliver.delivered;
    out.alerts_failed += deliver.failed;
    out.alert_retries += deliver.retries;
    out.alerts_waiting = deliver.waiting;
  }
  return out;
}

void ServerImpl::reload() {
  if (!options_.reload || draining_) return;
  run_in_background(
      &loop_,
      [reload = options_.reload] {
        const Result<std::string> outcome = reload();
        log(outcome ? LogLevel::kInfo : LogLevel::kError,
            outcome ? *outcome : "not reloaded: " + outcome.error().message);
      },
      [] {});
}

Status ServerImpl::change_options(ServerOptions options) {
  TOCSIN_RETURN_IF_ERROR(check_forwarders(options.forwarders));
  std::shared_ptr<const TlsContext> tls;
  if (options.tls.enabled()) {
    TOCSIN_TRY(tls, TlsContext::load(options.tls));
  }
  poster_([this, options = std::move(options), tls = std::move(tls)] {
    if (tls_ && tls) tls_ = tls;  // TLS itself is switched on and off by a restart only
    apply(options);
  });
  return {};
}

// Ends the parts whose options change. Their successors must not start before the writes of the
// parts are done: they would read positions and outbox entries that are about to change.
void ServerImpl::apply(const ServerOptions& wanted) {
  if (draining_) return;
  options_.connection_count_max = wanted.connection_count_max;
  options_.http_body_bytes_max = context_->body_bytes_max = wanted.http_body_bytes_max;
  options_.query_timeout = context_->query_timeout = wanted.query_timeout;
  if (wanted.tail != options_.tail) {
    auto tail = make_tail(wanted.tail);
    if (!tail) return log(LogLevel::kError, "settings not applied: " + tail.error().message);
    options_.tail = wanted.tail;
    const MutexLock lock(mutex_);
    if (tail_ != nullptr) {
      const TailCounters counters = tail_->counters();
      earlier_tail_.rows += counters.rows;
      earlier_tail_.bytes += counters.bytes;
      earlier_tail_.rejected += counters.rejected;
      earlier_tail_.untimed += counters.untimed;
    }
    tail_.reset();
    next_tail_ = *std::move(tail);
  }
  if (wanted.forwarders != options_.forwarders) {
    auto deliverer = make_deliverer(wanted.forwarders);
    if (!deliverer) {
      return log(LogLevel::kError, "settings not applied: " + deliverer.error().message);
    }
    options_.forwarders = wanted.forwarders;
    const MutexLock lock(mutex_);
    if (deliverer_ != nullptr) {
      const DeliverCounters counters = deliverer_->counters();
      earlier_deliver_.delivered += counters.delivered;
      earlier_deliver_.failed += counters.failed;
      earlier_deliver_.retries += counters.retries;
    }
    deliverer_.reset();
    next_deliverer_ = *std::move(deliverer);
  }
  restart_after_writes();
}

// The store answers requests in their order, so an empty one is answered after all earlier ones.
void ServerImpl::restart_after_writes() {
  {
    const MutexLock lock(mutex_);
    if (next_tail_ == nullptr && next_deliverer_ == nullptr) return;
  }
  WriteRequest last;
  last.urgent = true;
  const Status submitted = database_.submit(
      std::move(last), [this, post = poster_](const auto&) { post([this] { restart_parts(); }); });
  if (!submitted) restart_timer_->start(kRestartPause);
}

void ServerImpl::restart_parts() {
  if (draining_) return;
  const Status started = start_waiting_parts();
  if (started) return;
  log(LogLevel::kError, "settings not applied yet: " + started.error().message);
  restart_timer_->start(kRestartPause);
}

Status ServerImpl::start_waiting_parts() {
  const MutexLock lock(mutex_);
  if (next_tail_ != nullptr) {
    TOCSIN_RETURN_IF_ERROR(next_tail_->start());
    tail_ = std::move(next_tail_);
  }
  if (next_deliverer_ != nullptr) {
    next_deliverer_->start();
    deliverer_ = std::move(next_deliverer_);
  }
  return {};
}

bool ServerImpl::tail_caught_up() const {
  const MutexLock lock(mutex_);
  caught_up_ = caught_up_ || (tail_ != nullptr && tail_->caught_up());
  return caught_up_;
}

void ServerImpl::outbox_changed() {
  const MutexLock lock(mutex_);
  if (deliverer_ != nullptr) deliverer_->wake();
}

void ServerImpl::wait_for_lags() {
  lag_timer_->start(kLagInterval - clock_.now() % kLagInterval + kLagPause);
}

// If the store accepts no writes, the next call tries again.
void ServerImpl::write_lags(bool at_end) {
  WriteRequest request;
  request.allow_reserved = true;
  request.urgent = true;
  request.source = kEventLagMeasurement;
  const Timestamp now = clock_.now();
  if (!lags_.add_rows(now, at_end, request.batch)) return;
  if (database_.submit(std::move(request), [](const auto&) {})) lags_.forget(now, at_end);
}

// A second stop request ends the drain at once.
void ServerImpl::begin_drain() {
  if (std::exchange(draining_, true)) {
    drain_start_ = clock_.running() - kDrainTimeout;
    return;
  }
  drain_start_ = clock_.running();
  {
    const MutexLock lock(mutex_);
    tail_.reset();
    deliverer_.reset();
    next_tail_.reset();
    next_deliverer_.reset();
  }
  ingest_->limit_patience(kDrainPatience);
  drain_timer_.emplace(&loop_, [this] { drain_tick(); });
  drain_timer_->start(kDrainGrace);
}

void ServerImpl::drain_connections() {
  tcp_listener_.reset();
  http_listener_.reset();
  syslog_listener_.reset();
  syslog_receiver_.reset();
  if (syslog_datagrams_) syslog_datagrams_->flush();
  // Copies, because connections that end remove themselves from the map.
  for (const auto& [id, connection] : std::map(tcp_)) connection->drain();
  for (const auto& [id, connection] : std::map(syslog_)) connection->drain();
  for (const auto& [id, connection] : std::map(http_)) connection->drain();
}

void ServerImpl::drain_tick() {
  if (!std::exchange(drained_connections_, true)) drain_connections();
  const bool late = clock_.running() - drain_start_ >= kDrainTimeout;
  if (late) {
    log(LogLevel::kWarning,
        fmt::format("stopping with {} connections open and {}", connection_count(),
                    ingest_->idle() ? "all received rows stored" : "some rows not yet stored"));
  }
  finished_ = late || (connection_count() == 0 && ingest_->idle());
  if (!finished_) drain_timer_->start(kDrainTick);
}

void ServerImpl::tear_down() {
  {
    const MutexLock lock(mutex_);
    tail_.reset();
    deliverer_.reset();
    next_tail_.reset();
    next_deliverer_.reset();
  }
  tcp_listener_.reset();
  http_listener_.reset();
  syslog_listener_.reset();
  syslog_receiver_.reset();
  syslog_datagrams_.reset();
  for (const auto& [id, connection] : std::map(http_)) connection->abort();  // cancels queries
  workers_.reset();
  tcp_.clear();
  syslog_.clear();
  ingest_.reset();
  signals_.clear();
  drain_timer_.reset();
  lag_timer_.reset();
  restart_timer_.reset();
  mailbox_.reset();
}

}  // namespace

ServerPorts::ServerPorts() = default;
ServerPorts::ServerPorts(ServerPorts&&) noexcept = default;
ServerPorts::~ServerPorts() = default;

Result<ServerPorts> ServerPorts::open(const ServerOptions& options) {
  ServerPorts ports;
  if (options.tls.enabled()) {
    TOCSIN_TRY(ports.tls, TlsContext::load(options.tls));
  }
  TOCSIN_TRY(ports.tcp, open_port(options.tcp_address, "--tcp HOST:PORT", options));
  TOCSIN_TRY(ports.http, open_port(options.http_address, "--http HOST:PORT", options));
  TOCSIN_TRY(ports.syslog_tcp,
             open_syslog_port<ListenSocket>(options.syslog_tcp_address, "listen.syslog_tcp",
                                            !options.tls.client_ca.empty(), options));
  TOCSIN_TRY(ports.syslog_udp, open_syslog_port<UdpSocket>(options.syslog_udp_address,
                                                           "listen.syslog_udp", false, options));
  return ports;
}

Result<std::unique_ptr<Server>> Server::create(Database& database, const QueryEngine& queries,
                                               RuleEngine* rules, ServerOptions options,
                                               ServerPorts ports) {
  auto server = std::make_unique<ServerImpl>(database, queries, rules, std::move(options));
  TOCSIN_RETURN_IF_ERROR(server->open(std::move(ports)));
  return server;
}

Result<std::unique_ptr<Server>> Server::create(Database& database, const QueryEngine& queries,
                                               RuleEngine* rules, ServerOptions options) {
  TOCSIN_TRY(ServerPorts ports, ServerPorts::open(options));
  return create(database, queries, rules, std::move(options), std::move(ports));
}

}  // namespace tocsin
