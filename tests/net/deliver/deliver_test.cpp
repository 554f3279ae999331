#include "net/deliver/deliver.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/base/log.h"
#include "db/schema/own_columns.h"
#include "net/deliver/payload.h"
#include "tests/net/deliver/receiver.h"
#include "tests/net/support.h"
#include "tests/net/tail/fake_database.h"

using namespace tocsin;
using namespace tocsin::test;

namespace {

DeliverOptions quick() {
  DeliverOptions options;
  options.policy.backoff_min = 10 * kMillisecond;
  options.policy.backoff_max = 50 * kMillisecond;
  options.retry_delay = 10 * kMillisecond;
  options.poll_interval = 50 * kMillisecond;
  options.request_timeout = 5 * kSecond;
  options.version = "1.2";
  return options;
}

AlertEvent alert(const std::string& name) {
  AlertEvent event;
  event.rule = name;
  event.service = "pay";
  event.summary = name + " happened";
  event.fingerprint = name;
  event.written_at = SystemClock().now();
  event.started_at = event.written_at;
  return event;
}

void put(FakeDatabase& database, const std::string& forwarder, uint64_t sequence,
         const AlertEvent& event) {
  database.put(SmallTable::kOutbox, outbox_key(forwarder, sequence), encode_alert(event));
}

size_t outbox_size(const FakeDatabase& database) {
  return database.list(SmallTable::kOutbox, "")->size();
}

ForwarderOptions forwarder(const std::string& name, const std::string& url) {
  ForwarderOptions options;
  options.name = name;
  options.url = url;
  options.payload = "simple";
  return options;
}

std::unique_ptr<Deliverer> deliverer(TestLoop& loop, FakeDatabase& database, const Clock& clock,
                                     std::vector<ForwarderOptions> forwarders,
                                     DeliverOptions options = quick()) {
  auto made = Deliverer::create(loop.get(), database, clock, std::move(forwarders), options);
  REQUIRE(made);
  (*made)->start();
  return *std::move(made);
}

std::string bodies(const Receiver& receiver) {
  std::string out;
  for (const Received& request : receiver.received()) out += request.body + "\n";
  return out;
}

// Blocks threads until it is opened.
class Gate {
 public:
  void wait() {
    const MutexLock lock(mutex_);
    while (!open_) opened_.wait(mutex_);
  }
  void open() {
    const MutexLock lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

 private:
  Mutex mutex_;
  ConditionVariable opened_;
  bool open_ TOCSIN_GUARDED_BY(mutex_) = false;
};

// Opens a gate when the test ends, also after a failure: a receiver waits for its threads.
struct OpenAtEnd {
  Gate& gate;
  ~OpenAtEnd() { gate.open(); }
};

// A port on which nothing listens.
uint16_t free_port() {
  return Receiver([](size_t, const Received&) { return 200; }).port();
}

}  // namespace

TEST_CASE("deliver: a waiting alert is sent, then recorded and removed in one commit", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver receiver([](size_t, const Received&) { return 204; });
  const AlertEvent event = alert("Spike");
  put(database, "hook", 1, event);
  auto options = forwarder("hook", receiver.url());
  options.headers = {{"Authorization", "Bearer x"}, {"X-Empty", ""}};
  const auto deliver = deliverer(loop, database, clock, {options});
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  REQUIRE(receiver.count() == 1);
  const Received request = receiver.received()[0];
  CHECK(request.body == simple_payload({"hook", ""}, std::vector{event}));
  CHECK(contains(request.head, "POST /hook HTTP/1.1\r\n"));
  CHECK(contains(request.head, "User-Agent: Tocsin/1.2\r\n"));
  CHECK(contains(request.head, "Content-Type: application/json"));
  CHECK(contains(request.head, "Authorization: Bearer x"));
  CHECK(contains(request.head, "X-Empty:"));
  CHECK(contains(request.head, "Idempotency-Key: " + delivery_id(event)));
  CHECK(contains(request.head, "X-Tocsin-Delivery: " + delivery_id(event)));
  const auto rows = database.state().rows;
  REQUIRE(rows.size() == 1);
  CHECK(contains(rows[0], "deliveries forwarder=hook rule=Spike state=firing status=delivered"));
  CHECK(contains(rows[0], "http_status=204 attempts=1"));
  CHECK(database.history().size() == 1);
  CHECK(loop.run_until([&] { return deliver->counters().delivered == 1; }));
}

TEST_CASE("deliver: a failed request is retried with the same id until it succeeds", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver receiver([](size_t index, const Received&) {
    return index == 0 ? 500 : index == 1 ? 0 : 200;
  });
  put(database, "hook", 1, alert("Spike"));
  const auto deliver = deliverer(loop, database, clock, {forwarder("hook", receiver.url())});
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  const auto requests = receiver.received();
  REQUIRE(requests.size() == 3);
  const auto id = requests[0].head.find("X-Tocsin-Delivery: ");
  REQUIRE(id != std::string::npos);
  CHECK(contains(requests[2].head, requests[0].head.substr(id, 35)));
  CHECK(contains(database.state().rows.at(0), "status=delivered"));
  CHECK(contains(database.state().rows.at(0), "attempts=3"));
}

TEST_CASE("deliver: a refused connection is retried until the receiver listens", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const uint16_t port = free_port();
  put(database, "hook", 1, alert("Spike"));
  const auto deliver =
      deliverer(loop, database, clock,
                {forwarder("hook", "http://127.0.0.1:" + std::to_string(port) + "/hook")});
  REQUIRE(loop.run_until([&] { return deliver->counters().retries >= 2; }));
  CHECK(outbox_size(database) == 1);
  const Receiver receiver([](size_t, const Received&) { return 200; }, port);
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  CHECK(receiver.count() == 1);
}

TEST_CASE("deliver: a slow receiver does not delay other forwarders", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  Gate gate;
  const Receiver slow([&](size_t, const Received&) {
    gate.wait();
    return 200;
  });
  const OpenAtEnd opener{gate};
  const Receiver fast([](size_t, const Received&) { return 200; });
  put(database, "slow", 1, alert("Spike"));
  put(database, "fast", 2, alert("Spike"));
  const auto deliver = deliverer(loop, database, clock,
                                 {forwarder("slow", slow.url()), forwarder("fast", fast.url())});
  REQUIRE(loop.run_until([&] { return slow.count() == 1 && outbox_size(database) == 1; }));
  CHECK(contains(database.state().rows.at(0), "forwarder=fast"));
  gate.open();
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
}

TEST_CASE("deliver: a request that takes too long is aborted and retried", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  Gate gate;
  const Receiver receiver([&](size_t index, const Received&) {
    if (index == 0) gate.wait();
    return 200;
  });
  const OpenAtEnd opener{gate};
  put(database, "hook", 1, alert("Spike"));
  DeliverOptions options = quick();
  options.request_timeout = 50 * kMillisecond;
  const auto deliver =
      deliverer(loop, database, clock, {forwarder("hook", receiver.url())}, options);
  CHECK(loop.run_until([&] { return outbox_size(database) == 0; }));
  gate.open();
  CHECK(receiver.count() >= 2);
}

TEST_CASE("deliver: a 400 is recorded as failed and not retried", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver receiver([](size_t, const Received&) { return 400; });
  put(database, "hook", 1, alert("Spike"));
  const auto deliver = deliverer(loop, database, clock, {forwarder("hook", receiver.url())});
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  CHECK(receiver.count() == 1);
  const auto rows = database.state().rows;
  CHECK(contains(rows.at(0), "status=failed"));
  CHECK(contains(rows.at(0), "http_status=400"));
  CHECK(contains(rows.at(0), "error=the receiver answered 400: hello"));
  const auto columns = own_columns(kDeliveriesMeasurement);
  for (const OwnColumn& column : columns)
    CHECK(contains(rows.at(0), std::string(" ") + column.name + "="));
  CHECK(static_cast<size_t>(std::ranges::count(rows.at(0), '=')) == columns.size());
}

TEST_CASE("deliver: redirects are not followed", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver target([](size_t, const Received&) { return 200; });
  const Receiver receiver([](size_t, const Received&) { return 307; }, 0,
                          "Location: " + target.url() + "\r\n");
  put(database, "hook", 1, alert("Spike"));
  const auto deliver = deliverer(loop, database, clock, {forwarder("hook", receiver.url())});
  REQUIRE(loop.run_until([&] { return deliver->counters().retries >= 2; }));
  CHECK(target.count() == 0);
  CHECK(outbox_size(database) == 1);
}

TEST_CASE("deliver: alerts arrive in the order in which they were written", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver receiver([](size_t index, const Received&) { return index % 3 == 0 ? 503 : 200; });
  DeliverOptions options = quick();
  options.policy.group_max = 2;
  for (uint64_t i = 0; i < 9; ++i) put(database, "hook", i, alert("Spike" + std::to_string(i)));
  const auto deliver =
      deliverer(loop, database, clock, {forwarder("hook", receiver.url())}, options);
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  const auto rows = database.state().rows;
  REQUIRE(rows.size() == 9);
  for (size_t i = 0; i < 9; ++i) CHECK(contains(rows[i], "rule=Spike" + std::to_string(i) + " "));
  const std::string all = bodies(receiver);
  size_t at = 0;
  for (size_t i = 0; i < 9; ++i) {
    at = all.find("Spike" + std::to_string(i), at);
    CHECK(at != std::string::npos);
  }
}

TEST_CASE("deliver: undelivered alerts are delivered after a restart", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const uint16_t port = free_port();
  const auto options = forwarder("hook", "http://127.0.0.1:" + std::to_string(port) + "/hook");
  put(database, "hook", 1, alert("First"));
  {
    const auto deliver = deliverer(loop, database, clock, {options});
    REQUIRE(loop.run_until([&] { return deliver->counters().retries >= 1; }));
  }
  put(database, "hook", 2, alert("Second"));
  const Receiver receiver([](size_t, const Received&) { return 200; }, port);
  const auto deliver = deliverer(loop, database, clock, {options});
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  CHECK(contains(bodies(receiver), "First"));
  CHECK(contains(bodies(receiver), "Second"));
}

TEST_CASE("deliver: a call from another thread starts a delivery", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver receiver([](size_t, const Received&) { return 200; });
  DeliverOptions options = quick();
  options.poll_interval = kHour;
  const auto deliver =
      deliverer(loop, database, clock, {forwarder("hook", receiver.url())}, options);
  std::thread rules([&] {
    put(database, "hook", 1, alert("Spike"));
    deliver->wake();
  });
  CHECK(loop.run_until([&] { return outbox_size(database) == 0; }));
  rules.join();
}

TEST_CASE("deliver: nothing is sent twice while the store accepts no writes", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver receiver([](size_t, const Received&) { return 200; });
  put(database, "hook", 1, alert("Spike"));
  database.set_busy(ErrorCode::kDiskFull);
  const auto deliver = deliverer(loop, database, clock, {forwarder("hook", receiver.url())});
  REQUIRE(loop.run_until([&] { return database.refused() >= 3; }));
  database.fail_commits(1);
  database.set_busy(std::nullopt);
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 0; }));
  CHECK(receiver.count() == 1);
  CHECK(database.state().rows.size() == 1);
}

TEST_CASE("deliver: undeliverable entries are removed with a row that says why", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  AlertEvent old = alert("Old");
  old.written_at -= 4 * kDay;
  put(database, "left", 1, old);
  put(database, "left", 2, alert("Young"));
  database.put(SmallTable::kOutbox, outbox_key("hook", 1), "no alert at all");
  put(database, "hook", 2, alert("Spike"));
  const Receiver receiver([](size_t, const Received&) { return 200; });
  const auto deliver = deliverer(loop, database, clock, {forwarder("hook", receiver.url())});
  REQUIRE(loop.run_until([&] { return outbox_size(database) == 1; }));
  CHECK(database.list(SmallTable::kOutbox, "left/")->size() == 1);
  const auto rows = database.state().rows;
  const auto has_row = [&](std::vector<std::string> parts) {
    return std::any_of(rows.begin(), rows.end(), [&](const std::string& row) {
      return std::all_of(parts.begin(), parts.end(),
                         [&](const auto& part) { return contains(row, part); });
    });
  };
  CHECK(rows.size() == 3);
  CHECK(has_row({"forwarder=left", "rule=Old", "status=failed", "`left` is no longer configured"}));
  CHECK(has_row({"forwarder=hook", "status=failed", "cannot read an alert"}));
  CHECK(has_row({"forwarder=hook", "rule=Spike", "status=delivered"}));
}

TEST_CASE("deliver: a large outbox is loaded in parts", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  AlertEvent old = alert("Old");
  old.written_at -= 4 * kDay;
  for (uint64_t i = 0; i < 2'500; ++i) put(database, "hook", i, alert("Spike"));
  for (const char* left : {"a", "hook-old", "z"}) put(database, left, 1, old);
  const auto url = fmt::format("http://127.0.0.1:{}/", free_port());
  const auto deliver = deliverer(loop, database, clock, {forwarder("hook", url)});
  CHECK(loop.run_until([&] { return database.state().rows.size() == 3; }));
  CHECK(database.listed_max() == 1'000);
  CHECK(outbox_size(database) == 2'500);
}

TEST_CASE("deliver: a request goes through the proxy of its forwarder or of the environment",
          "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver proxy([](size_t, const Received&) { return 200; });
  const Receiver other_proxy([](size_t, const Received&) { return 200; });
  const Receiver direct([](size_t, const Received&) { return 200; });
  const auto address = [](const Receiver& receiver) {
    return "http://127.0.0.1:" + std::to_string(receiver.port());
  };
  setenv("http_proxy", address(other_proxy).c_str(), 1);
  setenv("no_proxy", "named.invalid", 1);  // does not apply to a proxy that is named
  ForwarderOptions named = forwarder("named", "http://named.invalid/hook");
  named.proxy = address(proxy);
  ForwarderOptions off = forwarder("off", direct.url());
  off.proxy = "off";
  const ForwarderOptions from_environment = forwarder("env", "http://env.invalid/hook");
  for (const char* name : {"named", "off", "env"}) put(database, name, 1, alert("Spike"));
  const auto deliver = deliverer(loop, database, clock, {named, off, from_environment});
  const bool done = loop.run_until([&] { return outbox_size(database) == 0; });
  unsetenv("http_proxy");
  unsetenv("no_proxy");
  REQUIRE(done);
  REQUIRE(proxy.count() == 1);
  CHECK(contains(proxy.received()[0].head, "POST http://named.invalid/hook HTTP/1.1\r\n"));
  REQUIRE(direct.count() == 1);
  CHECK(contains(direct.received()[0].head, "POST /hook HTTP/1.1\r\n"));
  REQUIRE(other_proxy.count() == 1);
  CHECK(contains(other_proxy.received()[0].head, "POST http://env.invalid/hook HTTP/1.1\r\n"));
}

TEST_CASE("deliver: what is delivered and what is not is logged", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const Receiver good([](size_t, const Received&) { return 200; });
  const Receiver bad([](size_t, const Received&) { return 400; });
  put(database, "good", 1, alert("Spike"));
  put(database, "good", 2, alert("Other"));
  put(database, "bad", 3, alert("Spike"));
  put(database, "bad", 4, alert("Spike"));
  Mutex mutex;
  std::string logged;
  set_log_sink([&](LogLevel, const std::string& line) {
    const MutexLock lock(mutex);
    logged += line + '\n';
  });
  {
    const auto deliver = deliverer(loop, database, clock,
                                   {forwarder("good", good.url()), forwarder("bad", bad.url())});
    CHECK(loop.run_until([&] { return outbox_size(database) == 0; }));
  }
  set_log_sink(nullptr);
  CHECK(contains(logged, "forwarder `good`: delivered 2 alerts in "));
  const std::string lost =
      "forwarder `bad`: the alert Spike (Spike) is not delivered: the receiver answered 400";
  CHECK(contains(logged, lost));
  CHECK(contains(logged.substr(logged.find(lost) + 1), lost));
}

TEST_CASE("deliver: invalid forwarders are refused by name", "[net]") {
  FakeDatabase database;
  const SystemClock clock;
  TestLoop loop;  // declared after everything that its background work uses
  const auto check = [&](std::vector<ForwarderOptions> forwarders, const std::string& expected) {
    const auto made = Deliverer::create(loop.get(), database, clock, std::move(forwarders));
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ErrorCode::kInvalid);
    CHECK(contains(made.error().message, expected));
  };
  check({forwarder("", "http://h/")}, "the name must not be empty");
  check({forwarder("a/b", "http://h/")}, "forwarder `a/b`");
  check({forwarder("a", "http://h/"), forwarder("a", "http://h/")}, "forwarder `a` appears twice");
  check({forwarder("a", "file:///etc/passwd")}, "expected http or https");
  check({forwarder("a", "h/x")}, "is not a URL");
  auto payload = forwarder("a", "http://h/");
  payload.payload = "xml";
  check({payload}, "unknown payload `xml`");
  auto header = forwarder("a", "http://h/");
  header.headers = {{"X-A", "1\r\nX-B: 2"}};
  check({header}, "`X-A` is not a valid HTTP header");
  auto trust = forwarder("a", "https://h/");
  trust.ca_file = "/nowhere/ca.pem";
  check({trust}, "forwarder `a`: ca_file: opening /nowhere/ca.pem: No such file");
  trust.ca_file = "/etc/passwd";
  check({trust}, "forwarder `a`: ca_file: /etc/passwd holds no certificate in PEM format");
  auto proxy = forwarder("a", "http://h/");
  proxy.proxy = "ftp://proxy";
  check({proxy}, "forwarder `a`: proxy: `ftp://proxy` has the scheme `ftp`; expected http or");
}

TEST_CASE("deliver: Alertmanager hears again of what fires, until its end is delivered", "[net]") {
  TestLoop loop;
  FakeDatabase database;
  const SystemClock clock;
  const Receiver receiver([](size_t, const Received&) { return 200; });
  ForwarderOptions options = forwarder("am", receiver.url());
  options.type = "alertmanager";
  options.severities = {Severity::kHigh};
  AlertEvent high = alert("High"), low = alert("Low");
  high.severity = Severity::kHigh;
  high.notified = {Severity::kHigh};
  low.severity = Severity::kLow;
  low.notified = {Severity::kLow};
  DeliverOptions deliver = quick();
  deliver.repeat_interval = 20 * kMillisecond;
  deliver.active_alerts = [&] { return std::vector{high, low}; };
  const auto made = deliverer(loop, database, clock, {options}, deliver);
  CHECK(loop.run_until([&] { return receiver.count() >= 3; }));
  CHECK(bodies(receiver).find("Low") == std::string::npos);
  // The list of active alerts may be older than the end.
  AlertEvent end = high;
  end.state = AlertState::kResolved;
  put(database, "am", 1, end);
  made->wake();
  CHECK(loop.run_until([&] { return outbox_size(database) == 0; }));
  const size_t count = receiver.count();
  for (int i = 0; i < 5; ++i) {
    const auto until = SystemClock().running() + 20 * kMillisecond;
    loop.run_until([&] { return SystemClock().running() >= until; });
  }
  CHECK(receiver.count() <= count + 1);  // at most one that was under way
}
