// The server measures how late events arrive.
#include <fmt/format.h>

#include "tests/net/server_support.h"

namespace tocsin {
namespace {

using test::Client;
using test::TestServer;

constexpr const char* kLags =
    "from event_lag | stats n = sum(events), low = min(lag_min_ms), high = max(lag_max_ms) "
    "by service, host | let low = low div 60000, high = high div 60000";

std::string line(const char* tags, Duration lag) {
  return fmt::format("m{} n=1i {}\n", tags, SystemClock().now() - lag);
}

// A stopped server has submitted its rows, and the store answers in order.
std::string lags_after_stop(TestServer& server) {
  server.stop();
  WriteRequest last;
  last.urgent = true;
  REQUIRE(server.database().write(std::move(last)));
  return server.query(kLags);
}

TEST_CASE("event lag: events over HTTP and TCP are measured", "[net]") {
  TestServer server;
  const std::string body = line(",service=pay,host=a", 10 * kMinute + kSecond) +
                           line(",service=pay,host=a", 2 * kMinute + kSecond) +
                           "m,service=pay,host=a n=1i\n" + line(",service=old,host=a", 2 * kLagMax);
  CHECK(server.request("POST", "/write", body).status == 204);
  Client client(server.tcp());
  client.send("# tocsin ack=on\n" + line(",service=pay,host=b", -5 * kMinute - kSecond));
  client.read_until("+OK 2\n");
  CHECK(lags_after_stop(server) == "service,host,n,low,high\npay,a,2,2,10\npay,b,1,-5,-5\n");
  CHECK(server.query("from * | stats n = count() by measurement") == "measurement,n\nm,5\n");
}

TEST_CASE("event lag: a setting turns it off", "[net]") {
  ServerOptions options;
  options.event_lag = false;
  TestServer server(options);
  CHECK(server.request("POST", "/write", line(",service=pay", kMinute)).status == 204);
  CHECK(lags_after_stop(server) == "service,host,n,low,high\n");
}

}  // namespace
}  // namespace tocsin
