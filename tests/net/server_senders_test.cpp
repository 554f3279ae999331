// The protocols of log shippers on the HTTP port.
#include <fmt/format.h>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <snappy.h>

#include "net/parse/otlp.h"
#include "tests/net/gzip_text.h"
#include "tests/net/server_support.h"
#include "tests/net/tail/fake_database.h"

namespace tocsin {
namespace {

using test::contains;
using test::FakeDatabase;
using test::gzip;
using test::TestServer;

const std::string kJson = "Content-Type: application/json\r\n";
const std::string kProtobuf = "Content-Type: application/x-protobuf\r\n";
const std::string kGzip = "Content-Encoding: gzip\r\n";

std::string loki_json(const std::string& entries) {
  return R"({"streams":[{"stream":{"app":"pay"},"values":[)" + entries + "]}]}";
}

std::string loki_block(const std::string& line) {
  std::string body;
  {
    protozero::pbf_writer request(body);
    protozero::pbf_writer stream(request, 1);
    stream.add_string(1, "{app=\"pay\"}");
    protozero::pbf_writer entry(stream, 2);
    protozero::pbf_writer time(entry, 1);
    time.add_int64(1, 1'700'000'000);
    time.commit();
    entry.add_string(2, line);
  }
  std::string block;
  snappy::Compress(body.data(), body.size(), &block);
  return block;
}

TEST_CASE("loki: pushes in both encodings are stored and answered with 204", "[net]") {
  TestServer server;
  const std::string target = "/loki/api/v1/push";
  const std::string body = loki_json(R"(["1700000000000000000","json",{"n":1}])");
  CHECK(server.request("POST", target, body, kJson).status == 204);
  CHECK(server.request("POST", target, gzip(body), kJson + kGzip).status == 204);
  CHECK(server.request("POST", target, body, "Content-Type: Application/JSON; charset=utf-8\r\n")
            .status == 204);
  CHECK(server.request("POST", target, loki_block("block"), kProtobuf).status == 204);
  CHECK(server.request("POST", target, loki_block("block")).status == 204);  // the default
  CHECK(
      server
          .request("POST", target, loki_block("block"), kProtobuf + "Content-Encoding: snappy\r\n")
          .status == 204);
  CHECK(server.query("from logs | stats c = count(), n = sum(n) by app, message") ==
        "app,message,c,n\npay,block,3,0\npay,json,3,3\n");
  CHECK(server.request("POST", target + "?measurement=web", body, kJson).status == 204);
  CHECK(server.request("POST", target, body, kJson + "X-Tocsin-Measurement: shop\r\n").status ==
        204);
  CHECK(server.query("from web, shop | stats c = count()") == "c\n2\n");
}

TEST_CASE("loki: bad entries are reported, kept and can be stored later", "[net]") {
  TestServer server;
  const auto response = server.request(
      "POST", "/loki/api/v1/push",
      loki_json(R"(["soon","bad"],["1700000000000000000","good"],["4000000000000000000","late"])"),
      kJson);
  CHECK(response.status == 400);
  CHECK(contains(response.body, "record 1: the time is not a number of ns since 1970; record 3: "));
  CHECK(contains(response.body, "; 2 entries rejected, all others stored\n"));
  CHECK(server.query("from logs | keep message") == "message\ngood\n");
  CHECK(
      server.query("from rejected | sort id | keep path, format, line") ==
      "path,format,line\n"
      "/loki/api/v1/push,json,\"{\"\"name\"\":\"\"logs\"\",\"\"tags\"\":{\"\"app\"\":\"\"pay\"\"},"
      "\"\"fields\"\":{\"\"message\"\":\"\"late\"\"},\"\"timestamp\"\":\"\"2096-10-02T07:06:40."
      "000000000Z\"\"}\"\n"
      "/loki/api/v1/push,json,\"{\"\"name\"\":\"\"logs\"\",\"\"tags\"\":{\"\"app\"\":\"\"pay\"\"},"
      "\"\"fields\"\":{\"\"message\"\":\"\"bad\"\"},\"\"timestamp\"\":\"\"[\\\"\"soon\\\"\","
      "\\\"\"bad\\\"\"]\"\"}\"\n");
  CHECK(contains(server.request("POST", "/api/rejected/retry").body, "\"rejected_again\":2"));
}

TEST_CASE("loki: what cannot be read is refused as a whole", "[net]") {
  TestServer server;
  const auto check = [&](const std::string& body, const std::string& headers, int status,
                         const std::string& text) {
    CAPTURE(body, headers);
    const auto response = server.request("POST", "/loki/api/v1/push", body, headers);
    CHECK(response.status == status);
    CHECK(contains(response.head, "Content-Type: text/plain"));
    CHECK(contains(response.body, text));
  };
  check("{\"streams\":5}", kJson, 400, "expected an array under `streams`, found 5");
  check("{}x", kJson, 400, "not valid JSON");
  check("not snappy", kProtobuf, 400, "snappy");
  check(loki_block("x").substr(0, 20), kProtobuf, 400, "snappy");
  check("{}", kProtobuf + kGzip, 415, "snappy");
  check("{}", "Content-Type: text/plain\r\n", 415, "application/json");
  check("{}", kJson + "Content-Encoding: br\r\n", 415, "gzip");
  check("{}", kJson + "X-Tocsin-Measurement: " + std::string(300, 'm') + "\r\n", 400,
        "a measurement has 1 to 256 bytes, not 300");
  CHECK(server.query("from logs | stats n = count()") != "n\n1\n");
}

TEST_CASE("loki: a block may not unpack to more than the limit of a body", "[net]") {
  ServerOptions options;
  options.http_body_bytes_max = 10'000;
  TestServer server(options);
  CHECK(server.request("POST", "/loki/api/v1/push", loki_block(std::string(20'000, 'x')), kProtobuf)
            .status == 413);
  CHECK(server.request("POST", "/loki/api/v1/push", loki_block(std::string(9'000, 'x')), kProtobuf)
            .status == 204);
}

std::string otlp_json(const std::string& records) {
  return R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":)"
         R"({"stringValue":"pay"}}]},"scopeLogs":[{"logRecords":[)" +
         records + "]}]}]}";
}

std::string otlp_protobuf(const std::string& records) {
  return *otlp_json_to_protobuf(otlp_json(records));
}

const std::string kGoodRecord =
    R"({"timeUnixNano":"1700000000000000000","severityNumber":17,"body":{"stringValue":"good"}})";
const std::string kLateRecord =
    R"({"timeUnixNano":"4000000000000000000","body":{"stringValue":"late"}})";

TEST_CASE("otlp: exports in both encodings are stored and answered in their encoding", "[net]") {
  TestServer server;
  auto response = server.request("POST", "/v1/logs", otlp_json(kGoodRecord), kJson);
  CHECK(response.status == 200);
  CHECK(response.body == "{}\n");
  CHECK(contains(response.head, "Content-Type: application/json"));
  response = server.request("POST", "/v1/logs", otlp_protobuf(kGoodRecord), kProtobuf);
  CHECK(response.status == 200);
  CHECK(response.body.empty());
  CHECK(contains(response.head, "Content-Type: application/x-protobuf"));
  CHECK(server.request("POST", "/v1/logs", gzip(otlp_protobuf(kGoodRecord)), kProtobuf + kGzip)
            .status == 200);
  CHECK(server.query("from logs | stats n = count() by service, level, message") ==
        "service,level,message,n\npay,ERROR,good,3\n");
  CHECK(server.request("POST", "/v1/logs", "{}", kJson).status == 200);
  CHECK(server.request("POST", "/v1/logs", "", kProtobuf).status == 200);
}

TEST_CASE("otlp: rejected records are a partial success", "[net]") {
  TestServer server;
  auto response =
      server.request("POST", "/v1/logs", otlp_json(kGoodRecord + "," + kLateRecord), kJson);
  CHECK(response.status == 200);
  CHECK(contains(response.body,
                 R"({"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"record 2: )"));
  response =
      server.request("POST", "/v1/logs", otlp_protobuf(kLateRecord + "," + kGoodRecord), kProtobuf);
  CHECK(response.status == 200);
  protozero::pbf_reader message(response.body);
  REQUIRE(message.next(1));
  protozero::pbf_reader partial = message.get_message();
  REQUIRE(partial.next(1));
  CHECK(partial.get_int64() == 1);
  REQUIRE(partial.next(2));
  CHECK(contains(partial.get_string(), "record 1: "));
  CHECK(server.query("from logs | stats n = count()") == "n\n2\n");
  CHECK(server.query("from rejected | stats n = count(line)") == "n\n2\n");
}

TEST_CASE("otlp: errors are a Status in the encoding of the request", "[net]") {
  TestServer server;
  auto response = server.request("POST", "/v1/logs", R"({"resourceSpans":[{}]})", kJson);
  CHECK(response.status == 400);
  CHECK(response.body ==
        "{\"code\":3,\"message\":\"there is no key `resourceLogs`, but `resourceSpans`\"}\n");
  response = server.request("POST", "/v1/logs", "\x0a\x05x", kProtobuf);
  CHECK(response.status == 400);
  protozero::pbf_reader status(response.body);
  REQUIRE(status.next(1));
  CHECK(status.get_int32() == 3);
  REQUIRE(status.next(2));
  CHECK(contains(status.get_string(), "ExportLogsServiceRequest"));
  CHECK(server.request("POST", "/v1/logs", "{}", "Content-Type: text/plain\r\n").status == 415);
  CHECK(server.request("POST", "/v1/logs", "{}", kJson + "Content-Encoding: br\r\n").status == 415);
  CHECK(server.request("GET", "/v1/logs").status == 405);
}

TEST_CASE("senders: a transient failure is a 503 with Retry-After, and nothing is stored",
          "[net]") {
  auto* const store = new FakeDatabase;
  TestServer server{std::unique_ptr<Database>(store)};
  const auto check = [&](ErrorCode code) {
    store->set_busy(code);
    auto response = server.request("POST", "/v1/logs", otlp_json(kGoodRecord), kJson);
    CHECK(response.status == 503);
    CHECK(contains(response.head, "Retry-After: 1\r\n"));
    CHECK(contains(response.body, "{\"code\":14,\"message\":"));
    response = server.request("POST", "/loki/api/v1/push", loki_block("x"), kProtobuf);
    CHECK(response.status == 503);
    CHECK(contains(response.head, "Retry-After: 1\r\n"));
  };
  check(ErrorCode::kBusy);
  check(ErrorCode::kDiskFull);
  check(ErrorCode::kIo);
  store->set_busy(std::nullopt);
  CHECK(store->state().rows.empty());
}

const std::string kJsonLines = "Content-Type: application/x-ndjson\r\n";

TEST_CASE("elastic: documents are rows of their index, and each has a result", "[net]") {
  TestServer server;
  const std::string body =
      "{\"create\":{\"_index\":\"shop-2026.11.30\",\"_id\":\"7\"}}\n"
      "{\"@timestamp\":\"2023-11-14T22:13:20Z\",\"message\":\"one\",\"host\":{\"name\":\"web\"}}\n"
      "{\"index\":{\"_index\":\"shop-2026.12.01\"}}\n{\"@timestamp\":1700000001000,\"message\":"
      "\"two\"}\n"
      "{\"index\":{}}\n{\"@timestamp\":1700000002000,\"message\":\"three\"}\n";
  const auto response = server.request("POST", "/app/_bulk", body, kJsonLines);
  CHECK(response.status == 200);
  CHECK(contains(response.head, "X-Elastic-Product: Elasticsearch\r\n"));
  CHECK(contains(response.body,
                 R"("errors":false,"items":[{"create":{"_index":"shop-2026.11.30","_id":"7",)"
                 R"("result":"created","status":201}},{"index":{"_index":"shop-2026.12.01",)"
                 R"("result":"created","status":201}},{"index":{"_index":"app","result":"created",)"
                 R"("status":201}}]})"));
  CHECK(server.query("from shop | keep time, message, host.name") ==
        "time,message,host.name\n1700000000000000000,one,web\n1700000001000000000,two,\n");
  CHECK(server.query("from app | keep message") == "message\nthree\n");
  CHECK(server.request("PUT", "/_bulk", gzip(body), kJsonLines + kGzip).status == 200);
  CHECK(server.query("from logs | keep message") == "message\nthree\n");
}

TEST_CASE("elastic: a bad item does not stop the others, and is kept", "[net]") {
  TestServer server;
  const auto response = server.request(
      "POST", "/shop/_bulk",
      "{\"create\":{}}\n{\"time\":1700000000,\"n\":1}\n{\"create\":{}}\n{\"n\":\n{\"delete\":{}}\n"
      "{\"create\":{}}\n{\"time\":\"2099-01-01\",\"n\":2}\n{\"create\":{}}\n\n",
      kJsonLines);
  CHECK(response.status == 200);
  CHECK(contains(response.body, R"("errors":true,"items":[{"create":{"_index":"shop","result")"));
  CHECK(contains(response.body, R"({"create":{"_index":"shop","status":400,"error":{"type":)"
                                R"("document_parsing_exception","reason":"invalid JSON)"));
  CHECK(contains(response.body, "only `create` and `index` are supported"));
  CHECK(contains(response.body, "no document after the action"));
  CHECK(server.query("from shop | keep n") == "n\n1\n");
  CHECK(server.query("from rejected | keep default_measurement, path, format, line | sort line") ==
        "default_measurement,path,format,line\n"
        "shop,/shop/_bulk,json,\"{\"\"n\"\":\"\n"
        "shop,/shop/_bulk,json,\"{\"\"time\"\":\"\"2099-01-01\"\",\"\"n\"\":2}\"\n");
}

TEST_CASE("elastic: many items in many texts keep their order", "[net]") {
  TestServer server;
  std::string body;
  for (int i = 0; i < 10'000; ++i) {
    body += fmt::format("{{\"create\":{{\"_index\":\"{}\"}}}}\n", i % 2 ? "odd" : "even");
    body += i % 1'000 == 999 ? "bad\n" : fmt::format("{{\"time\":1700000000,\"n\":{}}}\n", i);
  }
  const auto response = server.request("POST", "/_bulk", body, kJsonLines);
  CHECK(response.status == 200);
  size_t at = 0;
  for (int i = 0; i < 10'000; ++i) {
    at = response.body.find("\"status\":", at) + 9;
    const bool good = response.body.compare(at, 3, "201") == 0;
    if (good != (i % 1'000 != 999)) FAIL("item " << i);
  }
  CHECK(server.query("from odd, even | stats c = count()") == "c\n9990\n");
}

TEST_CASE("elastic: errors are those of Elasticsearch", "[net]") {
  auto* const store = new FakeDatabase;
  TestServer server{std::unique_ptr<Database>(store)};
  auto response = server.request("POST", "/_bulk", "no action\n", kJsonLines);
  CHECK(response.status == 400);
  CHECK(contains(response.body,
                 R"({"error":{"type":"illegal_argument_exception","reason":"Malformed)"));
  CHECK(contains(response.body, R"("root_cause":[{"type":"illegal_argument_exception")"));
  store->set_busy(ErrorCode::kDiskFull);
  response = server.request("POST", "/_bulk", "{\"create\":{}}\n{\"n\":1}\n", kJsonLines);
  CHECK(response.status == 429);
  CHECK(contains(response.head, "Retry-After: 1\r\n"));
  CHECK(contains(response.body, "es_rejected_execution_exception"));
  response =
      server.request("POST", "/_bulk", "{\"create\":{}}\n{\"n\":1}\n{\"delete\":{}}\n", kJsonLines);
  CHECK(response.status == 200);  // one item will never succeed
  CHECK(contains(response.body, "\"status\":429"));
  CHECK(server.request("POST", "/_bulk", "{}", kJsonLines + "Content-Encoding: br\r\n").status ==
        415);
}

TEST_CASE("elastic: shippers find what they look for before they ship", "[net]") {
  TestServer server;
  const auto check = [&](const std::string& method, const std::string& path,
                         const std::string& text) {
    CAPTURE(method, path);
    const auto response = server.request(method, path, "", "Accept: application/json\r\n");
    CHECK(response.status == 200);
    CHECK(contains(response.head, "X-Elastic-Product: Elasticsearch\r\n"));
    CHECK(contains(response.body, text));
  };
  check("GET", "/", "\"number\":\"8.");
  check("HEAD", "/", "");
  check("GET", "/_license", "\"status\":\"active\"");
  check("GET", "/_cluster/health", "\"status\":\"green\"");
  check("HEAD", "/_index_template/filebeat-8.17.0", "");
  check("PUT", "/_ilm/policy/filebeat", "\"acknowledged\":true");
  check("GET", "/_data_stream/filebeat-8.17.0", "");
  check("GET", "/_ingest/pipeline/x", "");
  const auto page = server.request("GET", "/", "", "Accept: text/html,*/*\r\n");
  CHECK(contains(page.head, "text/html"));
  CHECK(server.request("GET", "/_index_template/a/b").status == 404);
  CHECK(server.request("GET", "//_bulk").status == 404);
}

TEST_CASE("http: with debug=1 a write is shown, and nothing of it is stored", "[net]") {
  TestServer server;
  const auto check = [&](const std::string& path, const std::string& body,
                         const std::string& expected, const std::string& headers = "") {
    CAPTURE(path, body);
    const auto response = server.request("POST", path, body, headers);
    CHECK(response.status == 200);
    CHECK(response.body == expected);
  };
  const std::string json = "Content-Type: application/json\r\n";
  const std::string row =
      R"({"name":"m","tags":{"a":"b"},"fields":{"f":1},"timestamp":"1970-01-01T00:00:01.000000000Z"})";
  const auto answer = [](const std::string& rows, const std::string& rejected) {
    return "{\"stored\":false,\"row_count\":1,\"rows\":[" + rows + "],\"rejected_count\":1," +
           "\"rejected\":[" + rejected + "],\"warnings\":[]}\n";
  };
  const std::string bad = R"({"number":2,"reason":"missing fields at byte 4","line":"bad"})";
  check("/write?precision=s&debug=1", "m,a=b f=1i 1\nbad\n", answer(row, bad));
  check("/api/v2/write?precision=s&debug=true", "m,a=b f=1i 1\nbad\n", answer(row, bad));
  const std::string event =
      R"({"name":"logs","tags":{"service":"s"},"fields":{"n":1.5},"timestamp":"2023-11-14T22:13:20.000000000Z"})";
  const auto lines = server.request("POST", "/insert/jsonline?debug=1",
                                    "{\"time\":1700000000,\"service\":\"s\",\"n\":1.5}\n{\"x\":\n");
  CHECK(lines.status == 200);
  CHECK(contains(lines.body,
                 "\"rows\":[" + event + "],\"rejected_count\":1,\"rejected\":[{\"number\":2,"));
  check(
      "/loki/api/v1/push?debug=1",
      R"({"streams":[{"stream":{"app":"pay"},"values":[["1700000000000000000","x"],["1","y",5]]}]})",
      answer(
          R"({"name":"logs","tags":{"app":"pay"},"fields":{"message":"x"},"timestamp":"2023-11-14T22:13:20.000000000Z"})",
          R"({"number":2,"reason":"the metadata is not an object","line":"{\"name\":\"logs\",\"tags\":{\"app\":\"pay\"},)"
          R"(\"fields\":{\"message\":\"y\"},\"timestamp\":\"[\\\"1\\\",\\\"y\\\",5]\"}"})"),
      json);
  const auto otlp = server.request(
      "POST", "/v1/logs?debug=1",
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","body":{"stringValue":"x"}}]}]}]})",
      json);
  CHECK(otlp.status == 200);
  CHECK(contains(otlp.body,
                 R"("row_count":1,"rows":[{"name":"logs","tags":{},"fields":{"message":"x"})"));
  const auto bulk = server.request("POST", "/shop-2026.11.30/_bulk?debug=1",
                                   "{\"create\":{}}\n{\"time\":1700000000,\"n\":1}\n"
                                   "{\"delete\":{\"_id\":\"1\"}}\n{\"create\":{}}\n{\"n\":\n",
                                   json);
  CHECK(bulk.status == 200);
  CHECK(contains(bulk.body, R"("row_count":1,"rows":[{"name":"shop","tags":{},"fields":{"n":1})"));
  CHECK(
      contains(bulk.body, R"("rejected_count":2,"rejected":[{"number":2,"reason":"only `create`)"));
  CHECK(contains(bulk.body, R"({"number":3,)"));
  // What is no body of the protocol is answered as ever.
  CHECK(server.request("POST", "/loki/api/v1/push?debug=1", "[]", json).status == 400);
  CHECK(server.request("POST", "/write?debug=1", "m f=1", "Content-Encoding: br\r\n").status ==
        415);
  // An event without a time is warned about.
  CHECK(contains(server.request("POST", "/insert/jsonline?debug=1", "{\"n\":1}").body,
                 "\"warnings\":[\"1 event without a recognisable time"));
  CHECK(server.database().counters().rows_written == 0);
  CHECK(server.request("POST", "/write?debug=0", "m f=1i 1\n").status == 204);
  CHECK(server.query("from m | keep f") == "f\n1\n");
  CHECK(!contains(server.query("from rejected"), "bad"));
}

}  // namespace
}  // namespace tocsin
