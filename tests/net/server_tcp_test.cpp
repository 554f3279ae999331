// The line port as shippers see it, and the checks of listen addresses.
#include <future>
#include <optional>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/limits.h"
#include "net/event_loop/address.h"
#include "net/event_loop/socket.h"
#include "net/ingest/ingest.h"
#include "net/ingest/tcp_connection.h"
#include "net/parse/framer.h"
#include "tests/net/server_support.h"

namespace tocsin {
namespace {

using test::Client;
using test::contains;
using test::TestServer;

TEST_CASE("tcp: lines of both formats become rows, and nothing is sent back", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send(
      "m f=1i 1\n{\"measurement\":\"j\",\"time\":1700000002,\"v\":1}\nbad\nm f=2i 2\n\n# "
      "comment\n{\"v\":3}");
  client.end();
  CHECK(client.read_all().empty());
  CHECK(server.query("from m | keep f") == "f\n1\n2\n");
  CHECK(server.query("from j | keep v") == "v\n1\n");
  CHECK(server.query("from logs | keep v") == "v\n3\n");
  CHECK(
      contains(server.query("from rejected | keep reason, line"), "missing fields at byte 4,bad"));
}

TEST_CASE("tcp: a quoted newline belongs to its line, however the bytes arrive", "[net]") {
  TestServer server;
  Client client(server.tcp());
  for (const char c : std::string("m f=\"a\nb\" 1\nm f=\"c\" 2\n")) client.send(std::string(1, c));
  client.end();
  CHECK(client.read_all().empty());
  CHECK(server.query("from m | keep f") == "f\n\"a\nb\"\nc\n");
}

TEST_CASE("tcp: `listen.time` names the key, layout and zone of the time", "[net]") {
  ServerOptions options;
  options.time = {{"when"}, "%d.%m.%Y %H:%M", "Europe/Berlin"};
  TestServer server(options);
  Client client(server.tcp());
  client.send(
      "# tocsin ack=on\n{\"when\":\"14.11.2023 23:13\",\"time\":\"x\",\"v\":1}\n"
      "{\"when\":1700000000,\"v\":2}\n");
  CHECK(client.read_until("\n") == "+OK 1\n");
  CHECK(
      contains(client.read_until("\n"), "-ERR line 3: invalid time \"1700000000\" in key `when`"));
  CHECK(server.query("from logs | keep time, v") == "time,v\n1699999980000000000,1\n");
}

TEST_CASE("server: a wrong `listen.time` is refused", "[net]") {
  TestServer server;
  const QueryEngine queries(server.database());
  ServerOptions options;
  options.tcp_address = options.http_address = "";  // the usual ports may be in use
  options.time.layout = "iso";
  const auto created = Server::create(server.database(), queries, nullptr, options);
  REQUIRE(!created);
  CHECK(contains(created.error().message, "listen.time: unknown time layout `iso`"));
}

TEST_CASE("tcp: acknowledgements are sent on request", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("# tocsin ack=on\nm f=1 1\nm f=2 2\n");
  CHECK(client.read_until("\n") == "+OK 3\n");
  CHECK(server.query("from m | stats n = count()") == "n\n2\n");
  client.send("m f=3 3\nbad\nworse\n");
  CHECK(client.read_until("\n") ==
        "-ERR line 5: missing fields at byte 4 (and 1 more); 6 lines done\n");
  client.send("{\"v\":1}\n");
  CHECK(client.read_until("\n") == "+OK 7\n");
  client.send("m f=\"text\" 4\n");
  CHECK(contains(client.read_until("\n"), "-ERR line 8: field type conflict"));
}

TEST_CASE("tcp: a wrong word after `# tocsin` confirms nothing, and the log says what is right",
          "[net]") {
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  {
    TestServer server;
    Client client(server.tcp());
    client.send("# tocsin ack=yes\nm f=1 1\n");
    client.end();
    CHECK(client.read_all().empty());
    CHECK(server.query("from m | stats n = count()") == "n\n1\n");
  }
  set_log_sink(nullptr);
  std::erase_if(logged, [](const std::string& text) { return !contains(text, "ack=yes"); });
  REQUIRE(logged.size() == 1);
  CHECK_THAT(logged[0], Catch::EndsWith("`# tocsin ack=yes` is not known, so nothing is confirmed; "
                                        "expected `# tocsin ack=on`"));
}

TEST_CASE("tcp: a small text does not wait for the thread pool", "[net]") {
  TestServer server;
  Client client(server.tcp());
  const test::BlockedThreadPool blocked;
  client.send("# tocsin ack=on\n");
  CHECK(client.read_until("\n") == "+OK 1\n");
  client.send("m f=1 1\n");
  CHECK(client.read_until("\n") == "+OK 2\n");
  client.send("bad\n");
  CHECK(client.read_until("\n") == "-ERR line 3: missing fields at byte 4; 3 lines done\n");
  CHECK(server.query("from m | keep f") == "f\n1\n");
}

TEST_CASE("tcp: small and large texts get the same answers", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("# tocsin ack=on\n");
  CHECK(client.read_until("\n") == "+OK 1\n");
  size_t line = 1;
  const auto check = [&](const std::string& lines, size_t line_count, const std::string& expected) {
    for (const size_t size : {kLoopTextBytesMax, kLoopTextBytesMax + 1}) {
      const std::string comment = "#" + std::string(size - lines.size() - 2, ' ') + "\n";
      client.send(comment + lines);
      const size_t first = line + 1;
      line += 1 + line_count;
      CHECK(client.read_until("\n") == fmt::format(fmt::runtime(expected), first + 2, line));
    }
  };
  check("m f=1 1\nm f=2 2\n", 2, "+OK {1}\n");
  check("m f=1 1\nbad\n", 2, "-ERR line {0}: missing fields at byte 4; {1} lines done\n");
  check("# more\n", 1, "+OK {1}\n");
  CHECK(server.query("from m | stats n = count()") == "n\n6\n");
}

TEST_CASE("tcp: comments of a client that ends at once are answered", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("# tocsin ack=on\n# nothing to store\n");
  client.end();
  CHECK(client.read_all() == "+OK 2\n");
}

TEST_CASE("tcp: a line that is too long is rejected and the next one is read", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("# tocsin ack=on\n");
  CHECK(client.read_until("\n") == "+OK 1\n");
  auto sender = std::async(std::launch::async, [&] {
    const bool sent =
        client.send("m f=\"" + std::string(kLineBytesMax + 3 * kMiB, 'x') + "\" 1\nm f=1 2\n");
    client.end();
    return sent;
  });
  const std::string answers = client.read_all();
  CHECK(sender.get());
  CHECK(contains(answers, "-ERR line 2: line is longer than "));
  CHECK(contains(answers, "+OK 3\n"));
  CHECK(server.query("from m | keep f") == "f\n1\n");
  CHECK(server.query("from rejected | stats n = count()") == "n\n1\n");
}

TEST_CASE("tcp: NUL bytes that a crash left are skipped, and the lines around them are stored",
          "[net]") {
  const size_t size = GENERATE(size_t{300}, kLineBytesMax + 3 * kMiB);
  CAPTURE(size);
  const std::string nuls(size, '\0');
  TestServer server;
  Client client(server.tcp());
  auto sender = std::async(std::launch::async, [&] {
    const bool sent = client.send("# tocsin ack=on\nm f=1 1\n" + nuls + "m f=2 2\nm f=" + nuls +
                                  "m f=3 3\n" + nuls + "{\"f\":4}\n");
    client.end();
    return sent;
  });
  client.read_all();
  CHECK(sender.get());
  CHECK(server.query("from m | keep f") == "f\n1\n2\n3\n");
  CHECK(server.query("from logs | keep f") == "f\n4\n");
  CHECK(server.query("from rejected | keep line") == "line\nm f=\n");
}

TEST_CASE("tcp: alternating formats keep the order and the line numbers", "[net]") {
  TestServer server;
  Client client(server.tcp());
  std::string text = "# tocsin ack=on\n";
  for (int i = 0; i < 200; ++i)
    text += fmt::format("m f={}i {}\n{{\"measurement\":\"j\",\"v\":{}}}\n", i, i + 1, i);
  client.send(text);
  client.end();
  const std::string answers = client.read_all();
  CHECK(contains(answers, "+OK 401\n"));
  CHECK(!contains(answers, "-ERR"));
  CHECK(server.query("from m | stats n = count(), s = sum(f)") == "n,s\n200,19900\n");
  CHECK(server.query("from j | stats n = count(), s = sum(v)") == "n,s\n200,19900\n");
}

TEST_CASE("tcp: many shippers at once, with a small pending limit", "[net]") {
  DatabaseOptions database;
  database.pending_bytes_max = 64 * kKiB;
  TestServer server({}, database);
  std::vector<std::future<bool>> shippers;
  for (int s = 0; s < 4; ++s) {
    shippers.push_back(std::async(std::launch::async, [&server, s] {
      Client client(server.tcp());
      std::string text;
      for (int i = 0; i < 5'000; ++i)
        text += fmt::format("m,s={} f={}i,g=\"a few more bytes of text\" {}\n", s, i, i + 1);
      const bool sent = client.send(text);
      client.end();
      return sent && client.read_all().empty();
    }));
  }
  for (auto& shipper : shippers) CHECK(shipper.get());
  CHECK(server.query("from m | stats n = count(), s = sum(f)") == "n,s\n20000,49990000\n");
}

TEST_CASE("tcp: stopping stores what has arrived and drops a line that was cut off", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("m f=1i 1\nm f=2");
  server.stop();
  CHECK(server.query("from m | keep f") == "f\n1\n");
}

TEST_CASE("tcp: a connection that breaks stores its whole lines", "[net]") {
  TestServer server;
  {
    Client client(server.tcp());
    client.send("# tocsin ack=on\nm f=1i 1\n");
    CHECK(client.read_until("\n") == "+OK 2\n");
  }
  server.stop();
  CHECK(server.query("from m | keep f") == "f\n1\n");
}

// Lines after a quote that is never closed, and before a line that is cut off.
std::string open_quote_and_lines(int count) {
  std::string text = "m f=0i 1\nm g=\"open\n";
  for (int i = 1; i <= count; ++i) text += fmt::format("m f={}i 1\n", i);
  return text + "m f=7";
}

TEST_CASE("tcp: an open quote rejects only its line when the server stops", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("# tocsin ack=on\n");
  CHECK(client.read_until("\n") == "+OK 1\n");
  client.send(open_quote_and_lines(50'000));
  server.stop();
  CHECK(server.query("from m | stats n = count(), s = sum(f)") == "n,s\n50001,1250025000\n");
  CHECK(contains(server.query("from rejected | keep line"), "line\n\"m g=\"\"open\"\n"));
}

TEST_CASE("tcp: an open quote rejects only its line when the connection breaks", "[net]") {
  TestServer server;
  {
    Client client(server.tcp());
    client.send("# tocsin ack=on\n" + open_quote_and_lines(100));
    CHECK(client.read_until("\n") == "+OK 2\n");
    client.reset();
  }
  server.stop();
  CHECK(server.query("from m | stats n = count()") == "n\n101\n");
}

TEST_CASE("tcp: a multi-line value whose line is cut off after its quote is dropped", "[net]") {
  TestServer server;
  Client client(server.tcp());
  client.send("m f=1i 1\nm g=\"a\nb\"");
  server.stop();
  CHECK(server.query("from m | keep f") == "f\n1\n");
  CHECK(server.query("from rejected | stats n = count()") == "n\n0\n");
}

TEST_CASE("tcp: a quote that stays open is given up after a while", "[net]") {
  ServerOptions options;
  options.open_quote_max = 20 * kMillisecond;
  TestServer server(options);
  Client client(server.tcp());
  client.send("# tocsin ack=on\n");
  CHECK(client.read_until("\n") == "+OK 1\n");
  client.send("m g=\"open\nm f=1i 1\nm f=2i 1\nm f=");
  CHECK(contains(client.read_until("\n"), "-ERR line 2: missing closing `\"`"));
  CHECK(client.read_until("\n") == "+OK 4\n");
  client.send("3i 1\n");
  CHECK(client.read_until("\n") == "+OK 5\n");
  CHECK(server.query("from m | stats s = sum(f)") == "s\n6\n");
}

TEST_CASE("tcp: a line whose quote has been closed is waited for", "[net]") {
  ServerOptions options;
  options.open_quote_max = kMillisecond;
  TestServer server(options);
  Client client(server.tcp()), other(server.tcp());
  client.send("m g=\"a\nb\"");
  other.send("# tocsin ack=on\nn g=\"open\nn f=1 1\n");  // given up after `client` would be
  CHECK(contains(other.read_until("2 lines done\n"), "-ERR line 2"));
  client.send(",h=1 1\n");
  client.end();
  CHECK(client.read_all().empty());
  CHECK(server.query("from m | keep g") == "g\n\"a\nb\"\n");
}

TEST_CASE("tcp: a byte order mark before the first line is dropped", "[net]") {
  TestServer server;
  for (const std::string text :
       {"\xEF\xBB\xBFm f=1i\n", "\xEF\xBB\xBF{\"v\":\"=\\\" =\"}\n", "\xEF"}) {
    Client client(server.tcp());
    for (const char c : text) client.send(std::string(1, c));
    client.end();
    CHECK(client.read_all().empty());
  }
  CHECK(server.query("from m | keep f") == "f\n1\n");
  CHECK(server.query("from logs | stats n = count()") == "n\n1\n");
  CHECK(server.query("from rejected | stats n = count() by source") ==
        "source,n\ntcp 127.0.0.1,1\n");
}

TEST_CASE("address: a peer's host is its address without the port", "[net]") {
  CHECK(host_of_peer("127.0.0.1:4711") == "127.0.0.1");
  CHECK(host_of_peer("[::1]:4711") == "::1");
  CHECK(host_of_peer("").empty());
}

TEST_CASE("tcp: a first line with a secret in it is never logged", "[net]") {
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  for (const char* words : {"token=tocsin_abc ack=yes", "tokn=tocsin_abc", "tocsin_abc"}) {
    TestServer server;
    Client client(server.tcp());
    client.send(fmt::format("# tocsin {}\nm f=1 1\n", words));
    client.end();
    CHECK(client.read_all().empty());
    CHECK(server.query("from m | stats n = count()") == "n\n1\n");
  }
  set_log_sink(nullptr);
  std::erase_if(logged, [](const std::string& text) { return !contains(text, "is not known"); });
  CHECK(logged.size() == 3);
  for (const std::string& text : logged) CHECK_FALSE(contains(text, "abc"));
}

// The line port alone, with rules about tokens that a test can change.
class TokenPort {
 public:
  explicit TokenPort(bool needs_token = true, Duration token_timeout = kMinute) {
    REQUIRE(database_);
    ingest_.emplace(loop_.get(), **database_, nullptr);
    auto socket = ListenSocket::open(*parse_address("127.0.0.1:0"), "");
    REQUIRE(socket);
    auto listener = Listener::start(
        loop_.get(), *std::move(socket), [=, this](std::unique_ptr<Socket> accepted) {
          TcpConnectionOptions options;
          options.measurement = "logs";
          options.token_timeout = token_timeout;
          if (needs_token) {
            options.refuse = [this](const std::optional<std::string>& token) {
              return token == valid ? "" : token ? "unknown" : "missing";
            };
          }
          connection_ =
              std::make_shared<TcpConnection>(loop_.get(), std::move(accepted), *ingest_, clock_,
                                              std::move(options), [this] { connection_.reset(); });
          connection_->start();
        });
    REQUIRE(listener);
    listener_ = *std::move(listener);
    client.emplace(listener_->port());
    REQUIRE(loop_.run_until([this] { return connection_ != nullptr; }));
  }
  ~TokenPort() {
    client.reset();
    loop_.run_until([this] { return connection_ == nullptr; });
    listener_.reset();
    ingest_.reset();
  }

  // What the server sends until the text ends with `end`, or until it closes.
  std::string answer(const std::string& end = "") {
    std::string text;
    loop_.run_until([&] {
      const std::string bytes = client->receive_at_once();
      text += bytes;
      return (bytes.empty() && connection_ == nullptr) || (!end.empty() && text.ends_with(end));
    });
    return text;
  }
  std::string send(const std::string& text) {
    client->send(text);
    return answer();
  }
  uint64_t rows(const std::string& measurement) {
    const auto table =
        QueryEngine(**database_).run("from " + measurement + " | stats n = count()", {});
    if (!table) return 0;
    const std::string text = format_result(*table, ResultFormat::kCsv, {});
    return std::stoul(text.substr(text.find('\n') + 1));
  }

  std::optional<std::string> valid = "good";
  std::optional<Client> client;

 private:
  test::TemporaryFolder folder_;
  Result<std::unique_ptr<Database>> database_ = Database::open(folder_.path("db"));
  test::TestLoop loop_;
  const SystemClock clock_;
  std::optional<Ingest> ingest_;
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<TcpConnection> connection_;  // shared with its own callbacks
};

TEST_CASE("tcp: lines are stored only after a valid token", "[net]") {
  const auto check = [](const std::string& text, const std::string& answer, uint64_t rows) {
    TokenPort port;
    port.client->send(text);
    port.client->end();
    CHECK(port.answer() == answer);
    CHECK(port.rows("m") == rows);
  };
  check("m f=1 1\n", "-ERR missing\n", 0);
  check("m f=1 1", "-ERR missing\n", 0);
  check("# tocsin ack=on\nm f=1 1\n", "-ERR missing\n", 0);
  check("m f=1 1\n# tocsin token=good\n", "-ERR missing\n", 0);
  check("# tocsin token=bad\nm f=1 1\n", "-ERR unknown\n", 0);
  check("# tocsin token=\nm f=1 1\n", "-ERR unknown\n", 0);
  check("# tocsin token=good\nm f=1 1\nm f=2 2\n", "", 2);
  check("# tocsin token=good\r\nm f=1 1\r\n", "", 1);
  check("\xef\xbb\xbf# tocsin token=good\nm f=1 1", "", 1);
  check("# tocsin ack=on token=good\nm f=1 1\n", "+OK 2\n", 1);
  check("# tocsin token=good ack=on\nm f=1 1\n", "+OK 2\n", 1);
  check("", "", 0);
  check(std::string(5'000, 'x'), "-ERR missing\n", 0);
}

TEST_CASE("tcp: the line with the token may arrive in pieces, but not forever", "[net]") {
  {
    TokenPort port(true, 200 * kMillisecond);
    port.client->send("# tocsin tok");
    CHECK(port.answer() == "-ERR the line with the token did not arrive in time\n");
  }
  TokenPort port;
  for (const char c : std::string("# tocsin token=good ack=on\nm f=1 1\n"))
    port.client->send(std::string(1, c));
  CHECK(contains(port.answer("2\n"), "+OK 2\n"));
  CHECK(port.rows("m") == 1);
}

TEST_CASE("tcp: a token that is revoked ends its connection at the next line", "[net]") {
  TokenPort port;
  port.client->send("# tocsin token=good ack=on\nm f=1 1\n");
  CHECK(contains(port.answer("2\n"), "+OK 2\n"));
  port.valid = "other";
  CHECK(port.send("m f=2 2\n") == "-ERR unknown\n");
  CHECK(port.rows("m") == 1);
}

TEST_CASE("tcp: where no token is needed, one that is sent does no harm", "[net]") {
  TokenPort port(false);
  port.client->send("# tocsin token=any ack=on\nm f=1 1\n");
  CHECK(contains(port.answer("2\n"), "+OK 2\n"));
  CHECK(port.rows("m") == 1);
}

TEST_CASE("server: the error for a port in use says what to do", "[net]") {
  TestServer server;
  const QueryEngine queries(server.database());
  ServerOptions options;
  options.tcp_address = "";
  options.http_address = fmt::format("127.0.0.1:{}", server.http());
  const auto second = Server::create(server.database(), queries, nullptr, options);
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::kConflict);
  CHECK(contains(second.error().message,
                 fmt::format("cannot listen on 127.0.0.1:{}: the port is in use", server.http())));
  CHECK(contains(second.error().message, "--http HOST:PORT"));
}

TEST_CASE("server: addresses beyond loopback are refused if nothing protects them", "[net]") {
  TestServer server;
  const QueryEngine queries(server.database());
  ServerOptions options;
  options.tcp_address = "";
  options.tokens = TokenPolicy::kOff;
  const auto check = [&](const std::string& address, std::string_view reason) {
    options.http_address = address;
    const auto created = Server::create(server.database(), queries, nullptr, options);
    REQUIRE(!created);
    CHECK(created.error().code == ErrorCode::kInvalid);
    CHECK(contains(created.error().message, reason));
  };
  check("0.0.0.0:0", "refusing to listen on 0.0.0.0:0");
  check("*:0", "use a loopback address (--http HOST:PORT)");
  check("[::]:0", "refusing to listen on [::]:0");
  check("8086", "expected HOST:PORT");
  check("127.0.0.1:70000", "expected HOST:PORT");
  check("some.name:80", "expected HOST:PORT");
  check("0.0.0.0:0", "--insecure (`listen.insecure: true`)");
  options.insecure = true;
  options.http_address = "0.0.0.0:0";
  CHECK(Server::create(server.database(), queries, nullptr, options));
}

TEST_CASE("server: a followed file is read", "[net]") {
  test::TemporaryFolder folder;
  folder.append("audit/a.json", "{\"time\":1700000001,\"v\":1}\n");
  ServerOptions options;
  options.tail = {{{folder.path("audit/*.json")}, "auto", "", {}, false}};
  TestServer server(options);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!server.server().tail_caught_up() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  REQUIRE(server.server().tail_caught_up());
  CHECK(server.query("from audit | keep v") == "v\n1\n");
}

TEST_CASE("server: followed files are changed while lines are being stored, and none is lost",
          "[net]") {
  test::TemporaryFolder folder;
  ServerOptions options;
  options.tail = {{{folder.path("audit/*.json")}, "auto", "", {}, false}};
  TestServer server(options);
  const std::string measurement[] = {"", "audit"};
  int lines = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) {
      ++lines;
      folder.append("audit/a.json",
                    "{\"time\":" + std::to_string(1700000000 + lines) + ",\"v\":1}\n");
    }
    options.tail[0].measurement = measurement[round % 2];  // both mean the same
    REQUIRE(server.server().change_options(options));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const std::string all = "n\n" + std::to_string(lines) + "\n";
  while (server.query("from audit | stats n = count()") != all &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(server.query("from audit | stats n = count()") == all);
  CHECK(server.query("from audit | distinct time | stats n = count()") == all);
  CHECK(server.server().tail_caught_up());
}

}  // namespace
}  // namespace tocsin
