// The server with a store that is busy, full or failing.
#include <fmt/format.h>

#include "db/limits.h"
#include "tests/net/server_support.h"
#include "tests/net/tail/fake_database.h"

namespace tocsin {
namespace {

using test::Client;
using test::contains;
using test::FakeDatabase;
using test::TestServer;

struct FakeServer {
  FakeDatabase* store = new FakeDatabase;
  TestServer server{std::unique_ptr<Database>(store)};
};

TEST_CASE("http: a transient failure is never answered with 4xx", "[net]") {
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
  CHECK(fake.store->failed() == 1);
  CHECK(fake.store->state().rows.empty());
  CHECK(fake.server.request("POST", "/write", "m f=1i 1\n").status == 204);
  CHECK(fake.store->state().rows == std::vector<std::string>{"m f=1"});
}

TEST_CASE("http: once part of a body is stored, the rest is retried instead of refused", "[net]") {
  constexpr size_t kLines = 5'000;
  FakeServer fake;
  fake.store->fail_commits(1, /*after=*/1);
  std::string body;
  for (size_t i = 0; i < kLines; ++i)
    body += fmt::format("m f={}i,g=\"{}\" 1\n", i, std::string(1'000, 'x'));
  REQUIRE(body.size() > 4 * kMiB);  // stored in two parts
  CHECK(fake.server.request("POST", "/write", body).status == 204);
  CHECK(fake.store->failed() == 1);
  CHECK(fake.store->history().size() == 2);
  CHECK(fake.store->state().rows.size() == kLines);
}

TEST_CASE("tcp: a busy store or a failed commit loses nothing", "[net]") {
  FakeServer fake;
  fake.store->set_busy(ErrorCode::kBusy);
  Client client(fake.server.tcp());
  client.send("# tocsin ack=on\nm f=1i 1\n");
  REQUIRE(fake.store->wait_for_refused(2));
  fake.store->fail_commits(2);
  fake.store->set_busy(std::nullopt);
  CHECK(client.read_until("\n") == "+OK 2\n");
  CHECK(fake.store->failed() == 2);
  CHECK(fake.store->state().rows == std::vector<std::string>{"m f=1"});
}

TEST_CASE("tcp: an acknowledgement covers all lines before it", "[net]") {
  FakeServer fake;
  fake.store->fail_commits(1);
  Client client(fake.server.tcp());
  // Two texts, because their formats differ. The commit of the first fails; it is retried after the
  // second.
  client.send("# tocsin ack=on\nm f=1i 1\n{\"v\":1}\n");
  CHECK(client.read_until("\n") == "+OK 2\n");
  CHECK(client.read_until("\n") == "+OK 3\n");
  CHECK(fake.store->failed() == 1);
  CHECK(fake.store->state().rows == std::vector<std::string>{"logs v=1", "m f=1"});
}

TEST_CASE("tcp: a busy store blocks the shipper, and nothing is lost", "[net]") {
  constexpr size_t kLines = 4'000;
  FakeServer fake;
  fake.store->set_busy(ErrorCode::kBusy);
  Client client(fake.server.tcp());
  std::string text;
  for (size_t i = 0; i < kLines; ++i) text += "# " + std::string(10'000, 'x') + "\nm f=1i 1\n";
  // The server and the system buffer much less than this text.
  const size_t sent = client.send_until_blocked(text, std::chrono::milliseconds(500));
  REQUIRE(sent < text.size());
  CHECK(fake.store->wait_for_refused(1));
  CHECK(fake.store->state().rows.empty());
  fake.store->set_busy(std::nullopt);
  CHECK(client.send(std::string_view(text).substr(sent)));
  client.end();
  CHECK(fake.store->wait_for_rows(kLines));
  CHECK(client.read_all().empty());
  CHECK(fake.store->state().rows.size() == kLines);
}

}  // namespace
}  // namespace tocsin
