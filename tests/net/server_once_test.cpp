// HTTP requests that are stored once.
#include <fmt/format.h>

#include "net/ingest/once.h"
#include "tests/net/server_support.h"

namespace tocsin {
namespace {

using test::contains;
using test::TestServer;

const std::string kKey = "Idempotency-Key: batch-1\r\n";

bool is_duplicate(const test::Client::Response& response) {
  return contains(response.head, "X-Tocsin-Duplicate: true\r\n");
}

std::string count_of(TestServer& server, const std::string& measurement) {
  return server.query("from " + measurement + " | stats n = count()");
}

TEST_CASE("http once: a request with a key is stored once, and answered as the first was",
          "[net]") {
  TestServer server;
  const std::string body = "m f=1i 1\nbad\nm f=2i 2\nm f=\"text\" 3\n";
  const auto first = server.request("POST", "/write", body, kKey);
  CHECK(first.status == 400);
  CHECK(!is_duplicate(first));
  for (int i = 0; i < 2; ++i) {
    const auto again = server.request("POST", "/write", body, kKey);
    CHECK(again.status == 400);
    CHECK(again.body == first.body);
    CHECK(is_duplicate(again));
  }
  CHECK(count_of(server, "m") == "n\n2\n");
  CHECK(count_of(server, "rejected") == "n\n2\n");
  CHECK(contains(server.request("GET", "/metrics").body, "\ntocsin_duplicate_texts_total 2\n"));
  // Another key, path, parameter or no key: another request.
  CHECK(!is_duplicate(server.request("POST", "/write", body, "Idempotency-Key: batch-2\r\n")));
  CHECK(!is_duplicate(server.request("POST", "/api/v2/write", body, kKey)));
  CHECK(!is_duplicate(server.request("POST", "/write?precision=s", body, kKey)));
  CHECK(!is_duplicate(server.request("POST", "/write", body)));
  CHECK(count_of(server, "m") == "n\n10\n");
}

TEST_CASE("http once: with a window, equal bodies are stored once, whatever their compression",
          "[net]") {
  ServerOptions options;
  options.dedupe_window = kHour;
  TestServer server(options);
  const std::string json = "Content-Type: application/json\r\n";
  const auto check = [&](const std::string& path, const std::string& body,
                         const std::string& headers, const std::string& measurement) {
    CAPTURE(path);
    const auto first = server.request("POST", path, body, headers);
    const auto second = server.request("POST", path, body, headers);
    CHECK(!is_duplicate(first));
    CHECK(is_duplicate(second));
    CHECK(second.status == first.status);
    CHECK(count_of(server, measurement) == "n\n1\n");
  };
  check("/write", "m f=1i 1\n", "", "m");
  check("/insert/jsonline?measurement=j", "{\"time\":1700000000,\"n\":1}", "", "j");
  check("/loki/api/v1/push?measurement=l",
        R"({"streams":[{"stream":{},"values":[["1700000000000000000","x"]]}]})", json, "l");
  check(
      "/v1/logs?measurement=o",
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"17","body":{"stringValue":"x"}}]}]}]})",
      json, "o");
  check("/b/_bulk", "{\"create\":{}}\n{\"time\":1700000000,\"n\":1}\n", json, "b");
  CHECK(!is_duplicate(server.request("POST", "/write", "m f=2i 2\n")));
}

TEST_CASE("http once: a request is stored again if a line has no time of its own", "[net]") {
  TestServer server;
  for (int i = 0; i < 2; ++i)
    CHECK(!is_duplicate(server.request("POST", "/write", "m f=1i\nm f=2i 1\n", kKey)));
  CHECK(count_of(server, "m") == "n\n4\n");
}

TEST_CASE("http once: each part of a large body is remembered by itself", "[net]") {
  TestServer server;
  std::string body;
  for (size_t i = 0; i < 5'000; ++i)
    body += fmt::format("m f={}i,g=\"{}\" {}\n", i, std::string(1'000, 'x'), i + 1);
  CHECK(server.request("POST", "/write", body, kKey).status == 204);
  CHECK(is_duplicate(server.request("POST", "/write", body, kKey)));
  CHECK(count_of(server, "m") == "n\n5000\n");
  const auto entries = server.database().list(SmallTable::kSources, "once/");
  REQUIRE(entries);
  CHECK(entries->size() == 2);
}

TEST_CASE("once log: entries are read back, expire, and are bounded by time", "[net]") {
  TestServer server;
  TextOutcome outcome;
  outcome.rows_written = 3;
  outcome.rows_rejected = 1;
  outcome.problems = {{2, "two\nlines", true}};
  WriteRequest write;
  write.changes = {OnceLog::entry("a/0", 100, outcome), OnceLog::entry("b/0", 200, {})};
  write.urgent = true;
  REQUIRE(server.database().write(std::move(write)));
  OnceLog log;
  REQUIRE(log.load(server.database()));
  TextOutcome read;
  CHECK(log.begin("a/0", 99, read) == OnceLog::State::kStored);
  CHECK(read.rows_written == 3);
  CHECK(read.rows_rejected == 1);
  REQUIRE(read.problems.size() == 1);
  CHECK(read.problems[0].reason == "two lines");
  CHECK(read.problems[0].line == 2);
  CHECK(read.problems[0].unparsed);
  CHECK(log.begin("c/0", 99, read) == OnceLog::State::kNew);
  CHECK(log.begin("c/0", 99, read) == OnceLog::State::kInFlight);
  log.end("c/0", 150, &outcome);
  CHECK(log.begin("c/0", 99, read) == OnceLog::State::kStored);
  CHECK(log.begin("d/0", 99, read) == OnceLog::State::kNew);
  log.end("d/0", 150, nullptr);
  CHECK(log.begin("d/0", 99, read) == OnceLog::State::kNew);
  CHECK(log.begin("a/0", 100, read) == OnceLog::State::kNew);  // expired
  log.end("a/0", 300, &outcome);
  const auto changes = log.expire(200);
  REQUIRE(changes.size() == 2);
  CHECK(log.begin("a/0", 200, read) == OnceLog::State::kStored);
  CHECK(log.begin("b/0", 200, read) == OnceLog::State::kNew);
}

}  // namespace
}  // namespace tocsin
