// A server on free ports with a temporary database, and small blocking clients for it.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/database.h"
#include "net/server.h"
#include "query/query.h"
#include "rules/engine.h"
#include "tests/net/support.h"

namespace tocsin::test {

/// A connected socket whose reads time out after ten seconds.
class Client {
 public:
  explicit Client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval timeout{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Throws instead of asserting: tests also create clients on other threads.
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("the test's client cannot connect");
    }
  }
  ~Client() { close_now(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False when the server has closed.
  bool send(std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  /// Sends until all is sent, or until the server has accepted nothing for `patience`. Returns the
  /// number of bytes sent.
  size_t send_until_blocked(std::string_view data, std::chrono::milliseconds patience) {
    size_t total = 0;
    pollfd writable{fd_, POLLOUT, 0};
    while (total < data.size() && poll(&writable, 1, static_cast<int>(patience.count())) > 0) {
      const ssize_t sent =
          ::send(fd_, data.data() + total, data.size() - total, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) break;
      total += static_cast<size_t>(sent);
    }
    return total;
  }
  void end() { shutdown(fd_, SHUT_WR); }
  /// Resets the connection.
  void reset() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_now();
  }
  void close_now() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  /// Everything up to and including `mark`, or up to the server's close.
  std::string read_until(std::string_view mark) {
    while (buffer_.find(mark) == std::string::npos) {
      if (!read_more()) return std::exchange(buffer_, "");
    }
    return consume(buffer_.find(mark) + mark.size());
  }
  std::string read_all() {
    while (read_more()) {
    }
    return std::exchange(buffer_, "");
  }
  /// Returns what recv() does: 0 at the end; -1 with errno set after an error.
  ssize_t receive_some() {
    char data[65536];
    return recv(fd_, data, sizeof data, 0);
  }
  /// The next bytes; none at the end or after an error.
  std::string receive_bytes() {
    char data[65536];
    const ssize_t count = recv(fd_, data, sizeof data, 0);
    return {data, static_cast<size_t>(std::max<ssize_t>(0, count))};
  }
  /// What has arrived.
  std::string receive_at_once() {
    char data[65536];
    const ssize_t count = recv(fd_, data, sizeof data, MSG_DONTWAIT);
    return {data, static_cast<size_t>(std::max<ssize_t>(0, count))};
  }
  /// Whether the server closes within `patience`.
  bool receive_end(Duration patience) {
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, static_cast<int>(patience / kMillisecond)) > 0 && receive_some() <= 0;
  }
  /// One HTTP response.
  struct Response {
    int status = 0;
    std::string head, body;
  };
  Response read_response(bool head_only = false) {
    Response out;
    out.head = read_until("\r\n\r\n");
    if (out.head.size() > 12) out.status = std::stoi(out.head.substr(9, 3));
    const size_t at = out.head.find("Content-Length: ");
    if (at == std::string::npos || head_only) return out;
    const size_t size = std::stoul(out.head.substr(at + 16));
    while (buffer_.size() < size && read_more()) {
    }
    out.body = consume(std::min(size, buffer_.size()));
    return out;
  }

 private:
  bool read_more() {
    char data[65536];
    const ssize_t count = recv(fd_, data, sizeof data, 0);
    if (count > 0) buffer_.append(data, static_cast<size_t>(count));
    return count > 0;
  }
  std::string consume(size_t size) {
    std::string out = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return out;
  }

  int fd_;
  std::string buffer_;
};

class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}, DatabaseOptions database_options = {}) {
    database_options.commit_interval = 5 * kMillisecond;
    auto database = Database::open(folder_.path("db"), database_options);
    REQUIRE(database);
    start(std::move(*database), std::move(options));
  }
  explicit TestServer(std::unique_ptr<Database> database, ServerOptions options = {}) {
    start(std::move(database), std::move(options));
  }
  ~TestServer() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
    CHECK(ran_);
  }

  Server& server() { return *server_; }
  uint16_t tcp() const { return server_->tcp_port(); }
  uint16_t http() const { return server_->http_port(); }
  Database& database() { return *database_; }
  RuleEngine& rules() { return *rules_; }

  /// The result as CSV with plain newlines, or the error message.
  std::string query(const std::string& text) {
    const auto table = queries_->run(text, {});
    if (!table) return table.error().message;
    return without_returns(format_result(*table, ResultFormat::kCsv, {.times_as_ns = true}));
  }
  static std::string without_returns(std::string text) {
    std::erase(text, '\r');
    return text;
  }
  /// Sends one request on a new connection.
  Client::Response request(const std::string& method, const std::string& target,
                           const std::string& body = "", const std::string& headers = "") {
    Client client(http());
    client.send(request_text(method, target, body, headers));
    return client.read_response(method == "HEAD");
  }
  static std::string request_text(const std::string& method, const std::string& target,
                                  const std::string& body = "", const std::string& headers = "") {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
    if (!body.empty() || method == "POST")
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
  }

 private:
  void start(std::unique_ptr<Database> database, ServerOptions options) {
    database_ = std::move(database);
    queries_ = std::make_unique<QueryEngine>(*database_);
    rules_ = std::make_unique<RuleEngine>(*database_, *queries_, clock_, RuleEngineOptions{});
    options.tcp_address = options.http_address = "127.0.0.1:0";
    options.version = "1.2.3";
    auto server = Server::create(*database_, *queries_, rules_.get(), std::move(options));
    if (!server) FAIL(server.error().message);
    server_ = std::move(*server);
    thread_ = std::thread([this] { ran_ = static_cast<bool>(server_->run()); });
  }

  TemporaryFolder folder_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<QueryEngine> queries_;
  ManualClock clock_{20'000 * kDay};  // of the rules
  std::unique_ptr<RuleEngine> rules_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  bool ran_ = false;  // written by thread_, read after it is joined
};

}  // namespace tocsin::test
