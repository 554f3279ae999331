// A small HTTP receiver for tests: one thread accepts, and one per connection answers.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/base/mutex.h"

namespace tocsin::test {

struct Received {
  std::string head;  ///< request line and headers
  std::string body;
};

class Receiver {
 public:
  /// Answers the n-th request (from 0) with the status that `respond` returns; 0 closes without an
  /// answer. `respond` is called on several threads. The headers `extra` are added to every answer.
  explicit Receiver(std::function<int(size_t, const Received&)> respond, uint16_t port = 0,
                    std::string extra = "")
      : respond_(std::move(respond)), extra_(std::move(extra)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Receiver() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    for (std::thread& thread : connections_) thread.join();
  }

  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  std::vector<Received> received() const {
    const MutexLock lock(mutex_);
    return received_;
  }
  size_t count() const { return received().size(); }

 private:
  void accept_all() {
    for (;;) {
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      connections_.emplace_back([this, connection] { serve(connection); });
    }
  }

  void serve(int connection) {
    std::string data;
    char buffer[4096];
    size_t head_end = std::string::npos;
    size_t wanted = 0;
    while (head_end == std::string::npos || data.size() < head_end + 4 + wanted) {
      const ssize_t count = recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) break;
      data.append(buffer, static_cast<size_t>(count));
      if (head_end == std::string::npos) {
        head_end = data.find("\r\n\r\n");
        const size_t length = data.find("Content-Length: ");
        if (length != std::string::npos) wanted = std::stoul(data.substr(length + 16));
      }
    }
    if (head_end != std::string::npos)
      answer(connection, {data.substr(0, head_end), data.substr(head_end + 4)});
    close(connection);
  }

  void answer(int connection, Received request) {
    size_t index = 0;
    {
      const MutexLock lock(mutex_);
      index = received_.size();
      received_.push_back(request);
    }
    const int status = respond_(index, request);
    if (status == 0) return;
    const std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n" + extra_ +
                             "Content-Length: 5\r\nConnection: close\r\n\r\nhello";
    send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  }

  const std::function<int(size_t, const Received&)> respond_;
  const std::string extra_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> connections_;  // used by the acceptor's thread until it has ended
  mutable Mutex mutex_;
  std::vector<Received> received_ TOCSIN_GUARDED_BY(mutex_);
};

}  // namespace tocsin::test
