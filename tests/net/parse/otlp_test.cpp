#include "net/parse/otlp.h"

#include <functional>
#include <map>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "db/base/binary_text.h"
#include "db/base/json.h"
#include "tests/net/parse/parse_records.h"

namespace tocsin {
namespace {

using protozero::pbf_writer;
constexpr Timestamp kOtlpNow = 1'800'000'000 * kSecond;

ParsedRecords parse_otlp(RecordParser parser, std::string_view body, bool guess_shapes = true) {
  return parse_records(parser, body, kOtlpNow, guess_shapes);
}

// The example of opentelemetry-proto, examples/logs.json, shortened.
constexpr const char* kExample = R"({
  "resourceLogs": [{
    "resource": {"attributes": [
      {"key": "service.name", "value": {"stringValue": "my.service"}},
      {"key": "host.name", "value": {"stringValue": "web-1"}},
      {"key": "process.pid", "value": {"intValue": "42"}}]},
    "scopeLogs": [{
      "scope": {"name": "my.library", "version": "1.0.0", "attributes": [
        {"key": "my.scope.attribute", "value": {"stringValue": "some scope attribute"}}]},
      "logRecords": [{
        "timeUnixNano": "1544712660300000000",
        "observedTimeUnixNano": "1544712660300000001",
        "severityNumber": 10,
        "severityText": "Information",
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "body": {"stringValue": "Example log record"},
        "attributes": [
          {"key": "string.attribute", "value": {"stringValue": "some string"}},
          {"key": "boolean.attribute", "value": {"boolValue": true}},
          {"key": "int.attribute", "value": {"intValue": 10}},
          {"key": "double.attribute", "value": {"doubleValue": 637.704}},
          {"key": "array.attribute", "value": {"arrayValue": {"values": [
            {"stringValue": "many"}, {"intValue": "2"}, {}]}}},
          {"key": "map.attribute", "value": {"kvlistValue": {"values": [
            {"key": "some.map.key", "value": {"stringValue": "some value"}}]}}}]}]}]}]})";

TEST_CASE("otlp: the example of the protocol", "[net]") {
  const ParsedRecords parsed = parse_otlp(&parse_otlp_json, kExample);
  REQUIRE(parsed.status);
  CHECK(parsed.errors.empty());
  CHECK(parsed.rows ==
        "logs @1544712660300000000 array.attribute='[\"many\",2,null]' boolean.attribute=true "
        "double.attribute=637.704f int.attribute=10i map.attribute.some.map.key='some value' "
        "message='Example log record' my.scope.attribute='some scope attribute' process.pid=42i "
        "scope='my.library' scope.version='1.0.0' severity_number=10i span_id='eee19b7ec3c1b174' "
        "string.attribute='some string' tag:host='web-1' tag:level='Information' "
        "tag:service='my.service' trace_id='5b8efff798038103d269b633813fc60c'");
}

std::string one_record(const std::string& fields) {
  return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{)" + fields + "}]}]}]}";
}

std::string otlp_row(const std::string& fields) {
  const ParsedRecords parsed = parse_otlp(&parse_otlp_json, one_record(fields));
  return parsed.status ? parsed.rows : parsed.status.error().message;
}

TEST_CASE("otlp: the time is that of the event, else of its observation, else now", "[net]") {
  CHECK(otlp_row(R"("timeUnixNano":"5","observedTimeUnixNano":"6")") == "logs @5");
  CHECK(otlp_row(R"("timeUnixNano":"0","observedTimeUnixNano":6)") == "logs @6");
  const ParsedRecords parsed = parse_otlp(&parse_otlp_json, one_record(""));
  CHECK(parsed.rows == fmt::format("logs @{}", kOtlpNow));
  CHECK(parsed.untimed == 1);
}

TEST_CASE("otlp: the level follows from the number if there is no text", "[net]") {
  const auto check = [](int number, const std::string& level) {
    CHECK(otlp_row(fmt::format(R"("timeUnixNano":1,"severityNumber":{})", number)) ==
          fmt::format("logs @1 severity_number={}i{}", number,
                      level.empty() ? "" : " tag:level='" + level + "'"));
  };
  check(1, "TRACE");
  check(4, "TRACE");
  check(5, "DEBUG");
  check(9, "INFO");
  check(16, "WARN");
  check(17, "ERROR");
  check(21, "FATAL");
  check(24, "FATAL");
  check(25, "");
}

TEST_CASE("otlp: bodies of every kind", "[net]") {
  const auto check = [](const std::string& body, const std::string& expected) {
    CAPTURE(body);
    CHECK(otlp_row(R"("timeUnixNano":1,"body":)" + body) == "logs @1" + expected);
  };
  check(R"({"stringValue":"text"})", " message='text'");
  check(R"({"intValue":"5"})", " message='5'");
  check(R"({"doubleValue":0.5})", " message='0.5'");
  check(R"({"boolValue":false})", " message='false'");
  check(R"({"bytesValue":"aGk="})", " message='aGk='");
  check(R"({"arrayValue":{"values":[{"intValue":1},{"kvlistValue":{"values":[)"
        R"({"key":"a","value":{"stringValue":"b"}}]}}]}})",
        " message='[1,{\"a\":\"b\"}]'");
  check("{}", "");
  check("null", "");
  const auto list = [](const std::string& pairs) {
    return R"({"kvlistValue":{"values":[)" + pairs + "]}}";
  };
  check(list(R"({"key":"msg","value":{"stringValue":"m"}},{"key":"n","value":{"intValue":1}})"),
        " message='m' n=1i");
  check(list(R"({"key":"body","value":{"stringValue":"b"}},)"
             R"({"key":"message","value":{"stringValue":"m"}})"),
        " body='b' message='m'");
  check(list(R"({"key":"a","value":)" +
             list(R"({"key":"b","value":{"intValue":1}},{"key":"c","value":{}})") + "}"),
        " a.b=1i");
}

TEST_CASE("otlp: ids of zeros or of another length are left out", "[net]") {
  CHECK(otlp_row(R"("timeUnixNano":1,"traceId":"","spanId":"0000000000000000","flags":257)") ==
        "logs @1 flags=1i");
  CHECK(otlp_row(R"("timeUnixNano":1,"spanId":"abcd")") == "logs @1");
}

TEST_CASE("otlp: an attribute that is called like a part of the record gets another name",
          "[net]") {
  CHECK(otlp_row(R"("timeUnixNano":1,"body":{"stringValue":"b"},"severityText":"W","attributes":[)"
                 R"({"key":"message","value":{"stringValue":"a"}},)"
                 R"({"key":"level","value":{"intValue":3}},)"
                 R"({"key":"x","value":{"intValue":1}},{"key":"x","value":{"intValue":2}}])") ==
        "logs @1 attribute.level=3i attribute.message='a' message='b' tag:level='W' x=2i");
}

TEST_CASE("otlp json: what is wrong is named", "[net]") {
  const auto reason = [](const std::string& body) {
    const ParsedRecords parsed = parse_otlp(&parse_otlp_json, body);
    return parsed.status ? "" : parsed.status.error().message;
  };
  CHECK(reason("{}").empty());
  CHECK(reason(R"({"resourceLogs":[]})").empty());
  CHECK(reason(R"({"resourceLogs":null})").empty());
  CHECK(reason(R"({"resourceSpans":[]})") == "there is no key `resourceLogs`, but `resourceSpans`");
  CHECK(reason(R"({"resource_logs":[]})") == "there is no key `resourceLogs`, but `resource_logs`");
  CHECK(reason("[]") == "`the body`: expected an object, found []");
  CHECK(reason(one_record(R"("timeUnixNano":"soon")")) ==
        "`timeUnixNano`: expected an integer without a sign, found \"soon\"");
  CHECK(reason(one_record(R"("severityNumber":"INFO")")) ==
        "`severityNumber`: expected an integer, found \"INFO\"");
  CHECK(reason(one_record(R"("traceId":"xyz")")) ==
        "`traceId`: expected hexadecimal digits, found \"xyz\"");
  CHECK(reason(one_record(R"("body":"text")")) == "`body`: expected an object, found \"text\"");
  CHECK(reason(one_record(R"("body":{"bytesValue":"?"})")) ==
        "`bytesValue`: expected base64, found \"?\"");
  CHECK(reason(R"({"resourceLogs":[)").starts_with("the body is not valid JSON"));
}

TEST_CASE("otlp: unknown keys are ignored, and infinite numbers are numbers", "[net]") {
  CHECK(otlp_row(R"("timeUnixNano":1,"new":{"x":[1]},"attributes":[)"
                 R"({"key":"n","value":{"doubleValue":"NaN"}},)"
                 R"({"key":"i","value":{"doubleValue":"-Infinity","newValue":1}}])") ==
        "logs @1 i=-inff n=nanf");
}

TEST_CASE("otlp: a value that is nested too deeply rejects only its record", "[net]") {
  const auto nested = [](size_t depth, const std::string& kind) {
    std::string value = R"({"intValue":1})";
    for (size_t i = 1; i < depth; ++i) {
      value = kind == "array" ? R"({"arrayValue":{"values":[)" + value + "]}}"
                              : R"({"kvlistValue":{"values":[{"key":"k","value":)" + value + "}]}}";
    }
    return R"({"timeUnixNano":1,"attributes":[{"key":"a","value":)" + value + "}]}";
  };
  for (const std::string kind : {"array", "list"}) {
    CAPTURE(kind);
    const ParsedRecords parsed =
        parse_otlp(&parse_otlp_json, R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" +
                                         nested(65, kind) + "," + nested(64, kind) + "]}]}]}");
    REQUIRE(parsed.status);
    CHECK(parsed.errors == std::vector<std::string>{"1: a value is nested deeper than 64 levels"});
    CHECK(parsed.rows.starts_with("logs @1 a"));
  }
}

TEST_CASE("otlp: a time beyond the range rejects its record", "[net]") {
  const ParsedRecords parsed =
      parse_otlp(&parse_otlp_json, one_record(R"("timeUnixNano":"18446744073709551615")"));
  REQUIRE(parsed.status);
  CHECK(parsed.errors == std::vector<std::string>{"1: the time is out of range"});
}

TEST_CASE("otlp protobuf: a truncated body is refused as a whole", "[net]") {
  const auto body = otlp_json_to_protobuf(kExample);
  REQUIRE(body);
  for (size_t size = 1; size < body->size(); ++size)
    CHECK(!parse_otlp(&parse_otlp_protobuf, std::string_view(*body).substr(0, size)).status);
  CHECK(parse_otlp(&parse_otlp_protobuf, "").status);
  CHECK(!parse_otlp(&parse_otlp_protobuf, kExample).status);
}

TEST_CASE("otlp protobuf: fields of a wrong wire type are ignored", "[net]") {
  std::string body;
  {
    pbf_writer request(body);
    pbf_writer logs(request, 1);
    pbf_writer scope(logs, 2);
    pbf_writer record(scope, 2);
    record.add_fixed64(1, 5);
    record.add_string(2, "severity");
    record.add_uint64(5, 7);
    record.add_fixed64(8, 9);
    record.add_string(4, "reserved");
    record.add_string(99, "later");
  }
  const ParsedRecords parsed = parse_otlp(&parse_otlp_protobuf, body);
  REQUIRE(parsed.status);
  CHECK(parsed.rows == "logs @5");
}

// Records before they are encoded, for random tests.
struct OtlpAttribute;
struct OtlpValue {
  enum class Kind { kText, kInt, kDouble, kBool, kList } kind = Kind::kText;
  std::string text;
  int64_t number = 0;
  std::vector<OtlpAttribute> list;
};
struct OtlpAttribute {
  std::string key;
  OtlpValue value;
};
using Attributes = std::vector<OtlpAttribute>;
struct OtlpRecord {
  uint64_t time = 0, observed = 0;
  int severity = 0;
  std::string level, body;
  Attributes attributes;
};
struct OtlpGroup {  // a resource with one scope
  Attributes resource, scope;
  std::vector<OtlpRecord> records;
};

std::string any_json(const OtlpValue& value);
std::string attributes_json(const Attributes& attributes) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : attributes)
    pairs.push_back(fmt::format(R"({{"value":{},"key":{}}})", any_json(value), json_quote(key)));
  return json_array(pairs);
}
std::string any_json(const OtlpValue& value) {
  switch (value.kind) {
    case OtlpValue::Kind::kText: return "{\"stringValue\":" + json_quote(value.text) + "}";
    case OtlpValue::Kind::kInt: return fmt::format("{{\"intValue\":\"{}\"}}", value.number);
    case OtlpValue::Kind::kDouble:
      return fmt::format("{{\"doubleValue\":{}}}", double(value.number) + 0.5);
    case OtlpValue::Kind::kBool:
      return value.number > 0 ? R"({"boolValue":true})" : R"({"boolValue":false})";
    case OtlpValue::Kind::kList:
      return "{\"kvlistValue\":{\"values\":" + attributes_json(value.list) + "}}";
  }
  return "{}";
}

std::string request_json(const std::vector<OtlpGroup>& groups) {
  std::vector<std::string> parts;
  for (const OtlpGroup& group : groups) {
    std::vector<std::string> records;
    for (const OtlpRecord& record : group.records) {
      records.push_back(fmt::format(
          R"({{"attributes":{},"body":{{"stringValue":{}}},"severityText":{},"severityNumber":{},)"
          R"("observedTimeUnixNano":"{}","timeUnixNano":"{}"}})",
          attributes_json(record.attributes), json_quote(record.body), json_quote(record.level),
          record.severity, record.observed, record.time));
    }
    parts.push_back(fmt::format(
        R"({{"scopeLogs":[{{"logRecords":{},"scope":{{"attributes":{}}}}}],"resource":{{"attributes":{}}}}})",
        json_array(records), attributes_json(group.scope), attributes_json(group.resource)));
  }
  return "{\"resourceLogs\":" + json_array(parts) + "}";
}

void write_value(pbf_writer& out, const OtlpValue& value);
void write_pairs(pbf_writer& out, uint32_t field, const Attributes& attributes) {
  for (const auto& [key, value] : attributes) {
    pbf_writer pair(out, field);
    pair.add_string(1, key);
    pbf_writer any(pair, 2);
    write_value(any, value);
  }
}
void write_value(pbf_writer& out, const OtlpValue& value) {
  switch (value.kind) {
    case OtlpValue::Kind::kText: return out.add_string(1, value.text);
    case OtlpValue::Kind::kInt: return out.add_int64(3, value.number);
    case OtlpValue::Kind::kDouble:
      return out.add_double(4, static_cast<double>(value.number) + 0.5);
    case OtlpValue::Kind::kBool: return out.add_bool(2, value.number > 0);
    case OtlpValue::Kind::kList: {
      pbf_writer list(out, 6);
      write_pairs(list, 1, value.list);
    }
  }
}

std::string request_protobuf(const std::vector<OtlpGroup>& groups) {
  std::string body;
  pbf_writer request(body);
  for (const OtlpGroup& group : groups) {
    pbf_writer logs(request, 1);
    {
      pbf_writer scope_logs(logs, 2);
      for (const OtlpRecord& record : group.records) {
        pbf_writer out(scope_logs, 2);
        out.add_fixed64(1, record.time);
        out.add_enum(2, record.severity);
        out.add_string(3, record.level);
        {
          pbf_writer text(out, 5);
          text.add_string(1, record.body);
        }
        write_pairs(out, 6, record.attributes);
        out.add_fixed64(11, record.observed);
      }
      pbf_writer scope(scope_logs, 1);
      write_pairs(scope, 3, group.scope);
    }
    pbf_writer resource(logs, 1);
    write_pairs(resource, 1, group.resource);
  }
  return body;
}

// Name -> the text of its value; a list has one entry per leaf.
using Leaves = std::map<std::string, std::string>;
void flatten_otlp(const std::string& prefix, const Attributes& attributes, bool tags, Leaves& out) {
  for (const auto& [key, value] : attributes) {
    std::string name = prefix.empty() ? key : prefix + "." + key;
    if (value.kind == OtlpValue::Kind::kList) {
      flatten_otlp(name, value.list, tags, out);
      continue;
    }
    if (tags && name == "service.name") name = "service";
    const bool tag = tags && value.kind == OtlpValue::Kind::kText;
    std::string text = "'" + value.text + "'";
    if (value.kind == OtlpValue::Kind::kInt) text = fmt::format("{}i", value.number);
    if (value.kind == OtlpValue::Kind::kDouble)
      text = fmt::format("{}f", double(value.number) + 0.5);
    if (value.kind == OtlpValue::Kind::kBool) text = value.number > 0 ? "true" : "false";
    out[name] = (tag ? "T" : "F") + text;
  }
}

// The rows that follow from the rules, by maps.
std::string otlp_rows(const std::vector<OtlpGroup>& groups) {
  std::string out;
  for (const OtlpGroup& group : groups) {
    for (const OtlpRecord& record : group.records) {
      Leaves columns;
      columns["message"] = "F'" + record.body + "'";
      if (record.severity != 0) columns["severity_number"] = fmt::format("F{}i", record.severity);
      const char* names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
      if (!record.level.empty()) {
        columns["level"] = "T'" + record.level + "'";
      } else if (record.severity > 0) {
        columns["level"] = fmt::format("T'{}'", names[(record.severity - 1) / 4]);
      }
      Leaves own, scope, resource;
      flatten_otlp("", record.attributes, false, own);
      flatten_otlp("", group.scope, false, scope);
      flatten_otlp("", group.resource, true, resource);
      for (const auto& [part, leaves] : {std::pair("attribute.", &own), std::pair("scope.", &scope),
                                         std::pair("resource.", &resource)}) {
        const Leaves before = columns;
        for (const auto& [name, value] : *leaves)
          columns[before.contains(name) ? part + name : name] = value;
      }
      std::map<std::string, std::string> shown;
      for (const auto& [name, value] : columns)
        shown[(value[0] == 'T' ? "tag:" : "") + name] = value.substr(1);
      if (!out.empty()) out += "\n";
      out += fmt::format("logs @{}", record.time != 0 ? record.time : record.observed);
      for (const auto& [name, value] : shown) out += fmt::format(" {}={}", name, value);
    }
  }
  return out;
}

TEST_CASE("otlp: both encodings of random requests have the rows that the rules say", "[net]") {
  const unsigned seed = 23;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> keys = {"service.name", "message", "level", "a", "b", "c.d"};
  const std::vector<std::string> texts = {"", "x", "two\nlines", "\"q\"", "é"};
  const auto text = [&] { return texts[random() % texts.size()]; };
  const std::function<Attributes(size_t, size_t)> attributes = [&](size_t count_max, size_t depth) {
    Attributes out(random() % (count_max + 1));
    for (auto& [key, value] : out) {
      key = keys[random() % keys.size()];
      value.kind = static_cast<OtlpValue::Kind>(random() % (depth > 0 ? 5 : 4));
      if (value.kind == OtlpValue::Kind::kText) value.text = text();
      value.number = static_cast<int64_t>(random() % 100) - 20;
      if (value.kind == OtlpValue::Kind::kList) value.list = attributes(2, depth - 1);
    }
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<OtlpGroup> groups(random() % 3);
    for (OtlpGroup& group : groups) {
      group.resource = attributes(3, 1);
      group.scope = attributes(2, 1);
      group.records.resize(random() % 4);
      for (OtlpRecord& record : group.records) {
        record.time = random() % 2 ? 0 : 1 + random();
        record.observed = 1 + random();
        record.severity = static_cast<int>(random() % 25);
        record.level = text();
        record.body = text();
        record.attributes = attributes(4, 2);
      }
    }
    const std::string expected = otlp_rows(groups);
    for (const bool guess : {false, true}) {
      const ParsedRecords protobuf =
          parse_otlp(&parse_otlp_protobuf, request_protobuf(groups), guess);
      REQUIRE(protobuf.status);
      CHECK(protobuf.rows == expected);
      const ParsedRecords json = parse_otlp(&parse_otlp_json, request_json(groups), guess);
      REQUIRE(json.status);
      CHECK(json.rows == expected);
    }
  }
}

}  // namespace
}  // namespace tocsin
