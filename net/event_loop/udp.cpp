// One call of the system reads up to kDatagramsPerCall datagrams (recvmmsg).
#include "net/event_loop/udp.h"

#include <array>
#include <cerrno>
#include <vector>

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <uv.h>

#include "db/base/check.h"
#include "db/base/log.h"
#include "db/limits.h"
#include "net/event_loop/bind.h"

namespace tocsin {
namespace {

constexpr size_t kDatagramBytes = 64 * kKiB;  // libuv cuts its buffer into pieces of this size
constexpr size_t kDatagramsPerCall = 16;
// The system grants less unless net.core.rmem_max allows it: bursts need room while the loop works.
constexpr int kReceiveBufferBytes = static_cast<int>(8 * kMiB);

std::string host_of_address(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family != AF_INET6) {
    uv_ip4_name(reinterpret_cast<const sockaddr_in*>(address), text.data(), text.size());
    return text.data();
  }
  uv_ip6_name(reinterpret_cast<const sockaddr_in6*>(address), text.data(), text.size());
  return text.data();
}

}  // namespace

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(const Address& address,
                                                   const std::string& setting) {
  sockaddr_storage storage = storage_of(address);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  std::unique_ptr<UdpSocket> out(
      new UdpSocket(::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  const int descriptor = out->descriptor_.get();
  socklen_t size = address.ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  if (descriptor < 0 || ::bind(descriptor, generic, size) != 0 ||
      ::getsockname(descriptor, generic, &size) != 0) {
    return listen_error(address, setting, errno);
  }
  const int bytes = kReceiveBufferBytes;
  if (::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  out->port_ = port_of(storage);
  return out;
}

struct UdpReceiver::State {
  uv_udp_t udp{};
  Receive receive;
  bool closing = false;
  std::vector<char> buffer = std::vector<char>(kDatagramsPerCall * kDatagramBytes);

  static State* of(const void* handle) {
    return static_cast<State*>(static_cast<const uv_handle_t*>(handle)->data);
  }

  void on_datagram(ssize_t size, const char* data, const sockaddr* peer) const {
    if (closing || (size >= 0 && peer == nullptr)) return;  // nothing more to read
    if (size < 0) return log(LogLevel::kWarning, fmt::format("udp: {}", uv_strerror(int(size))));
    receive({data, static_cast<size_t>(size)}, host_of_address(peer));
  }
};

Result<std::unique_ptr<UdpReceiver>> UdpReceiver::start(uv_loop_t* loop,
                                                        std::unique_ptr<UdpSocket> socket,
                                                        Receive receive) {
  auto* state = new State;
  state->receive = std::move(receive);
  state->udp.data = state;
  TOCSIN_CHECK(uv_udp_init_ex(loop, &state->udp, AF_UNSPEC | UV_UDP_RECVMMSG) == 0);
  std::unique_ptr<UdpReceiver> receiver(new UdpReceiver(state, socket->port()));
  int status = uv_udp_open(&state->udp, socket->descriptor_.get());
  if (status == 0) {
    socket->descriptor_.release();
    status = uv_udp_recv_start(
        &state->udp,
        [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
          std::vector<char>& bytes = State::of(handle)->buffer;
          *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
        },
        [](uv_udp_t* udp, ssize_t size, const uv_buf_t* buffer, const sockaddr* peer, unsigned) {
          State::of(udp)->on_datagram(size, buffer->base, peer);
        });
  }
  if (status != 0) {
    return fail(ErrorCode::kIo,
                fmt::format("receiving on UDP port {}: {}", socket->port(), uv_strerror(status)));
  }
  return receiver;
}

UdpReceiver::~UdpReceiver() {
  state_->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->udp),
           [](uv_handle_t* handle) { delete State::of(handle); });
}

uint64_t UdpReceiver::system_drops() const {
  uv_os_fd_t descriptor = -1;
  std::array<uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  const bool known =
      uv_fileno(reinterpret_cast<const uv_handle_t*>(&state_->udp), &descriptor) == 0 &&
      ::getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0;
  return known ? info[SK_MEMINFO_DROPS] : 0;
}

}  // namespace tocsin
