// The server in front of a store that is busy, full, or slow.
#include <fcntl.h>
#include <fmt/format.h>

#include "db/limits.h"
#include "tests/net/server_support.h"
#include "tests/net/tail/fake_database.h"

namespace tocsin {
namespace {

using test::Client;
using test::FakeDatabase;
using test::TestServer;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

struct FakeServer {
  FakeDatabase* store = new FakeDatabase;
  TestServer server{std::unique_ptr<Database>(store)};

  bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return holds();
  }
};

TEST_CASE("http: a transient state is never a 4xx", "[net]") {
  FakeServer fake;
  fake.store->set_busy(ErrorCode::kBusy);
  auto response = fake.server.request("POST", "/write", "m f=1i 1\n");
  CHECK(response.status == 503);
  CHECK(contains(response.head, "Retry-After: 1\r\n"));
  CHECK(response.body == "{\"error\":\"the store is busy\"}\n");
  fake.store->set_busy(ErrorCode::kDiskFull);
  response = fake.server.request("POST", "/api/v2/write", "m f=1i 1\n");
  CHECK(response.status == 503);
  CHECK(contains(response.head, "Retry-After: 1\r\n"));
  CHECK(contains(response.body, "\"code\":\"unavailable\""));
  fake.store->set_busy(ErrorCode::kIo);
  CHECK(fake.server.request("POST", "/write", "m f=1i 1\n").status == 503);
  fake.store->set_busy(std::nullopt);
  fake.store->fail_commits(1);
  CHECK(fake.server.request("POST", "/write", "m f=1i 1\n").status == 503);
  CHECK(fake.store->state().rows.empty());
  CHECK(fake.server.request("POST", "/write", "m f=1i 1\n").status == 204);
  CHECK(fake.store->state().rows == std::vector<std::string>{"m f=1"});
}

TEST_CASE("http: once a part is stored, the rest is tried again instead of refused", "[net]") {
  FakeServer fake;
  std::string body;
  for (int i = 0; i < 30'000; ++i)
    body += fmt::format("m f={}i,g=\"some text of some length\" 1\n", i);
  REQUIRE(body.size() > kMiB);
  Client client(fake.server.http());
  client.send(TestServer::request_text("POST", "/write", body));
  REQUIRE(fake.eventually([&] { return !fake.store->history().empty(); }));
  fake.store->fail_commits(1);
  CHECK(client.read_response().status == 204);
  CHECK(fake.store->state().rows.size() == 30'000);
}

TEST_CASE("tcp: a busy store or a failed commit loses nothing", "[net]") {
  FakeServer fake;
  fake.store->set_busy(ErrorCode::kBusy);
  Client client(fake.server.tcp());
  client.send("# tocsin ack=on\nm f=1i 1\n");
  REQUIRE(fake.eventually([&] { return fake.store->refused() >= 2; }));
  fake.store->fail_commits(2);
  fake.store->set_busy(std::nullopt);
  CHECK(client.read_until("\n") == "+OK 2\n");
  CHECK(fake.store->state().rows == std::vector<std::string>{"m f=1"});
}

TEST_CASE("tcp: an acknowledgement covers all lines before it", "[net]") {
  FakeServer fake;
  fake.store->fail_commits(1);
  Client client(fake.server.tcp());
  // Two texts, as their formats differ: the first one's commit fails, and it is tried again behind
  // the second.
  client.send("# tocsin ack=on\nm f=1i 1\n{\"v\":1}\n");
  CHECK(client.read_until("\n") == "+OK 2\n");
  CHECK(client.read_until("\n") == "+OK 3\n");
  CHECK(fake.store->state().rows.size() == 2);
}

TEST_CASE("tcp: while the store is busy the shipper is made to wait", "[net]") {
  FakeServer fake;
  fake.store->set_busy(ErrorCode::kBusy);
  Client client(fake.server.tcp());
  const std::string line = "# " + std::string(1000, 'x') + "\nm f=1i 1\n";
  constexpr size_t kLines = 20'000;
  std::atomic<size_t> sent{0};
  std::thread shipper([&] {
    while (sent < kLines && client.send(line)) ++sent;
    client.end();
  });
  // It stands still well before all is sent: what the server and the system hold is bounded.
  size_t before = 0;
  const bool stood_still = fake.eventually([&] {
    const size_t now = sent;
    const bool still = now > 0 && now == before;
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return still;
  });
  CHECK(stood_still);
  CHECK(sent < kLines);
  fake.store->set_busy(std::nullopt);
  shipper.join();
  CHECK(sent == kLines);
  CHECK(fake.eventually([&] { return fake.store->state().rows.size() == kLines; }));
}

}  // namespace
}  // namespace tocsin
