// Two small classes around uv_tcp_t. Each state outlives its owner until the close callbacks ran.
#include "net/event_loop/socket.h"

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/socket.h>
#include <uv.h>

#include "db/base/check.h"
#include "db/base/log.h"
#include "net/event_loop/bind.h"
#include "net/event_loop/tls.h"

namespace tocsin {
namespace {

constexpr int kBacklog = 511;
constexpr unsigned kKeepaliveSeconds = 60;
constexpr size_t kReadBytes = 64 * 1024;

// Data is passed on before the next read, so all sockets of a thread share one buffer.
thread_local std::array<char, kReadBytes> read_buffer;
thread_local std::array<char, kReadBytes> plain_buffer;  // what TLS made of read_buffer

constexpr char kTlsHandshake = 0x16;  // the first byte of a TLS connection (RFC 8446, section 5.1)
constexpr int kTlsFaultsLoggedMax = 20;  // by a thread in a minute

void log_tls_fault(const std::string& peer, const std::string& fault) {
  static thread_local Duration minute = 0;
  static thread_local int count = 0;
  const Duration now = SystemClock().running() / kMinute;
  if (now != std::exchange(minute, now)) count = 0;
  if (++count > kTlsFaultsLoggedMax) return;
  log(LogLevel::kWarning, fmt::format("tls {}: {}", peer, fault));
}

struct WriteJob {
  uv_write_t request{};
  std::string data;
  std::function<void()> sent;
};

uv_stream_t* stream_of(uv_tcp_t& tcp) { return reinterpret_cast<uv_stream_t*>(&tcp); }

std::string name_of_address(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto* generic = reinterpret_cast<const sockaddr*>(&storage);
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(generic);
    uv_ip6_name(v6, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(generic);
  uv_ip4_name(v4, text.data(), text.size());
  return fmt::format("{}:{}", text.data(), ntohs(v4->sin_port));
}

}  // namespace

struct Socket::State {
  uv_tcp_t tcp{};
  uv_timer_t linger{};
  int open_handles = 2;
  bool owned = true;   // a Socket refers to this state
  bool ended = false;  // the peer ended or the connection broke
  Callbacks callbacks;
  std::string peer;
  std::unique_ptr<TlsSession> tls;  // null: plain text
  bool tls_begun = false;           // the first byte of the peer was one of TLS
  // Written before the end of the handshake.
  std::vector<std::pair<std::string, std::function<void()>>> waiting;

  static State* of(const uv_handle_t* handle) { return static_cast<State*>(handle->data); }
  uv_handle_t* tcp_handle() { return reinterpret_cast<uv_handle_t*>(&tcp); }

  void close() {
    if (uv_is_closing(tcp_handle())) return;
    const auto closed = [](uv_handle_t* handle) {
      State* state = of(handle);
      if (--state->open_handles == 0) delete state;
    };
    uv_close(tcp_handle(), closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&linger), closed);
  }

  void read(ssize_t count) {
    if (!owned) {  // finish() was called: only the peer's end matters
      if (count < 0) close();
      return;
    }
    if (tls) return read_tls(count);
    if (count > 0) {
      const auto data = callbacks.data;  // a copy, as the callback may destroy the socket
      return data({read_buffer.data(), static_cast<size_t>(count)});
    }
    if (count == 0 || ended) return;
    report_end(count == UV_EOF);
  }

  void read_tls(ssize_t count) {
    if (count == 0 || ended) return;
    if (count < 0) return report_end(false);
    const std::string_view received(read_buffer.data(), static_cast<size_t>(count));
    if (!tls_begun && received.front() != kTlsHandshake) return leave_tls(received);
    tls_begun = true;
    tls->receive(received);
    const bool was_open = tls->is_open();
    // The callback may destroy the socket, but not this state.
    while (const size_t size = tls->read(plain_buffer.data(), plain_buffer.size())) {
      if (!was_open && !waiting.empty()) write_waiting();
      const auto data = callbacks.data;
      data({plain_buffer.data(), size});
      if (!owned) return;
    }
    if (!was_open && tls->is_open()) {
      uv_timer_stop(&linger);
      write_waiting();
    }
    send_raw(tls->take_output(), nullptr);
    if (!tls->error().empty()) {
      log_tls_fault(peer, was_open ? tls->error() : "the handshake failed: " + tls->error());
      return report_end(false);
    }
    if (tls->peer_ended()) report_end(true);
  }

  void leave_tls(std::string_view received) {
    uv_timer_stop(&linger);
    tls.reset();
    log_tls_fault(peer, "the client does not speak TLS, which `listen.tls` demands");
    const auto not_tls = callbacks.not_tls;
    if (not_tls) return not_tls(received);
    report_end(false);
  }

  void write_waiting() {
    for (auto& [data, sent] : std::exchange(waiting, {})) {
      tls->write(data);
      send_raw(tls->take_output(), std::move(sent));
    }
  }

  void send_raw(std::string data, std::function<void()> sent) {
    if (data.empty() && !sent) return;
    auto* job = new WriteJob;
    job->data = std::move(data);
    job->sent = std::move(sent);
    job->request.data = job;
    const uv_buf_t buffer = uv_buf_init(job->data.data(), static_cast<unsigned>(job->data.size()));
    const int status =
        uv_write(&job->request, stream_of(tcp), &buffer, 1, [](uv_write_t* request, int result) {
          const std::unique_ptr<WriteJob> done(static_cast<WriteJob*>(request->data));
          State* state = State::of(reinterpret_cast<uv_handle_t*>(request->handle));
          if (!state->owned || result == UV_ECANCELED) return;
          if (result != 0) return state->report_end(false);
          if (done->sent) done->sent();
        });
    if (status != 0) delete job;  // the connection is broken, which the read side reports
  }

  void report_end(bool clean) {
    ended = true;
    uv_read_stop(stream_of(tcp));
    const auto end = callbacks.end;
    if (end) end(clean);
  }

  void start_reading() {
    const int status = uv_read_start(
        stream_of(tcp),
        [](uv_handle_t*, size_t, uv_buf_t* buffer) {
          *buffer = uv_buf_init(read_buffer.data(), static_cast<unsigned>(read_buffer.size()));
        },
        [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
          of(reinterpret_cast<uv_handle_t*>(stream))->read(count);
        });
    TOCSIN_CHECK(status == 0 || status == UV_EALREADY || status == UV_EINVAL);
  }
};

Socket::~Socket() {
  if (state_ == nullptr) return;
  state_->owned = false;
  state_->callbacks = {};
  state_->close();
}

void Socket::set_callbacks(Callbacks callbacks) { state_->callbacks = std::move(callbacks); }

void Socket::start_reading() {
  if (!state_->ended) state_->start_reading();
}

void Socket::stop_reading() { uv_read_stop(stream_of(state_->tcp)); }

void Socket::start_tls(const TlsContext& context) {
  state_->tls = std::make_unique<TlsSession>(context);
  uv_timer_start(
      &state_->linger,
      [](uv_timer_t* timer) {
        State* state = State::of(reinterpret_cast<uv_handle_t*>(timer));
        if (!state->owned || state->ended) return;
        log_tls_fault(state->peer, "the handshake was not finished in time");
        state->report_end(false);
      },
      kTlsHandshakeTimeout / kMillisecond, 0);
}

void Socket::write(std::string data, std::function<void()> sent) {
  if (!state_->tls) return state_->send_raw(std::move(data), std::move(sent));
  if (!state_->tls->is_open()) {
    state_->waiting.emplace_back(std::move(data), std::move(sent));
    return;
  }
  state_->tls->write(data);
  state_->send_raw(state_->tls->take_output(), std::move(sent));
}

size_t Socket::unsent_bytes() const {
  return uv_stream_get_write_queue_size(stream_of(state_->tcp));
}
const std::string& Socket::peer() const { return state_->peer; }

void Socket::abort(std::unique_ptr<Socket> socket) {
  uv_os_fd_t descriptor = -1;
  if (uv_fileno(socket->state_->tcp_handle(), &descriptor) != 0) return;
  const linger reset{1, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void Socket::finish(std::unique_ptr<Socket> socket) {
  State* state = std::exchange(socket->state_, nullptr);
  state->owned = false;
  state->callbacks = {};
  if (state->tls) {
    state->tls->end();
    state->send_raw(state->tls->take_output(), nullptr);
  }
  auto* request = new uv_shutdown_t;
  const int status = uv_shutdown(request, stream_of(state->tcp), [](uv_shutdown_t* done, int) {
    const std::unique_ptr<uv_shutdown_t> finished(done);
    State* ending = State::of(reinterpret_cast<uv_handle_t*>(done->handle));
    if (ending->ended) ending->close();
  });
  if (status != 0) {
    delete request;
    return state->close();
  }
  if (!state->ended) state->start_reading();
  uv_timer_start(
      &state->linger,
      [](uv_timer_t* timer) { State::of(reinterpret_cast<uv_handle_t*>(timer))->close(); },
      kLingerTime / kMillisecond, 0);
}

struct Listener::State {
  uv_tcp_t tcp{};
  Accept accept;
  bool closing = false;

  void on_connection(int status) {
    if (closing) return;
    if (status < 0) return log(LogLevel::kWarning, fmt::format("accept: {}", uv_strerror(status)));
    auto* state = new Socket::State;
    TOCSIN_CHECK(uv_tcp_init(tcp.loop, &state->tcp) == 0);
    TOCSIN_CHECK(uv_timer_init(tcp.loop, &state->linger) == 0);
    state->tcp.data = state->linger.data = state;
    std::unique_ptr<Socket> socket(new Socket(state));
    if (uv_accept(stream_of(tcp), stream_of(state->tcp)) != 0) return;
    uv_tcp_keepalive(&state->tcp, 1, kKeepaliveSeconds);
    uv_tcp_nodelay(&state->tcp, 1);
    sockaddr_storage address{};
    int size = sizeof address;
    if (uv_tcp_getpeername(&state->tcp, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
      state->peer = name_of_address(address);
    }
    accept(std::move(socket));
  }
};

Result<std::unique_ptr<ListenSocket>> ListenSocket::open(const Address& address,
                                                         const std::string& setting) {
  sockaddr_storage storage = storage_of(address);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  std::unique_ptr<ListenSocket> out(
      new ListenSocket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  const int descriptor = out->descriptor_.get();
  const int on = 1;  // a server that restarts need not wait until its old connections are forgotten
  socklen_t size = address.ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (descriptor < 0 || ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(descriptor, generic, size) != 0 || ::listen(descriptor, kBacklog) != 0 ||
      ::getsockname(descriptor, generic, &size) != 0) {
    return listen_error(address, setting, errno);
  }
  out->port_ = port_of(storage);
  return out;
}

Result<std::unique_ptr<Listener>> Listener::start(uv_loop_t* loop,
                                                  std::unique_ptr<ListenSocket> socket,
                                                  Accept accept) {
  auto* state = new State;
  state->accept = std::move(accept);
  state->tcp.data = state;
  TOCSIN_CHECK(uv_tcp_init(loop, &state->tcp) == 0);
  std::unique_ptr<Listener> listener(new Listener(state, socket->port()));
  int status = uv_tcp_open(&state->tcp, socket->descriptor_.get());
  if (status == 0) {
    socket->descriptor_.release();
    status = uv_listen(stream_of(state->tcp), kBacklog, [](uv_stream_t* stream, int result) {
      static_cast<State*>(stream->data)->on_connection(result);
    });
  }
  if (status != 0) {
    return fail(ErrorCode::kIo,
                fmt::format("listening on port {}: {}", socket->port(), uv_strerror(status)));
  }
  return listener;
}

Listener::~Listener() {
  state_->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->tcp),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

}  // namespace tocsin
