// The HTTP port as clients see it.
#include <algorithm>
#include <future>
#include <regex>

#include <fmt/format.h>

#include "db/base/log.h"
#include "db/limits.h"
#include "net/ingest/ingest.h"
#include "tests/net/gzip_text.h"
#include "tests/net/server_support.h"

namespace tocsin {
namespace {

using test::Client;
using test::contains;
using test::gzip;
using test::TestServer;

TEST_CASE("http: a write is answered when its rows can be queried", "[net]") {
  TestServer server;
  const auto response = server.request("POST", "/write?db=logs",
                                       "m,service=pay f=1i 1000\nm,service=pay f=2i 2000\n");
  CHECK(response.status == 204);
  CHECK(response.body.empty());
  CHECK(server.query("from m | keep time, service, f") ==
        "time,service,f\n1000,pay,1\n2000,pay,2\n");
}

TEST_CASE("http: precision scales timestamps", "[net]") {
  TestServer server;
  const auto check = [&](const std::string& target, Timestamp expected) {
    const std::string name = fmt::format("m{}", expected);
    CAPTURE(target);
    CHECK(server.request("POST", target, name + " f=1 5").status == 204);
    CHECK(server.query("from " + name + " | keep time") == fmt::format("time\n{}\n", expected));
  };
  check("/write", 5);
  check("/write?precision=u", 5 * kMicrosecond);
  check("/write?precision=ms", 5 * kMillisecond);
  check("/write?precision=s", 5 * kSecond);
  check("/write?precision=m", 5 * kMinute);
  check("/write?precision=h", 5 * kHour);
  CHECK(server.request("POST", "/api/v2/write?bucket=b&precision=s", "v2 f=1 6").status == 204);
  CHECK(server.query("from v2 | keep time") == "time\n6000000000\n");
  CHECK(server.request("POST", "/write?precision=x", "m f=1").status == 400);
  CHECK(server.request("POST", "/api/v2/write?precision=h", "m f=1").status == 400);
}

TEST_CASE("http: good lines are stored, bad ones are reported", "[net]") {
  TestServer server;
  auto response = server.request("POST", "/write", "m f=1 1\nbad\nm f=2 2\nm f=x 3\n");
  CHECK(response.status == 400);
  CHECK(response.body ==
        "{\"error\":\"partial write: line 2: unable to parse 'bad': missing fields at byte 4; line "
        "4: unable to parse "
        "'m f=x 3': invalid value \\\"x\\\" of field \\\"f\\\": expected a number that fits (12.5, "
        "12i, 12u), true or "
        "false, or a \\\"string\\\" at byte 5; dropped=2\"}\n");
  CHECK(server.query("from m | keep f") == "f\n1\n2\n");
  response = server.request("POST", "/api/v2/write", "\n\nbad\n");
  CHECK(response.status == 400);
  CHECK(response.body ==
        "{\"code\":\"invalid\",\"message\":\"line 3: unable to parse 'bad': missing fields at byte "
        "4; "
        "dropped=1\",\"line\":3}\n");
  CHECK(contains(server.query("from rejected | stats n = count() by reason"),
                 "missing fields at byte 4,2"));
}

TEST_CASE("http: many bad lines are all counted", "[net]") {
  TestServer server;
  std::string body = "m f=1 1\n";
  for (size_t i = 0; i < 1'500; ++i) body += "bad\n";
  const auto response = server.request("POST", "/write", body);
  CHECK(contains(response.body, "; and 1480 more; dropped=1500\""));
  CHECK(contains(server.query("from rejected | stats n = count(line)"), "n\n1500\n"));
  CHECK(server.database().counters().rows_rejected == 1500);
}

TEST_CASE("http: bad lines from one address have one source", "[net]") {
  TestServer server;
  for (int i = 0; i < 3; ++i) CHECK(server.request("POST", "/write", "bad\n").status == 400);
  CHECK(server.query("from rejected | stats n = count() by source") ==
        "source,n\nhttp 127.0.0.1,3\n");
}

TEST_CASE("http: a byte order mark before the first line is dropped", "[net]") {
  TestServer server;
  CHECK(server.request("POST", "/write", "\xEF\xBB\xBFm f=1 1\n").status == 204);
  CHECK(server.request("POST", "/insert/jsonline", "\xEF\xBB\xBF{\"v\":1}\n").status == 204);
  CHECK(server.request("POST", "/insert/jsonline", "\xEF\xBB\xBF[{\"v\":2}]").status == 204);
  CHECK(server.query("from m | keep f") == "f\n1\n");
  CHECK(server.query("from logs | stats s = sum(v)") == "s\n3\n");
}

TEST_CASE("http: a value of another type rejects its row", "[net]") {
  TestServer server;
  CHECK(server.request("POST", "/write", "m f=1i 1").status == 204);
  const auto response = server.request("POST", "/write", "m g=1 2\nm f=\"text\" 3\nm f=4i 4\n");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "partial write: line 2: field type conflict"));
  CHECK(contains(response.body, "dropped=1"));
  CHECK(server.query("from m | keep time") == "time\n1\n2\n4\n");
}

TEST_CASE("http: reserved measurements are refused", "[net]") {
  TestServer server;
  const auto response = server.request("POST", "/write", "alerts f=1 1\nm f=1 1\n");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "partial write: line 1: measurement `alerts` is reserved"));
  CHECK(server.query("from m | keep time") == "time\n1\n");
}

TEST_CASE("http: gzip bodies are decompressed, damaged ones refused", "[net]") {
  TestServer server;
  const std::string header = "Content-Encoding: gzip\r\n";
  const std::string body = gzip("m f=1 1\n");
  CHECK(server.request("POST", "/write", body + gzip("m f=2 2\n"), header).status == 204);
  CHECK(server.query("from m | keep f") == "f\n1\n2\n");
  CHECK(server.request("POST", "/write", body.substr(0, body.size() - 9), header).status == 400);
  CHECK(server.request("POST", "/write", "m f=1 1\n", header).status == 400);
  CHECK(server.request("POST", "/write", "", header).status == 400);
  const auto status = [&](const std::string& encoding) {
    return server.request("POST", "/write", body, "Content-Encoding: " + encoding + "\r\n").status;
  };
  CHECK(status("GZip") == 204);
  CHECK(status("x-gzip") == 204);
  CHECK(status("br") == 415);
  CHECK(status("gzip\r\nContent-Encoding: gzip") == 415);
  CHECK(server.request("POST", "/write", "m f=3 3\n", "Content-Encoding: Identity\r\n").status ==
        204);
}

TEST_CASE("http: bodies have a limit, before and after decompression", "[net]") {
  ServerOptions options;
  options.http_body_bytes_max = 10'000;
  TestServer server(options);
  CHECK(server.request("POST", "/write", std::string(10'001, '#')).status == 413);
  const auto response = server.request("POST", "/api/v2/write", gzip(std::string(100'000, '#')),
                                       "Content-Encoding: gzip\r\n");
  CHECK(response.status == 413);
  CHECK(contains(response.body, "request too large"));
  CHECK(server.request("POST", "/write", std::string(10'000, '#')).status == 204);
}

TEST_CASE("http: a small body does not wait for the thread pool", "[net]") {
  TestServer server;
  Client large(server.http());
  {
    const test::BlockedThreadPool blocked;
    large.send(TestServer::request_text("POST", "/write",
                                        "large f=1 1\n" + std::string(kLoopTextBytesMax, '\n')));
    CHECK(server.request("POST", "/write", "m f=1 1\n").status == 204);
    CHECK(server.request("POST", "/insert/jsonline", "[{\"v\":1}]").status == 204);
    CHECK(server.request("POST", "/write", "bad\n").status == 400);
    CHECK(server.database().catalog()->find("large") == nullptr);
  }
  CHECK(large.read_response().status == 204);
  CHECK(server.query("from m, large, logs | stats n = count()") == "n\n3\n");
}

TEST_CASE("http: small and large bodies get the same answers", "[net]") {
  TestServer server;
  size_t rows = 0;
  const auto check = [&](const std::string& target, const std::string& body, int status,
                         size_t rows_of_body) {
    CAPTURE(target, body);
    std::vector<std::string> answers;
    for (const size_t size : {kLoopTextBytesMax, kLoopTextBytesMax + 1}) {
      const std::string padded = body + std::string(size - body.size(), '\n');
      const auto response = server.request("POST", target, padded);
      CHECK(response.status == status);
      answers.push_back(response.body);
      rows += rows_of_body;
      CHECK(server.query("from m | stats n = count()") == fmt::format("n\n{}\n", rows));
    }
    CHECK(answers[0] == answers[1]);
  };
  check("/write", "m f=1 1\nm f=2 2\n", 204, 2);
  check("/write", "m f=1 1\nbad\nm f=\"text\" 3\n", 400, 1);
  check("/write", "# only a comment\n", 204, 0);
  check("/write", "\xEF\xBB\xBFm f=1 1\n", 204, 1);
  check("/write?precision=x", "m f=1 1\n", 400, 0);
  check("/api/v2/write", "m f=1 1\nbad\n", 400, 1);
  check("/insert/jsonline?measurement=m", "{\"f\":1}\n{\"f\":\n{\"f\":3}\n", 400, 2);
  check("/insert/jsonline?measurement=m", "[{\"f\":1},\n{\"f\":2}]", 204, 2);
}

TEST_CASE("http: a large body is committed without waiting for the commit interval", "[net]") {
  const test::TemporaryFolder folder;
  DatabaseOptions options;
  options.commit_interval = kDay;
  auto database = Database::open(folder.path("db"), options);
  REQUIRE(database);
  TestServer server(std::move(*database));
  std::string body;
  for (int i = 0; i < 10'000; ++i) body += fmt::format("m text=\"some text or other\" {}\n", i);
  CHECK(server.request("POST", "/write", body).status == 204);
  CHECK(server.query("from m | stats n = count()") == "n\n10000\n");
}

TEST_CASE("http: a body of many megabytes is stored in parts", "[net]") {
  TestServer server;
  std::string body;
  for (int i = 0; i < 120'000; ++i)
    body += fmt::format("m,host=h{} f={}i,g=\"some text of some length\" {}\n", i % 10, i, i + 1);
  body += "bad\n";
  const auto response = server.request("POST", "/write", body);
  CHECK(response.status == 400);
  CHECK(contains(response.body, "line 120001: unable to parse 'bad'"));
  CHECK(server.query("from m | stats n = count(), s = sum(f)") == "n,s\n120000,7199940000\n");
}

TEST_CASE("http: JSON lines, JSON arrays and key names", "[net]") {
  TestServer server;
  const auto post = [&](const std::string& target, const std::string& body) {
    return server.request("POST", target, body, "Content-Type: application/json\r\n");
  };
  CHECK(post("/insert/jsonline",
             "{\"measurement\":\"a\",\"time\":1700000001,\"v\":1}\n{\"time\":1700000002,\"v\":2}\n")
            .status == 204);
  CHECK(server.query("from a | keep time, v") == "time,v\n1700000001000000000,1\n");
  CHECK(server.query("from logs | keep v") == "v\n2\n");
  CHECK(post("/insert/jsonline?measurement=b&_time_field=at",
             "[{\"at\":3,\n\"v\":\"[,\"},{\"at\":4,\"v\":\"\\\"\"}]")
            .status == 204);
  CHECK(server.query("from b | keep time, v") ==
        "time,v\n3000000000,\"[,\"\n4000000000,\"\"\"\"\n");
  const auto response = post("/insert/jsonline", "[{\"v\":1},{bad},{\"v\":3}]");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "partial write: line 2: unable to parse '{bad}': invalid JSON"));
}

TEST_CASE("http: a request names the key, layout and zone of the time", "[net]") {
  ServerOptions options;
  options.time = {{"when"}, "", "Europe/Berlin"};
  TestServer server(options);
  const auto post = [&](const std::string& parameters, const std::string& body) {
    return server.request("POST", "/insert/jsonline?measurement=" + parameters, body);
  };
  CHECK(post("a", R"({"when":"2023-11-14 23:13:20","v":1})").status == 204);
  CHECK(server.query("from a | keep time, v") == "time,v\n1700000000000000000,1\n");
  CHECK(post("b&_time_field=at&_time_layout=%25d.%25m.%25Y%20%25H:%25M&_time_zone=UTC",
             R"({"at":"14.11.2023 22:13","v":1})")
            .status == 204);
  CHECK(server.query("from b | keep time, v") == "time,v\n1699999980000000000,1\n");
  auto response = post("c&_time_layout=ms", R"({"when":"soon","v":1})");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "expected a number of ms since 1970"));
  response = post("c&_time_layout=iso", R"({"when":1,"v":1})");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "unknown time layout `iso`"));
  response = post("c&_time_zone=Mars", R"({"when":1,"v":1})");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "unknown time zone `Mars`"));
}

TEST_CASE("http: events without a time are counted, and reported once per source", "[net]") {
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  {
    TestServer server;
    for (int i = 0; i < 3; ++i) {
      CHECK(server.request("POST", "/insert/jsonline", R"({"time":"16:47","v":1})").status == 204);
    }
    CHECK(server.request("POST", "/write", "m f=1\n").status == 204);
    CHECK(contains(server.request("GET", "/metrics").body, "\ntocsin_events_untimed_total 3\n"));
    CHECK(server.query("from logs | keep time_field") == "time_field\n16:47\n16:47\n16:47\n");
  }
  set_log_sink(nullptr);
  std::erase_if(logged, [](const std::string& text) { return !contains(text, "without"); });
  CHECK(logged ==
        std::vector<std::string>{
            "http 127.0.0.1: 1 event without a recognisable time is stored with its time "
            "of arrival (keys: time (\"16:47\" is not a time), v); name the right key with "
            "the parameter `_time_field` or `listen.time.key`"});
}

TEST_CASE("http: unknown parameters of writes are named once per source", "[net]") {
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  {
    TestServer server;
    const auto post = [&](const std::string& target, const std::string& body) {
      CHECK(server.request("POST", target, body).status == 204);
    };
    for (int i = 0; i < 2; ++i) {
      post("/insert/jsonline?measurement=m&_time_feild=at&_msg_field=x", R"({"v":1})");
      post("/write?db=d&rp=r&u=a&p=b&consistency=any&precison=ms", "m f=1\n");
      post("/api/v2/write?org=o&bucket=b&precision=s", "m f=1 1700000000\n");
    }
    CHECK(server.request("POST", "/api/rejected/retry?sorce=http").status == 400);
  }
  set_log_sink(nullptr);
  std::erase_if(logged, [](const std::string& text) { return !contains(text, "is ignored"); });
  CHECK(logged ==
        std::vector<std::string>{
            "http 127.0.0.1: the parameter `_time_feild` of /insert/jsonline is ignored; did you "
            "mean `_time_field`?",
            "http 127.0.0.1: the parameter `_msg_field` of /insert/jsonline is ignored; the known "
            "ones are measurement, debug, _time_field, _time_layout, _time_zone, _stream_fields",
            "http 127.0.0.1: the parameter `precison` of /write is ignored; did you mean "
            "`precision`?"});
}

TEST_CASE("server: warnings about one source do not hide those about another", "[net]") {
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  {
    TestServer server;
    for (int i = 0; i < 30; ++i) {
      const std::string line = fmt::format(R"({{"time":"soon","a{}":1}})", i);
      CHECK(server.request("POST", "/insert/jsonline", line).status == 204);
    }
    Client client(server.tcp());
    client.send("# tocsin ack=on\n{\"time\":\"soon\",\"b\":1}\n");
    CHECK(client.read_until("+OK 2\n").ends_with("+OK 2\n"));
  }
  set_log_sink(nullptr);
  const auto warnings_about = [&](const std::string& source) {
    return std::ranges::count_if(logged, [&](const std::string& text) {
      return text.starts_with(source + ": 1 event without a recognisable time");
    });
  };
  CHECK(warnings_about("http 127.0.0.1") == 10);  // and no more, so that they cannot fill the log
  CHECK(warnings_about("tcp 127.0.0.1") == 1);
}

TEST_CASE("http: InfluxDB clients find what they request at start", "[net]") {
  TestServer server;
  auto response = server.request("GET", "/ping");
  CHECK(response.status == 204);
  CHECK(contains(response.head, "X-Influxdb-Version: 1.8.10\r\n"));
  CHECK(server.request("HEAD", "/ping").status == 204);
  CHECK(server.request("GET", "/ping?verbose=true").status == 200);
  response = server.request("POST", "/query?q=CREATE%20DATABASE%20%22telegraf%22");
  CHECK(response.status == 200);
  CHECK(response.body == "{\"results\":[{\"statement_id\":0}]}\n");
  CHECK(server
            .request("POST", "/query", "q=create+database+x",
                     "Content-Type: application/x-www-form-urlencoded\r\n")
            .status == 200);
  CHECK(server.request("GET", "/query?q=SELECT+1").status == 400);
  response = server.request("GET", "/health");
  CHECK(response.status == 200);
  CHECK(response.body ==
        "{\"name\":\"tocsin\",\"message\":\"ready for queries and "
        "writes\",\"status\":\"pass\",\"version\":\"1.2.3\"}\n");
}

TEST_CASE("http: query results in several formats", "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "m,service=pay f=1i 1000000000\n").status == 204);
  auto response = server.request("GET", "/api/query?q=from%20m%20%7C%20keep%20time,f");
  CHECK(response.status == 200);
  CHECK(contains(response.head, "Content-Type: application/json\r\n"));
  CHECK(contains(response.body,
                 R"("columns":[{"name":"time","type":"time"},{"name":"f","type":"i64"}])"));
  CHECK(contains(response.body, R"(["1970-01-01T00:00:01.000000000Z",1])"));
  CHECK(contains(response.body, R"("stats":{)"));
  REQUIRE(server.request("POST", "/write", "two f=1i 1\ntwo f=2i 2\n").status == 204);
  response = server.request("POST", "/api/query?rows_max=1", "from two | keep f");
  CHECK_THAT(response.body, Catch::Contains("\n],\"has_more_rows\":true,"));
  response = server.request("POST", "/api/query?format=csv&time=ns", "from m | keep time, f");
  CHECK(TestServer::without_returns(response.body) == "time,f\n1000000000,1\n");
  CHECK(contains(response.head, "Content-Type: text/csv"));
  response = server.request(
      "POST", "/api/query",
      R"({"query": "from m | where f >= $low | keep f", "params": {"low": 1}, "format": "csv"})",
      "Content-Type: application/json\r\n");
  CHECK(TestServer::without_returns(response.body) == "f\n1\n");
  response = server.request("POST", "/api/query?param.low=2&format=csv",
                            "from m | where f >= $low | keep f");
  CHECK(TestServer::without_returns(response.body) == "f\n");
  response =
      server.request("POST", "/api/query?format=csv&now=2000000000", "from m last 1s | keep f");
  CHECK(TestServer::without_returns(response.body) == "f\n1\n");
}

TEST_CASE("http: a JSON parameter keeps its JSON type", "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "m,user=8123 n=8123i,b=true 1\n").status == 204);
  const auto rows = [&](const std::string& condition, const std::string& params,
                        const std::string& target = "/api/query") {
    const auto response =
        server.request("POST", target,
                       R"({"query": "from m | where )" + condition +
                           R"( | keep n", "format": "csv", "params": )" + params + "}",
                       "Content-Type: application/json\r\n");
    return TestServer::without_returns(response.body);
  };
  CHECK(rows("user == $x", R"({"x": "8123"})") == "n\n8123\n");
  CHECK(rows("n == $x", R"({"x": 8123})") == "n\n8123\n");
  CHECK(rows("n < $x", R"({"x": 18446744073709551615})") == "n\n8123\n");
  CHECK(rows("n == $x", R"({"x": 8123.0})") == "n\n8123\n");
  CHECK(rows("b == $x.y", R"({"x.y": true})") == "n\n8123\n");
  CHECK(contains(rows("n == $x", R"({"x": "8123"})"), "error"));
  CHECK(rows("user == $x", R"({"x": "8123"})", "/api/query?param.x=1") == "n\n8123\n");
  CHECK(contains(rows("n == $x", R"({"x": [1]})"), "params: `x` is an array"));
  CHECK(contains(rows("n == $x", R"({"x": {"y": 1}})"), "params: `x` is an object"));
  CHECK(contains(rows("n == $x", "3"), "params: expected an object"));
}

TEST_CASE("http: a URL parameter is a literal of the language if possible, otherwise a string",
          "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "m,user=8123 n=1i 86400000000001\n").status == 204);
  const auto rows = [&](const std::string& query, const std::string& value) {
    const auto response =
        server.request("POST", "/api/query?format=csv&param.x=" + value, query + " | keep n");
    return TestServer::without_returns(response.body);
  };
  CHECK(rows("from m | where user == $x", "%228123%22") == "n\n1\n");
  CHECK(rows("from m between $x and $x + 1d", "1970-01-02") == "n\n1\n");
  CHECK(rows("from m between $x and $x + 1d", "1970-01-03") == "n\n");
  CHECK(rows("from m | where time > $x", "1970-01-02T00:00:00Z") == "n\n1\n");
}

TEST_CASE("http: errors in queries are explained", "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "m duration_ms=1i 1\n").status == 204);
  const auto response = server.request("POST", "/api/query", "from m\n| where durtion_ms > 1");
  CHECK(response.status == 400);
  CHECK(contains(response.body, "\"line\":2,\"column\":9"));
  CHECK(contains(response.body, "duration_ms"));
  CHECK(server.request("POST", "/api/query?format=xml", "from m").status == 400);
  CHECK(server.request("POST", "/api/query?rows_max=0", "from m").status == 400);
  CHECK(server.request("POST", "/api/query?nonsense=1", "from m").status == 400);
  CHECK(server.request("GET", "/api/query").status == 400);
}

TEST_CASE("http: paths and methods", "[net]") {
  TestServer server;
  CHECK(server.request("GET", "/nothing").status == 404);
  const auto response = server.request("GET", "/write");
  CHECK(response.status == 405);
  CHECK(contains(response.head, "Allow: POST\r\n"));
  CHECK(contains(server.request("DELETE", "/api/query").head, "Allow: GET, POST\r\n"));
  CHECK(server.request("GET", "/-/healthy").body == "healthy\n");
  CHECK(server.request("GET", "/-/ready").status == 200);
  CHECK(server.request("POST", "/-/reload").status == 501);
  CHECK(contains(server.request("GET", "/").head, "Content-Security-Policy: "));
  const auto head = server.request("HEAD", "/");
  CHECK(head.status == 200);
  CHECK(contains(head.head, "Content-Length: "));
}

TEST_CASE("http: QuestDB's clients learn that they must send plain text", "[net]") {
  TestServer server;
  const auto response = server.request("GET", "/settings");
  CHECK(response.status == 200);
  CHECK(contains(response.head, "Content-Type: application/json"));
  CHECK(contains(response.body, "\"config\":{"));
  CHECK(contains(response.body, "\"line.proto.support.versions\":[1]"));
  CHECK(contains(response.body, "\"accepting.writes\":[\"http\"]"));
  CHECK(contains(response.body, "\"cairo.max.file.name.length\":256"));
  CHECK(server.request("POST", "/settings", "{}").status == 405);
}

TEST_CASE("http: every line of ndjson is a row with stats=off", "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "m v=1i 1\nm v=2i 2\n").status == 204);
  const std::string target = "/api/query?format=ndjson&q=from%20m%20%7C%20keep%20v";
  CHECK(contains(server.request("GET", target).body, "{\"v\":2}\n{\"stats\":{"));
  CHECK(server.request("GET", target + "&stats=off").body == "{\"v\":1}\n{\"v\":2}\n");
  const std::string json = server.request("GET", "/api/query?q=from%20m&stats=off").body;
  CHECK(contains(json, "\"rows\":["));
  CHECK_FALSE(contains(json, "stats"));
  const auto wrong = server.request("GET", target + "&stats=no");
  CHECK(wrong.status == 400);
  CHECK(contains(wrong.body, "parameter stats is `no`; expected on or off"));
}

TEST_CASE("http: limits of a running server can be changed", "[net]") {
  TestServer server;
  ServerOptions options;
  options.http_body_bytes_max = 10;
  REQUIRE(server.server().change_options(options));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto too_large = [&] {
    return server.request("POST", "/write", "measurement value=1i 1\n").status == 413;
  };
  bool changed = false;
  while (!changed && std::chrono::steady_clock::now() < deadline) changed = too_large();
  CHECK(changed);
  options.forwarders = {{"a/b", "http://127.0.0.1/", "simple", {}, "", ""}};
  CHECK_FALSE(server.server().change_options(options));
}

TEST_CASE("http: reload reports what changed", "[net]") {
  ServerOptions options;
  options.reload = [] { return Result<std::string>("1 rule changed"); };
  TestServer server(options);
  CHECK(server.request("POST", "/-/reload").body == "1 rule changed\n");
}

TEST_CASE("http: metrics, and empty rules in Prometheus' format", "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "m f=1 1\nbad\n").status == 400);
  const std::string metrics = server.request("GET", "/metrics").body;
  CHECK(contains(metrics, "# TYPE tocsin_rows_written_total counter\n"));
  CHECK(contains(metrics, "tocsin_http_requests_total{code=\"400\"} 1\n"));
  CHECK(contains(metrics, "tocsin_writable 1\n"));
  CHECK(contains(metrics, "tocsin_build_info{version=\"1.2.3\",commit=\"\"} 1\n"));
  CHECK(contains(metrics, "\ntocsin_queries_running 0\n"));
  CHECK(contains(metrics, "\ntocsin_queries_waiting 0\n"));
  CHECK(contains(metrics, "\ntocsin_ingest_lag_seconds 0.000\n"));
  CHECK(contains(metrics, "\ntocsin_tail_behind_bytes 0\n"));
  const auto number = [&](const std::string& text, const std::string& name) {
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  CHECK(number(metrics, "process_resident_memory_bytes") > 1 << 20);
  CHECK(number(metrics, "tocsin_disk_used_bytes") > 0);
  CHECK(number(metrics, "tocsin_disk_free_bytes") > 0);
  const double before = static_cast<double>(SystemClock().now()) / 1e9;
  REQUIRE(server.request("POST", "/write", "m v=1i\n").status == 204);
  const std::string after = server.request("GET", "/metrics").body;
  CHECK(number(after, "tocsin_last_commit_timestamp_seconds") >= before - 0.001);
  CHECK(server.request("GET", "/api/v1/alerts").body ==
        "{\"status\":\"success\",\"data\":{\"alerts\":[]}}\n");
  CHECK(server.request("GET", "/api/v1/rules").body ==
        "{\"status\":\"success\",\"data\":{\"groups\":[]}}\n");
}

TEST_CASE("http: rules have Prometheus' format", "[net]") {
  TestServer server;
  REQUIRE(server.request("POST", "/write", "audit,service=pay n=1 1\n").status == 204);
  const auto report = server.rules().load({{"r.yml", R"(groups:
  - name: g
    interval: 30s
    labels: {team: core}
    rules:
      - alert: A
        expr: from audit last 30s | stats n = count() by service
        for: 90s
        keep_firing_for: 10m
        labels: {site: b}
        annotations: {summary: "{{ service }} is ill"}
  - name: g
    interval: 5m
    rules: [{alert: B, type: SLOW, expr: from audit last 5m | stats n = count() by service}]
)"}});
  REQUIRE(report.errors.empty());
  const std::string never = R"("lastEvaluation":"0001-01-01T00:00:00Z","evaluationTime":0)";
  const std::string body = server.request("GET", "/api/v1/rules").body;
  const std::regex next_evaluation(R"re("nextEvaluation":"2[-0-9T:.]+Z",)re");
  CHECK(std::regex_replace(body, next_evaluation, "NEXT,") ==
        R"({"status":"success","data":{"groups":[)"
        R"({"name":"g","file":"r.yml","interval":30,"limit":0,)" +
            never +
            R"(,"rules":[)"
            R"({"name":"A","type":"alerting","state":"inactive",)"
            R"("query":"from audit last 30s | stats n = count() by service",)"
            R"("duration":90,"keepFiringFor":600,"labels":{"site":"b","team":"core","type":"A"},)"
            R"("annotations":{"summary":"{{ service }} is ill"},"health":"ok","lastError":"",)" +
            never +
            R"(,"interval":30,NEXT,"alerts":[],"forgotten":[]}]},)"
            R"({"name":"g","file":"r.yml","interval":300,"limit":0,)" +
            never +
            R"(,"rules":[)"
            R"({"name":"B","type":"alerting","state":"inactive",)"
            R"("query":"from audit last 5m | stats n = count() by service",)"
            R"("duration":0,"keepFiringFor":0,"labels":{"type":"SLOW"},"annotations":{},)"
            R"("health":"ok","lastError":"",)" +
            never + R"(,"interval":300,NEXT,"alerts":[],"forgotten":[]}]}]}})" + "\n");
}

TEST_CASE("http: requests of pages of other origins are refused", "[net]") {
  TestServer server;
  const auto status = [&](const std::string& headers) {
    Client client(server.http());
    client.send("GET /health HTTP/1.1\r\n" + headers + "\r\n");
    return client.read_response().status;
  };
  CHECK(status("Host: localhost:8086\r\n") == 200);
  CHECK(status("Host: 127.0.0.1\r\n") == 200);
  CHECK(status("Host: [::1]:8086\r\n") == 200);
  CHECK(status("Host: evil.example\r\n") == 403);
  CHECK(status("Host: 127.0.0.1.evil.example\r\n") == 403);
  CHECK(status("Host: 10.0.0.1\r\n") == 403);
  CHECK(status("Host: LocalHost:8086\r\n") == 200);
  CHECK(status("Host: localhost\r\nHost: localhost\r\n") == 400);
  CHECK(status("") == 400);
  CHECK(status("Host: localhost:1\r\nOrigin: http://localhost:1\r\n") == 200);
  CHECK(status("Host: localhost:1\r\nOrigin: http://evil.example\r\n") == 403);
  CHECK(status("Host: localhost:1\r\nOrigin: null\r\n") == 403);
  ServerOptions options;
  options.allowed_hosts = {"logs.example"};
  TestServer named(options);
  Client client(named.http());
  client.send("GET /health HTTP/1.1\r\nHost: logs.example\r\n\r\n");
  CHECK(client.read_response().status == 200);
  client.send("GET /health HTTP/1.1\r\nHost: Logs.Example\r\n\r\n");
  CHECK(client.read_response().status == 200);
  CHECK(status("Host: localhost:1\r\nOrigin: https://localhost:1\r\n") == 403);
  CHECK(status("Host: localhost:1\r\nOrigin: http://localhost:2\r\n") == 403);
  CHECK(status("Host: localhost:1\r\nOrigin: http://localhost\r\n") == 403);
  CHECK(status("Host: localhost:1\r\nOrigin: \r\n") == 403);
}

TEST_CASE("http: the host and the origin of external_url are the server's own", "[net]") {
  ServerOptions options;
  options.external_url = "https://Logs.Example:443/tocsin/";
  TestServer server(options);
  const auto status = [&](const std::string& headers) {
    Client client(server.http());
    client.send("GET /health HTTP/1.1\r\n" + headers + "\r\n");
    return client.read_response().status;
  };
  CHECK(status("Host: logs.example\r\nOrigin: https://logs.example\r\n") == 200);
  CHECK(status("Host: localhost:8086\r\nOrigin: https://logs.example\r\n") == 200);
  CHECK(status("Host: localhost:8086\r\nOrigin: http://localhost:8086\r\n") == 200);
  CHECK(status("Host: logs.example\r\nOrigin: https://logs.example:8443\r\n") == 403);
  CHECK(status("Host: logs.example\r\nOrigin: https://logs.example.evil\r\n") == 403);
  CHECK(status("Host: example\r\n") == 403);
}

TEST_CASE("http: of the requests that other sites cause, only links to the page are answered",
          "[net]") {
  TestServer server;
  const auto status = [&](const std::string& method, const std::string& target,
                          const std::string& site, const std::string& more = "") {
    return server.request(method, target, "", "Sec-Fetch-Site: " + site + "\r\n" + more).status;
  };
  const std::string link = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
  for (const std::string site : {"cross-site", "same-site"}) {
    CHECK(status("GET", "/", site, link) == 200);
    CHECK(status("HEAD", "/", site, link) == 200);
    CHECK(status("GET", "/?utm=chat", site, link) == 200);
    CHECK(status("POST", "/", site, link) == 403);
    CHECK(status("GET", "/", site) == 403);
    CHECK(status("GET", "/", site, "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n") ==
          403);
    CHECK(status("GET", "/", site, "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n") == 403);
    for (const std::string target : {"/api/query?q=from%20*", "/query?q=x", "/page/main.js",
                                     "/health", "/api/complete", "/metrics", "/api/v1/alerts"}) {
      CHECK(status("GET", target, site) == 403);
      CHECK(status("GET", target, site, link) == 403);
    }
    for (const std::string target : {"/write", "/insert/jsonline", "/-/reload", "/api/query"}) {
      CHECK(status("POST", target, site) == 403);
    }
  }
  CHECK(status("GET", "/health", "same-origin") == 200);
  CHECK(status("GET", "/health", "none") == 200);
}

TEST_CASE("http: two Host headers are reported", "[net]") {
  TestServer server;
  const auto response = server.request("GET", "/ping", "", "Host: localhost\r\n");
  CHECK(response.status == 400);
  CHECK(response.body == "{\"error\":\"expected one Host header, found 2\"}\n");
}

TEST_CASE("http: the host of an absolute URL overrides the Host header", "[net]") {
  TestServer server;
  const auto status = [&](const std::string& target, const std::string& host) {
    Client client(server.http());
    client.send("GET " + target + " HTTP/1.1\r\n" + host + "\r\n");
    return client.read_response().status;
  };
  CHECK(status("http://localhost/ping", "Host: localhost\r\n") == 204);
  CHECK(status("http://127.0.0.1:8086/ping", "Host: evil.example\r\n") == 204);
  CHECK(status("http://evil.example/ping", "Host: localhost\r\n") == 403);
  CHECK(status("http:///ping", "Host: localhost\r\n") == 403);
  CHECK(status("http://localhost/ping", "") == 400);
}

TEST_CASE("http: connections are kept alive and requests may be pipelined", "[net]") {
  TestServer server;
  Client client(server.http());
  const std::string write = TestServer::request_text("POST", "/write", "m f=1 1\n");
  client.send(write + write + TestServer::request_text("GET", "/ping?verbose=true"));
  CHECK(client.read_response().status == 204);
  CHECK(client.read_response().status == 204);
  CHECK(client.read_response().status == 200);
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const auto last = client.read_response();
  CHECK(last.status == 200);
  CHECK(contains(last.head, "Connection: close"));
  CHECK(client.read_all().empty());
}

TEST_CASE("http: requests may arrive byte by byte and in chunks", "[net]") {
  TestServer server;
  Client client(server.http());
  for (const char c :
       std::string("POST /write HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nm f=1\r\n3\r\n 1\n\r\n0\r\n\r\n")) {
    client.send(std::string(1, c));
  }
  CHECK(client.read_response().status == 204);
  CHECK(server.query("from m | keep f") == "f\n1\n");
}

TEST_CASE("http: chunk extensions and trailers have the same limit as headers", "[net]") {
  TestServer server;
  const std::string head =
      "POST /write HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto status = [&](const std::string& chunks) {
    Client client(server.http());
    client.send(head + chunks);
    return client.read_response().status;
  };
  const std::string few(1'000, 'x'), many(20'000, 'x');
  CHECK(status("8;a=" + few + "\r\nm f=1 1\n\r\n0;" + few + "\r\nX: " + few + "\r\n\r\n") == 204);
  CHECK(status("8;a=" + many) == 431);
  CHECK(status("8;a=" + many + "\r\nm f=2 2\n\r\n0\r\n\r\n") == 431);
  CHECK(status("8\r\nm f=3 3\n\r\n0;a=" + many) == 431);
  CHECK(status("8\r\nm f=3 3\n\r\n0\r\nX: " + many + "\r\n\r\n") == 431);
  std::string trailers;
  while (trailers.size() < many.size()) trailers += "x: y\r\n";
  CHECK(status("8\r\nm f=3 3\n\r\n0\r\n" + trailers) == 431);
  std::string body;  // the limit applies to each chunk, not to all together
  for (int i = 0; i < 100; ++i) body += "8;a=" + few + "\r\nm f=4 4\n\r\n";
  CHECK(status(body + "0\r\n\r\n") == 204);
  CHECK(server.query("from m | stats n = count() by f") == "f,n\n1,1\n4,100\n");
}

TEST_CASE("http: a body whose end cannot be determined is refused", "[net]") {
  TestServer server;
  const auto answer = [&](const std::string& coding, const std::string& version = "1.1") {
    Client client(server.http());
    client.send("POST /write HTTP/" + version + "\r\nHost: localhost\r\n" + coding +
                "\r\n8\r\nm f=1 1\n\r\n0\r\n\r\n");
    const auto response = client.read_response();
    CHECK(client.read_all().empty());
    return std::to_string(response.status) + " " + response.body;
  };
  CHECK(answer("Transfer-Encoding: gzip\r\n") ==
        "501 {\"error\":\"unsupported Transfer-Encoding `gzip`; use chunked\"}\n");
  CHECK(answer("Transfer-Encoding: chunked, gzip\r\n").starts_with("501 "));
  CHECK(answer("Transfer-Encoding: gzip, chunked\r\n").starts_with("501 "));
  CHECK(answer("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n").starts_with("501 "));
  CHECK(answer("Transfer-Encoding: gzip\r\nContent-Length: 8\r\n").starts_with("501 "));
  CHECK(answer("Transfer-Encoding: chunked\r\nContent-Length: 8\r\n").starts_with("400 "));
  CHECK(answer("Transfer-Encoding: chunked\r\n", "1.0").starts_with("400 "));
  CHECK(contains(server.query("from m"), "no measurement `m`"));
  Client client(server.http());
  client.send(
      "POST /write HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n");
  CHECK(client.read_response().status == 204);
}

TEST_CASE("http: all requests are answered after the client has ended its side", "[net]") {
  TestServer server;
  Client client(server.http());
  std::string text;
  for (int i = 1; i <= 3; ++i)
    text += TestServer::request_text("POST", "/write", fmt::format("m f={} {}\n", i, i));
  client.send(text + TestServer::request_text("GET", "/api/query?q=from%20m&format=csv&time=ns"));
  client.end();
  for (int i = 0; i < 3; ++i) CHECK(client.read_response().status == 204);
  const auto response = client.read_response();
  CHECK(response.status == 200);
  CHECK(TestServer::without_returns(response.body) == "time,measurement,f\n1,m,1\n2,m,2\n3,m,3\n");
  CHECK(client.read_all().empty());
}

TEST_CASE("http: a client that waits for 100 Continue gets it", "[net]") {
  TestServer server;
  Client client(server.http());
  client.send(
      "POST /write HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: "
      "7\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("m f=1 1");
  CHECK(client.read_response().status == 204);
}

TEST_CASE("http: invalid requests are refused and the connection closes", "[net]") {
  TestServer server;
  const auto status = [&](const std::string& text) {
    Client client(server.http());
    client.send(text);
    const int code = client.read_response().status;
    client.read_all();
    return code;
  };
  CHECK(status("nonsense\r\n\r\n") == 400);
  CHECK(status("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n") == 400);
  CHECK(status("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') +
               "\r\n\r\n") == 431);
  CHECK(status("GET /health HTTP/1.0\r\n\r\n") == 200);
}

TEST_CASE("http: connections beyond the limit get 503", "[net]") {
  ServerOptions options;
  options.connection_count_max = 1;
  TestServer server(options);
  Client first(server.http());
  first.send(TestServer::request_text("GET", "/-/healthy"));
  CHECK(first.read_response().status == 200);
  Client second(server.http());
  CHECK(second.read_response().status == 503);
}

TEST_CASE("http: many clients write at once, and every write is durable", "[net]") {
  TestServer server;
  std::vector<std::future<int>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::async(std::launch::async, [&server, i] {
      int good = 0;
      for (int k = 0; k < 10; ++k) {
        Client client(server.http());
        client.send(TestServer::request_text(
            "POST", "/write", fmt::format("m,c={} f={}i {}\n", i, k, 1 + i * 100 + k)));
        if (client.read_response().status == 204) ++good;
      }
      return good;
    }));
  }
  for (auto& client : clients) CHECK(client.get() == 10);
  CHECK(server.query("from m | stats n = count()") == "n\n80\n");
}

TEST_CASE("http: stopping answers open requests and closes idle connections", "[net]") {
  TestServer server;
  Client idle(server.http());
  idle.send(TestServer::request_text("GET", "/-/healthy"));
  CHECK(idle.read_response().status == 200);
  Client busy(server.http());
  busy.send(TestServer::request_text("POST", "/write", "m f=1 1\n"));
  server.server().stop();
  CHECK(busy.read_response().status == 204);
  CHECK(idle.read_all().empty());
  server.stop();
  CHECK(server.query("from m | keep f") == "f\n1\n");
}

TEST_CASE("http: completion knows the language, the columns and their values", "[net]") {
  TestServer server;
  REQUIRE(
      server.request("POST", "/write", "audit,service=pay f=1 1000\naudit,service=mail f=2 2000\n")
          .status == 204);
  auto response = server.request("GET", "/api/complete?q=from%20audit%20%7C%20so");
  CHECK(response.status == 200);
  CHECK(
      contains(response.body,
               "{\"start\":13,\"end\":15,\"suggestions\":[{\"kind\":\"stage\",\"text\":\"sort\""));
  response = server.request("POST", "/api/complete?cursor=6", "from a | limit 5");
  CHECK(contains(response.body,
                 "{\"kind\":\"measurement\",\"text\":\"audit\",\"detail\":\"3 columns\"}"));
  response = server.request("POST", "/api/complete", "from audit | where service == \"");
  CHECK(contains(response.body,
                 "{\"kind\":\"value\",\"text\":\"\\\"mail\\\"\",\"detail\":\"service\"}"));
  CHECK(server.request("GET", "/api/complete?q=from&cursor=x").status == 400);
}

}  // namespace
}  // namespace tocsin
