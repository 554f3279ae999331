// The syslog listeners as senders see them.
#include <fmt/format.h>

#include "db/limits.h"
#include "net/event_loop/udp.h"
#include "tests/net/server_support.h"
#include "tests/net/tail/fake_database.h"

namespace tocsin {
namespace {

using test::Client;
using test::contains;
using test::FakeDatabase;
using test::TestServer;

ServerOptions with_syslog() {
  ServerOptions options;
  options.syslog_udp_address = options.syslog_tcp_address = "127.0.0.1:0";
  return options;
}

/// Sends datagrams.
class UdpClient {
 public:
  explicit UdpClient(uint16_t port) : fd_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("the test's client cannot connect");
    }
  }
  ~UdpClient() { close(fd_); }
  UdpClient(const UdpClient&) = delete;
  UdpClient& operator=(const UdpClient&) = delete;
  void send(std::string_view data) const {
    CHECK(::send(fd_, data.data(), data.size(), 0) == static_cast<ssize_t>(data.size()));
  }

 private:
  int fd_;
};

std::string metric(TestServer& server, const std::string& name) {
  const std::string body = server.request("GET", "/metrics").body;
  const size_t at = body.find("\n" + name + " ");
  if (at == body.npos) return "none";
  const size_t start = at + name.size() + 2;
  return body.substr(start, body.find('\n', start) - start);
}

void wait_for_metric(TestServer& server, const std::string& name, const std::string& value) {
  for (int i = 0; i < 1'000 && metric(server, name) != value; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(metric(server, name) == value);
}

TEST_CASE("syslog tcp: messages of both framings become rows, and nothing is sent back", "[net]") {
  TestServer server(with_syslog());
  Client client(server.server().syslog_tcp_port());
  const std::string counted = "<34>1 2023-11-14T22:13:20Z web app 7 ID [x k=\"v\"] two\nlines";
  for (const char c : "<13>1 2023-11-14T22:13:20Z h a - - - one\n" +
                          std::to_string(counted.size()) + " " + counted +
                          "<999>bad\n<13>1 2023-11-14T22:13:20Z h a - - - last")
    client.send(std::string(1, c));
  client.end();
  CHECK(client.read_all().empty());
  CHECK(
      server.query("from syslog | sort message | keep host, service, facility, level, pid, msgid, "
                   "`x.k`, message") ==
      "host,service,facility,level,pid,msgid,x.k,message\nh,a,user,notice,,,,last\n"
      "h,a,user,notice,,,,one\nweb,app,auth,crit,7,ID,v,\"two\nlines\"\n");
  CHECK(
      server.query("from rejected | keep source, format, reason, line") ==
      "source,format,reason,line\nsyslog 127.0.0.1,syslog,\"expected a priority from <0> to <191>, "
      "found `<999>b`\",<999>bad\n");
  CHECK(metric(server, "tocsin_syslog_messages_total{transport=\"tcp\"}") == "4");
}

TEST_CASE("syslog tcp: what a stop cuts off is kept in `rejected`", "[net]") {
  TestServer server(with_syslog());
  Client client(server.server().syslog_tcp_port());
  client.send("<13>whole\n<13>half");
  while (server.query("from syslog | stats n = count()") != "n\n1\n")
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  server.stop();
  CHECK(server.query("from rejected | keep reason, line") ==
        "reason,line\nthe connection ended inside the message,<13>half\n");
}

TEST_CASE("syslog udp: each datagram is a message, and its sender is the host", "[net]") {
  ServerOptions options = with_syslog();
  options.syslog.unpack_json = true;
  options.syslog.zone = "Europe/Berlin";
  TestServer server(options);
  const UdpClient client(server.server().syslog_udp_port());
  client.send("<13>two\nlines");
  client.send("<14>2023-11-14 23:13:20 h app: {\"n\":1}\n");
  client.send("<12>" + std::string(40'000, 'x'));
  client.send("");
  client.send("<192>bad");
  wait_for_metric(server, "tocsin_syslog_messages_total{transport=\"udp\"}", "4");
  CHECK(server.query("from syslog | where level == \"info\" | keep time, host, service, n") ==
        "time,host,service,n\n1700000000000000000,h,app,1\n");
  CHECK(server.query("from syslog | where level == \"notice\" | keep host, message") ==
        "host,message\n127.0.0.1,\"two\nlines\"\n");
  CHECK(server.query("from rejected | keep line") == "line\n<192>bad\n");
}

TEST_CASE("syslog udp: datagrams beyond the bound are dropped and counted", "[net]") {
  ServerOptions options = with_syslog();
  options.syslog.pending_bytes_max = 1'000;
  TestServer server(options);
  const UdpClient client(server.server().syslog_udp_port());
  client.send("<13>" + std::string(2'000, 'x'));
  client.send("<13>small");
  wait_for_metric(server, "tocsin_syslog_messages_total{transport=\"udp\"}", "1");
  CHECK(metric(server, "tocsin_syslog_dropped_total{reason=\"busy\"}") == "1");
  CHECK(metric(server, "tocsin_syslog_dropped_total{reason=\"system\"}") == "0");
  CHECK(server.query("from syslog | keep message") == "message\nsmall\n");
}

TEST_CASE("syslog tcp: a busy store makes the sender wait, and loses nothing", "[net]") {
  auto* store = new FakeDatabase;
  TestServer server{std::unique_ptr<Database>(store), with_syslog()};
  store->set_busy(ErrorCode::kBusy);
  Client client(server.server().syslog_tcp_port());
  const std::string message = "<13>" + std::string(60'000, 'x') + "\n";
  std::string all;
  while (all.size() < 64 * kMiB) all += message;
  const size_t sent = client.send_until_blocked(all, std::chrono::milliseconds(500));
  CHECK(sent < 32 * kMiB);
  store->set_busy(std::nullopt);
  REQUIRE(client.send(std::string_view(all).substr(sent)));
  client.end();
  CHECK(client.read_all().empty());
  CHECK(store->state().rows.size() == all.size() / message.size());
}

TEST_CASE("syslog: beyond loopback, only with senders that are listed", "[net]") {
  const auto error_of = [](ServerOptions options) {
    options.tcp_address = options.http_address = "";
    const auto ports = ServerPorts::open(options);
    return ports ? "" : ports.error().message;
  };
  ServerOptions options;
  options.syslog_udp_address = "0.0.0.0:0";
  CHECK(error_of(options) ==
        "refusing to receive syslog on 0.0.0.0:0: anyone who can reach it could write; list the "
        "senders in `listen.allow`, demand certificates over TCP (`listen.tls.client_ca`), or use "
        "a loopback address (`listen.syslog_udp`)");
  options.allow = {*IpNetwork::parse("10.0.0.0/8")};
  CHECK(error_of(options).empty());
  options.allow.clear();
  options.insecure = true;
  CHECK(error_of(options).empty());
  ServerOptions taken;
  taken.tcp_address = taken.http_address = "";
  taken.syslog_udp_address = "127.0.0.1:0";
  const auto ports = ServerPorts::open(taken);
  REQUIRE(ports);
  const uint16_t port = ports->syslog_udp->port();
  taken.syslog_udp_address = fmt::format("127.0.0.1:{}", port);
  CHECK(contains(error_of(taken), "the port is in use"));
  CHECK(contains(error_of(taken), "or choose another port with `listen.syslog_udp`"));
}

}  // namespace
}  // namespace tocsin
