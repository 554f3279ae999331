// Creates the parts on one loop, and destroys them in an order that loses nothing.
#include "net/server.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <uv.h>

#include "db/base/check.h"
#include "db/base/log.h"
#include "db/base/mutex.h"
#include "net/deliver/deliver.h"
#include "net/event_loop/socket.h"
#include "net/event_loop/worker_pool.h"
#include "net/http/api.h"
#include "net/http/connection.h"
#include "net/ingest/ingest.h"
#include "net/ingest/tcp_connection.h"
#include "net/tail/tail.h"

namespace tocsin {
namespace {

constexpr size_t kQueriesWaitingMax = 256;
// After a stop request.
constexpr Duration kDrainGrace = 50 * kMillisecond;  // data sent before may still arrive
constexpr Duration kDrainPatience = 5 * kSecond;     // writes to a busy store are retried
constexpr Duration kDrainTimeout = 15 * kSecond;     // then everything left is abandoned
constexpr Duration kDrainTick = 10 * kMillisecond;

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

class ServerImpl final : public Server {
 public:
  ServerImpl(Database& database, const QueryEngine& queries, RuleEngine* rules,
             ServerOptions options);
  ~ServerImpl() override;

  Status open();
  uint16_t tcp_port() const override { return tcp_port_; }
  uint16_t http_port() const override { return http_port_; }
  Status run() override;
  void stop() override {
    poster_([this] { begin_drain(); });
  }
  bool tail_caught_up() const override;
  void outbox_changed() override;

 private:
  Status listen();
  Result<Address> checked_address(const std::string& text, const char* setting) const;
  void accept_tcp(std::unique_ptr<Socket> socket);
  void accept_http(std::unique_ptr<Socket> socket);
  bool full() const { return tcp_.size() + http_.size() >= options_.connection_count_max; }
  http::ServerNumbers numbers() const;
  void reload();
  void begin_drain();
  void drain_connections();
  void drain_tick();
  void tear_down();

  Database& database_;
  RuleEngine* const rules_;
  const ServerOptions options_;
  const SystemClock clock_;
  uv_loop_t loop_{};
  uint16_t tcp_port_ = 0;
  uint16_t http_port_ = 0;

  // Used on the loop's thread.
  std::optional<LoopMailbox> mailbox_;
  LoopMailbox::Poster poster_;
  std::optional<Ingest> ingest_;
  std::optional<WorkerPool> workers_;
  std::optional<http::Context> context_;
  std::vector<std::unique_ptr<LoopSignal>> signals_;
  std::unique_ptr<Listener> tcp_listener_, http_listener_;
  std::optional<LoopTimer> drain_timer_;
  uint64_t next_id_ = 0;
  std::map<uint64_t, std::shared_ptr<TcpConnection>> tcp_;  // shared with pending callbacks
  std::map<uint64_t, std::shared_ptr<http::Connection>> http_;
  std::map<int, uint64_t> http_requests_;
  bool draining_ = false;
  bool drained_connections_ = false;
  bool finished_ = false;
  Timestamp drain_start_ = 0;

  // Used on the loop's thread, and by tail_caught_up() and outbox_changed() on any thread.
  mutable Mutex mutex_;
  std::unique_ptr<Tail> tail_ TOCSIN_GUARDED_BY(mutex_);
  std::unique_ptr<Deliverer> deliverer_ TOCSIN_GUARDED_BY(mutex_);
};

ServerImpl::ServerImpl(Database& database, const QueryEngine& queries, RuleEngine* rules,
                       ServerOptions options)
    : database_(database), rules_(rules), options_(std::move(options)) {
  TOCSIN_CHECK(uv_loop_init(&loop_) == 0);
  mailbox_.emplace(&loop_);
  poster_ = mailbox_->poster();
  ingest_.emplace(&loop_, database_);
  workers_.emplace(options_.query_thread_count, kQueriesWaitingMax);
  context_.emplace(http::Context{
      &loop_, database_, queries, rules_, clock_, *ingest_, *workers_, *mailbox_, options_.reload,
      [this] { return numbers(); }, [this] { return tail_caught_up(); }, options_.version,
      options_.default_measurement, options_.http_body_bytes_max, options_.query_timeout,
      options_.query_zone, options_.allowed_hosts, options_.insecure});
}

ServerImpl::~ServerImpl() {
  tear_down();
  uv_run(&loop_, UV_RUN_DEFAULT);
  TOCSIN_CHECK(uv_loop_close(&loop_) == 0);
}

Status ServerImpl::open() {
  TOCSIN_RETURN_IF_ERROR(listen());
  if (!options_.tail.empty()) {
    TailTiming timing;
    timing.open_quote_max = options_.open_quote_max;
    TOCSIN_TRY(auto tail, Tail::create(&loop_, database_, clock_, options_.tail, timing));
    const MutexLock lock(mutex_);
    tail_ = std::move(tail);
  }
  DeliverOptions deliver;
  deliver.seed = static_cast<uint64_t>(clock_.now());
  deliver.version = options_.version;
  if (http_port_ != 0) deliver.external_url = fmt::format("http://localhost:{}/", http_port_);
  TOCSIN_TRY(auto deliverer,
             Deliverer::create(&loop_, database_, clock_, options_.forwarders, std::move(deliver)));
  {
    const MutexLock lock(mutex_);
    deliverer_ = std::move(deliverer);
  }
  for (const int number : {SIGINT, SIGTERM}) {
    signals_.push_back(std::make_unique<LoopSignal>(&loop_, number, [this] { begin_drain(); }));
  }
  signals_.push_back(std::make_unique<LoopSignal>(&loop_, SIGHUP, [this] { reload(); }));
  return {};
}

Status ServerImpl::listen() {
  if (!options_.tcp_address.empty()) {
    TOCSIN_TRY(const Address address, checked_address(options_.tcp_address, "--tcp HOST:PORT"));
    TOCSIN_TRY(tcp_listener_,
               Listener::listen(&loop_, address, "--tcp HOST:PORT",
                                [this](auto socket) { accept_tcp(std::move(socket)); }));
    tcp_port_ = tcp_listener_->port();
  }
  if (!options_.http_address.empty()) {
    TOCSIN_TRY(const Address address, checked_address(options_.http_address, "--http HOST:PORT"));
    TOCSIN_TRY(http_listener_,
               Listener::listen(&loop_, address, "--http HOST:PORT",
                                [this](auto socket) { accept_http(std::move(socket)); }));
    http_port_ = http_listener_->port();
  }
  return {};
}

Result<Address> ServerImpl::checked_address(const std::string& text, const char* setting) const {
  TOCSIN_TRY(Address address, parse_address(text));
  if (address.is_loopback() || options_.insecure) return address;
  return fail(ErrorCode::kInvalid,
              fmt::format("refusing to listen on {}: anyone who can reach it could read and write "
                          "everything; use a loopback address ({})",
                          address.text(), setting));
}

Status ServerImpl::run() {
  std::signal(SIGPIPE, SIG_IGN);  // libuv writes to sockets with write(2)
  {
    const MutexLock lock(mutex_);
    if (tail_ != nullptr) TOCSIN_RETURN_IF_ERROR(tail_->start());
    deliverer_->start();
  }
  while (!finished_) uv_run(&loop_, UV_RUN_ONCE);
  tear_down();
  uv_run(&loop_, UV_RUN_DEFAULT);
  return {};
}

void ServerImpl::accept_tcp(std::unique_ptr<Socket> socket) {
  if (full()) {
    log(LogLevel::kWarning, fmt::format("tcp {}: closed, because {} connections are already open",
                                        socket->peer(), options_.connection_count_max));
    return;
  }
  const uint64_t id = next_id_++;
  auto connection = std::make_shared<TcpConnection>(
      &loop_, std::move(socket), *ingest_, clock_,
      TcpConnectionOptions{options_.default_measurement, options_.open_quote_max},
      [this, id] { tcp_.erase(id); });
  tcp_.emplace(id, connection);
  connection->start();
}

void ServerImpl::accept_http(std::unique_ptr<Socket> socket) {
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
  out.http_requests = http_requests_;
  const MutexLock lock(mutex_);
  if (tail_ != nullptr) {
    const TailCounters tail = tail_->counters();
    out.tail_files = tail.files;
    out.tail_rows = tail.rows;
    out.tail_bytes = tail.bytes;
    out.tail_rejected = tail.rejected;
  }
  if (deliverer_ != nullptr) {
    const DeliverCounters deliver = deliverer_->counters();
    out.alerts_delivered = deliver.delivered;
    out.alerts_failed = deliver.failed;
    out.alert_retries = deliver.retries;
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
            outcome ? *outcome : outcome.error().message);
      },
      [] {});
}

bool ServerImpl::tail_caught_up() const {
  const MutexLock lock(mutex_);
  if (tail_ != nullptr) return tail_->caught_up();
  return options_.tail.empty();
}

void ServerImpl::outbox_changed() {
  const MutexLock lock(mutex_);
  if (deliverer_ != nullptr) deliverer_->wake();
}

// A second stop request ends the drain at once.
void ServerImpl::begin_drain() {
  if (std::exchange(draining_, true)) {
    drain_start_ = clock_.now() - kDrainTimeout;
    return;
  }
  drain_start_ = clock_.now();
  {
    const MutexLock lock(mutex_);
    tail_.reset();
    deliverer_.reset();
  }
  ingest_->limit_patience(kDrainPatience);
  drain_timer_.emplace(&loop_, [this] { drain_tick(); });
  drain_timer_->start(kDrainGrace);
}

void ServerImpl::drain_connections() {
  tcp_listener_.reset();
  http_listener_.reset();
  // Copies, because connections that end remove themselves from the map.
  for (const auto& [id, connection] : std::map(tcp_)) connection->drain();
  for (const auto& [id, connection] : std::map(http_)) connection->drain();
}

void ServerImpl::drain_tick() {
  if (!std::exchange(drained_connections_, true)) drain_connections();
  const bool late = clock_.now() - drain_start_ >= kDrainTimeout;
  if (late) {
    log(LogLevel::kWarning,
        fmt::format("stopping with {} connections open and {}", tcp_.size() + http_.size(),
                    ingest_->idle() ? "all received rows stored" : "some rows not yet stored"));
  }
  finished_ = late || (tcp_.empty() && http_.empty() && ingest_->idle());
  if (!finished_) drain_timer_->start(kDrainTick);
}

void ServerImpl::tear_down() {
  {
    const MutexLock lock(mutex_);
    tail_.reset();
    deliverer_.reset();
  }
  tcp_listener_.reset();
  http_listener_.reset();
  for (const auto& [id, connection] : std::map(http_)) connection->abort();  // cancels queries
  workers_.reset();
  tcp_.clear();
  ingest_.reset();
  signals_.clear();
  drain_timer_.reset();
  mailbox_.reset();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(Database& database, const QueryEngine& queries,
                                               RuleEngine* rules, ServerOptions options) {
  auto server = std::make_unique<ServerImpl>(database, queries, rules, std::move(options));
  TOCSIN_RETURN_IF_ERROR(server->open());
  return server;
}

}  // namespace tocsin
