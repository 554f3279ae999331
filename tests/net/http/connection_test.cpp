// One HTTP connection with slow, impatient and disappearing clients.
#include "net/http/connection.h"

#include <csignal>
#include <optional>

#include "tests/net/server_support.h"

namespace tocsin {
namespace {

using test::Client;
using test::TestLoop;
using test::TestServer;

// A listener that keeps requests until the test answers them.
struct Fixture {
  explicit Fixture(http::ConnectionOptions connection_options = {}) : options(connection_options) {
    std::signal(SIGPIPE, SIG_IGN);  // as the server does
    Address address{"127.0.0.1", 0, false};
    auto port = ListenSocket::open(address, "--http");
    REQUIRE(port);
    auto result =
        Listener::start(loop.get(), *std::move(port), [this](std::unique_ptr<Socket> socket) {
          connection = std::make_shared<http::Connection>(
              loop.get(), std::move(socket), options,
              http::Connection::Events{[this](http::Request r, http::Reply reply) {
                                         requests.emplace_back(std::move(r), std::move(reply));
                                       },
                                       [this](int status) { statuses.push_back(status); },
                                       [this] {
                                         connection.reset();
                                         gone = true;
                                       }});
          connection->start();
        });
    REQUIRE(result);
    listener = std::move(*result);
  }
  ~Fixture() {
    listener.reset();
    if (connection) std::shared_ptr(connection)->abort();
  }

  TestLoop loop;
  http::ConnectionOptions options;
  std::unique_ptr<Listener> listener;
  std::shared_ptr<http::Connection> connection;
  std::vector<std::pair<http::Request, http::Reply>> requests;
  std::vector<int> statuses;
  bool gone = false;
};

const std::string kGet = "GET /x?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_CASE("http connection: a client that disconnects cancels its request", "[net]") {
  Fixture fixture;
  std::optional<Client> client(fixture.listener->port());
  client->send(kGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  CHECK(!*fixture.requests[0].first.cancelled);
  CHECK(fixture.requests[0].first.parameter("a") == "b");
  client.reset();
  CHECK(fixture.loop.run_until([&] { return fixture.requests[0].first.cancelled->load(); }));
  fixture.requests[0].second(http::json_response(503, "{}"));
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  fixture.requests[0].second(http::json_response(200, "{}"));  // too late, but harmless
}

TEST_CASE("http connection: requests are handled one at a time, in order", "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(kGet + kGet);
  REQUIRE(fixture.loop.run_until([&] { return !fixture.requests.empty(); }));
  CHECK(fixture.loop.run_until([turns = 0]() mutable { return ++turns > 20; }));
  CHECK(fixture.requests.size() == 1);
  fixture.requests[0].second(http::json_response(200, "1"));
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 2; }));
  fixture.requests[1].second(http::json_response(200, "2"));
  CHECK(client.read_response().body == "1");
  CHECK(fixture.loop.run_until([turns = 0]() mutable { return ++turns > 5; }));
  CHECK(client.read_response().body == "2");
}

TEST_CASE("http connection: a request that does not arrive in time is refused", "[net]") {
  http::ConnectionOptions options;
  options.receive_timeout = 20 * kMillisecond;
  Fixture fixture(options);
  Client client(fixture.listener->port());
  client.send("GET / HTTP/1.1\r\nHo");
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  CHECK(client.read_response().status == 408);
}

TEST_CASE("http connection: an idle connection is closed", "[net]") {
  http::ConnectionOptions options;
  options.idle_timeout = 20 * kMillisecond;
  Fixture fixture(options);
  Client client(fixture.listener->port());
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  CHECK(fixture.statuses.empty());
}

TEST_CASE("http connection: a client that does not read its response is disconnected", "[net]") {
  http::ConnectionOptions options;
  options.send_timeout = 100 * kMillisecond;
  Fixture fixture(options);
  Client client(fixture.listener->port());
  client.send(kGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  fixture.requests[0].second({200, "text/plain", std::string(64 << 20, 'x')});
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
}

TEST_CASE("http connection: a client that has ended its side gets its answer", "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(kGet);
  client.end();
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  fixture.requests[0].second(http::json_response(200, "answer"));
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  CHECK(client.read_response().body == "answer");
}

TEST_CASE("http connection: all requests before the client's end are answered, none cancelled",
          "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(kGet + kGet + kGet + "GET /cut HTTP/1.1\r\nHost: loc");
  client.end();
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == i + 1; }));
    if (i == 0) CHECK(fixture.loop.run_until([turns = 0]() mutable { return ++turns > 20; }));
    CHECK(!*fixture.requests[i].first.cancelled);
    fixture.requests[i].second(http::json_response(200, std::to_string(i)));
  }
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  CHECK(fixture.requests.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(client.read_response().body == std::to_string(i));
  CHECK(client.read_all().empty());
}

const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

http::ConnectionOptions impatient() {
  http::ConnectionOptions options;
  options.probe_delay = kMillisecond;
  return options;
}

TEST_CASE("http connection: a request continues while its client, which has ended, still reads",
          "[net]") {
  Fixture fixture(impatient());
  Client client(fixture.listener->port());
  client.send(kGet);
  client.end();
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  CHECK(fixture.loop.run_until([turns = 0]() mutable { return ++turns > 20; }));
  CHECK(!*fixture.requests[0].first.cancelled);
  for (int i = 0; i < 3; ++i) CHECK(client.read_until("\r\n\r\n") == kContinue);
  fixture.requests[0].second(http::json_response(200, "answer"));
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  CHECK(client.read_until("answer").find("HTTP/1.1 200 OK\r\n") != std::string::npos);
}

TEST_CASE("http connection: a request that cannot be cancelled is answered without probes",
          "[net]") {
  Fixture fixture(impatient());
  Client client(fixture.listener->port());
  client.send(kGet);
  client.end();
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  fixture.requests[0].first.cancelled = nullptr;
  CHECK(fixture.loop.run_until([turns = 0]() mutable { return ++turns > 20; }));
  fixture.requests[0].second(http::json_response(200, "answer"));
  CHECK(client.read_response().body == "answer");
}

TEST_CASE("http connection: the end of a client of HTTP/1.0 cancels its request", "[net]") {
  Fixture fixture(impatient());
  Client client(fixture.listener->port());
  client.send("GET /x HTTP/1.0\r\n\r\n");
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  CHECK(!*fixture.requests[0].first.cancelled);
  client.end();
  CHECK(fixture.loop.run_until([&] { return fixture.requests[0].first.cancelled->load(); }));
  fixture.requests[0].second(http::json_response(503, "cancelled"));
  CHECK(client.read_response().body == "cancelled");
}

TEST_CASE("http connection: HTTP/1.0 connections close after the answer unless kept alive",
          "[net]") {
  const auto ends = [](const std::string& text) {
    Fixture fixture;
    Client client(fixture.listener->port());
    client.send(text);
    REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
    fixture.requests[0].second(http::json_response(200, "answer"));
    const std::string head = client.read_response().head;
    const bool kept_1_0 = text.find("HTTP/1.0") != text.npos && head.find("close") == head.npos;
    CHECK((head.find("Connection: keep-alive\r\n") != head.npos) == kept_1_0);
    client.send(kGet);
    CHECK(fixture.loop.run_until([&] { return fixture.gone || fixture.requests.size() == 2; }));
    return fixture.gone;
  };
  CHECK(ends("GET /x HTTP/1.0\r\n\r\n"));
  CHECK(!ends("GET /x HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
  CHECK(!ends("GET /x HTTP/1.0\r\nConnection: x\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(ends("GET /x HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
  CHECK(!ends(kGet));
  CHECK(ends("GET /x HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: Close\r\n\r\n"));
}

TEST_CASE("http connection: trailers are not headers", "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nx\r\n0\r\nContent-Encoding: gzip\r\nHost: b\r\n\r\n");
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  const http::Request& request = fixture.requests[0].first;
  CHECK(request.body == "x");
  CHECK(request.header("host") == "a");
  CHECK(request.headers.count("content-encoding") == 0);
}

TEST_CASE("http connection: repeated headers are joined", "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(
      "GET /x HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\ncontent-encoding: br\r\n\r\n");
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  CHECK(fixture.requests[0].first.header("content-encoding") == "gzip, br");
}

// Three more pieces; counts them in `count`.
std::function<bool(std::string&)> three_more(std::shared_ptr<int> count) {
  return [count](std::string& out) {
    out += "piece " + std::to_string(++*count) + ";";
    return *count < 3;
  };
}

TEST_CASE("http connection: a long response goes out in chunks, and the next request is served",
          "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  const auto count = std::make_shared<int>(0);
  client.send(kGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  fixture.requests[0].second({200, "text/plain", "first;", {}, three_more(count)});
  client.send(kGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 2; }));
  CHECK(*count == 3);
  const auto response = client.read_response();
  CHECK(response.head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(response.head.find("Content-Length") == std::string::npos);
  CHECK(client.read_until("0\r\n\r\n") ==
        "6\r\nfirst;\r\n8\r\npiece 1;\r\n8\r\npiece 2;\r\n8\r\npiece 3;\r\n0\r\n\r\n");
  fixture.requests[1].second(http::json_response(200, "answer"));
  REQUIRE(fixture.loop.run_until([&] { return fixture.statuses.size() == 2; }));
  CHECK(client.read_response().body == "answer");
}

const std::string kOldGet = "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

TEST_CASE("http connection: a long response to HTTP/1.0 ends with the connection", "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(kOldGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  fixture.requests[0].second(
      {200, "text/plain", "first;", {}, three_more(std::make_shared<int>(0))});
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  const auto response = client.read_response();
  CHECK(response.head.find("Content-Length") == std::string::npos);
  CHECK(response.head.find("Transfer-Encoding") == std::string::npos);
  CHECK(response.head.find("Connection: close\r\n") != std::string::npos);
  CHECK(client.read_all() == "first;piece 1;piece 2;piece 3;");
}

TEST_CASE("http connection: a short response to HTTP/1.0 has its length", "[net]") {
  Fixture fixture;
  Client client(fixture.listener->port());
  client.send(kOldGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  fixture.requests[0].second(http::json_response(200, "answer"));
  REQUIRE(fixture.loop.run_until([&] { return fixture.statuses.size() == 1; }));
  CHECK(client.read_response().body == "answer");
}

TEST_CASE("http connection: HTTP/1.0 is sent a long response as fast as it reads", "[net]") {
  constexpr int kPieces = 4'000;
  http::ConnectionOptions options;
  options.send_timeout = 100 * kMillisecond;
  Fixture fixture(options);
  Client client(fixture.listener->port());
  client.send(kOldGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  const auto made = std::make_shared<int>(0);
  fixture.requests[0].second({200, "text/plain", "", {}, [made](std::string& out) {
                                out.append(64 << 10, 'x');
                                return ++*made < kPieces;
                              }});
  CHECK(*made == 0);
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));  // the client reads nothing
  CHECK(*made < kPieces);
  CHECK(made.use_count() == 1);
  while (client.receive_some() > 0) {
  }
  CHECK(errno == ECONNRESET);  // a clean end would look like the end of the response
}

TEST_CASE("http connection: a client that disconnects ends its long response", "[net]") {
  Fixture fixture;
  std::optional<Client> client(fixture.listener->port());
  client->send(kGet);
  REQUIRE(fixture.loop.run_until([&] { return fixture.requests.size() == 1; }));
  const auto alive = std::make_shared<int>(0);
  fixture.requests[0].second({200, "text/plain", "", {}, [alive](std::string& out) {
                                ++*alive;
                                out.assign(64 << 10, 'x');
                                return true;
                              }});
  CHECK(fixture.loop.run_until([&] { return *alive > 3; }));
  client.reset();
  CHECK(fixture.loop.run_until([&] { return fixture.gone; }));
  CHECK(alive.use_count() == 1);
}

TEST_CASE("http message: a target is a path or an absolute URL", "[net]") {
  const auto check = [](std::string_view target, const std::string& path,
                        const http::Parameters& parameters, const std::string& host) {
    CAPTURE(target);
    http::Request request;
    request.headers["host"] = "sent";
    request.read_target(target);
    CHECK(request.path == path);
    CHECK(request.parameters == parameters);
    CHECK(request.header("host") == host);
  };
  check("/a%20b?c=d%20e", "/a b", {{"c", "d e"}}, "sent");
  check("/a?b=http://c/d", "/a", {{"b", "http://c/d"}}, "sent");
  check("http://localhost:8086/ping?a=b", "/ping", {{"a", "b"}}, "localhost:8086");
  check("HTTP://[::1]", "/", {}, "[::1]");
  check("http://localhost?a=b", "/", {{"a", "b"}}, "localhost");
  check("http:///ping", "/ping", {}, "");
  check("ftp://localhost/", "ftp://localhost/", {}, "sent");
  check("*", "*", {}, "sent");
}

TEST_CASE("http message: targets are decoded", "[net]") {
  CHECK(http::url_decode("a%20b+c%2", false) == "a b+c%2");
  CHECK(http::url_decode("a%20b+c%zz%41", true) == "a b c%zzA");
  CHECK(http::parse_parameters("a=1&b&&c=x%3Dy&=z") ==
        http::Parameters{{"a", "1"}, {"b", ""}, {"c", "x=y"}, {"", "z"}});
  CHECK(http::parse_parameters("").empty());
}

}  // namespace
}  // namespace tocsin
