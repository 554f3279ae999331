#include "net/parse/loki.h"

#include <map>
#include <random>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "db/base/json.h"
#include "tests/net/parse/parse_records.h"

namespace tocsin {
namespace {

constexpr Timestamp kLokiNow = 1'800'000'000 * kSecond;

// With the rejected lines.
ParsedRecords parse_loki(RecordParser parser, std::string_view body, bool guess_shapes = true) {
  ParsedRecords out = parse_records(parser, body, kLokiNow, guess_shapes);
  for (size_t i = 0; i < out.errors.size(); ++i) out.errors[i] += ": " + out.rejected_lines[i];
  return out;
}

TEST_CASE("loki json: labels are tags, metadata are fields with their types", "[net]") {
  const ParsedRecords parsed = parse_loki(
      &parse_loki_json,
      R"({"streams":[{"stream":{"app":"pay","level":"warn"},"values":[["1700000000000000001","one"],)"
      R"(["1700000000000000002","two\n",{"trace_id":"ab","n":3,"d":1.5,"b":true,"none":null,"o":{"x":[1]}}]]},)"
      R"({"values":[["1700000000","three"]],"stream":{}}]})");
  REQUIRE(parsed.status);
  CHECK(parsed.errors.empty());
  CHECK(
      parsed.rows ==
      "logs @1700000000000000001 message='one' tag:app='pay' tag:level='warn'\n"
      "logs @1700000000000000002 b=true d=1.5f message='two\n' n=3i o='{\"x\":[1]}' tag:app='pay' "
      "tag:level='warn' trace_id='ab'\n"
      "logs @1700000000000000000 message='three'");
  CHECK(parsed.numbers == std::vector<uint32_t>{1, 2, 3});
}

TEST_CASE("loki json: an entry that is not valid is rejected alone", "[net]") {
  const auto check = [](const std::string& entry, const std::string& error) {
    CAPTURE(entry);
    const ParsedRecords parsed =
        parse_loki(&parse_loki_json, R"({"streams":[{"stream":{"a":"b"},"values":[)" + entry +
                                         R"(,["1700000000000000000","good"]]}]})");
    REQUIRE(parsed.status);
    CHECK(parsed.rows == "logs @1700000000000000000 message='good' tag:a='b'");
    CHECK(parsed.numbers == std::vector<uint32_t>{2});
    CHECK(parsed.errors == std::vector<std::string>{error});
  };
  check(R"(["soon","x"])",
        R"(1: the time is not a number of ns since 1970: {"name":"logs","tags":{"a":"b"},)"
        R"("fields":{"message":"x"},"timestamp":"[\"soon\",\"x\"]"})");
  check(R"(["1700000000000000000",5])",
        R"(1: the line is not a string: {"name":"logs","tags":{"a":"b"},)"
        R"("fields":{"message":""},"timestamp":"[\"1700000000000000000\",5]"})");
  check(R"("x")",
        R"(1: expected an array of time, line and, if there is any, metadata: {"name":"logs",)"
        R"("tags":{"a":"b"},"fields":{"message":""},"timestamp":"\"x\""})");
  check(R"(["1700000000000000000","x",[]])",
        R"(1: the metadata is not an object: {"name":"logs","tags":{"a":"b"},)"
        R"("fields":{"message":"x"},"timestamp":"[\"1700000000000000000\",\"x\",[]]"})");
}

TEST_CASE("loki json: what is not a push request is refused as a whole, with the reason", "[net]") {
  const auto reason = [](const std::string& body) {
    const ParsedRecords parsed = parse_loki(&parse_loki_json, body);
    return parsed.status ? "" : parsed.status.error().message;
  };
  CHECK(reason("{}").empty());
  CHECK(reason(R"({"streams":[]})").empty());
  CHECK(reason("[]") == "expected a JSON object, found []");
  CHECK(reason(R"({"logs":[]})") == "the object has no key `streams`, but `logs`");
  CHECK(reason(R"({"streams":{}})") == "expected an array under `streams`, found {}");
  CHECK(reason(R"({"streams":[{"stream":[],"values":[]}]})") ==
        "expected an object in `stream`, found []");
  CHECK(reason(R"({"streams":[{"stream":{}}]})") ==
        "expected a stream with `values`, found {\"stream\":{}}");
  CHECK(reason(R"({"streams":[{"labels":"{a=\"b\"}","entries":[]}]})") ==
        "a stream has `entries`, the form of Loki before 1.0; expected `values`");
  CHECK(reason(R"({"streams":[)").starts_with("the body is not valid JSON: "));
}

TEST_CASE("loki json: half a surrogate pair and invalid UTF-8 become U+FFFD", "[net]") {
  const ParsedRecords parsed = parse_loki(
      &parse_loki_json, R"({"streams":[{"stream":{},"values":[["1700000000","cut \ud83d"],)"
                        "[\"1700000000\",\"\xff\"]]}]}");
  REQUIRE(parsed.status);
  CHECK(parsed.rows ==
        "logs @1700000000000000000 message='cut \xEF\xBF\xBD'\n"
        "logs @1700000000000000000 message='\xEF\xBF\xBD'");
}

TEST_CASE("loki: labels are parsed as Go writes them", "[net]") {
  const auto check = [](std::string_view text, const Labels& expected) {
    CAPTURE(text);
    const auto labels = parse_labels(text);
    REQUIRE(labels);
    CHECK(*labels == expected);
  };
  check("{}", {});
  check(R"({a="b"})", {{"a", "b"}});
  check(R"( { a = "b" , c="d, }", } )", {{"a", "b"}, {"c", "d, }"}});
  check(R"({a="\"\\\n\t\x41\101\u00e9\U0001F600"})", {{"a", "\"\\\n\tAA\xC3\xA9\xF0\x9F\x98\x80"}});
  check("{a=`raw \\n`}", {{"a", "raw \\n"}});
  check(R"({"odd name"="x"})", {{"odd name", "x"}});
  for (const char* bad : {"", "{", "a=\"b\"", "{a}", "{a=b}", "{a=\"b}", "{a=\"b\" c=\"d\"}",
                          "{a=\"\\q\"}", "{a=\"\\ud800\"}", "{a=\"b\"} x", "{=\"b\"}", "{,}"}) {
    CAPTURE(bad);
    CHECK(!parse_labels(bad));
  }
}

// A push request before it is encoded, for random tests.
struct LokiEntry {
  int64_t time = 0;
  std::string line;
  std::vector<std::pair<std::string, std::string>> metadata;
};
struct LokiStream {
  Labels labels;
  std::vector<LokiEntry> entries;
};

std::string loki_protobuf_of(const std::vector<LokiStream>& streams) {
  std::string body;
  protozero::pbf_writer request(body);
  for (const LokiStream& stream : streams) {
    protozero::pbf_writer out(request, 1);
    // Fields in an unusual order: the entries first.
    for (const LokiEntry& entry : stream.entries) {
      protozero::pbf_writer message(out, 2);
      for (const auto& [name, value] : entry.metadata) {
        protozero::pbf_writer pair(message, 3);
        pair.add_string(1, name);
        pair.add_string(2, value);
      }
      message.add_string(2, entry.line);
      protozero::pbf_writer time(message, 1);
      time.add_int64(1, entry.time / kSecond);
      time.add_int32(2, static_cast<int32_t>(entry.time % kSecond));
    }
    out.add_uint64(3, 12345);  // the hash of the labels
    std::string labels;
    for (const auto& [name, value] : stream.labels)
      labels += (labels.empty() ? "" : ", ") + name + "=" + json_quote(value);
    out.add_string(1, "{" + labels + "}");
  }
  return body;
}

std::string loki_json_of(const std::vector<LokiStream>& streams) {
  std::vector<std::string> parts;
  const auto object_of = [](const auto& pairs) {
    std::string out;
    for (const auto& [name, value] : pairs)
      out += (out.empty() ? "" : ",") + json_quote(name) + ":" + json_quote(value);
    return "{" + out + "}";
  };
  for (const LokiStream& stream : streams) {
    std::vector<std::string> entries;
    for (const LokiEntry& entry : stream.entries) {
      entries.push_back(fmt::format("[\"{}\",{},{}]", entry.time, json_quote(entry.line),
                                    object_of(entry.metadata)));
    }
    parts.push_back(fmt::format("{{\"values\":{},\"stream\":{}}}", json_array(entries),
                                object_of(stream.labels)));
  }
  return "{\"streams\":" + json_array(parts) + "}";
}

// The rows that follow from the rules, by maps.
std::string loki_rows(const std::vector<LokiStream>& streams) {
  std::string out;
  for (const LokiStream& stream : streams) {
    for (const LokiEntry& entry : stream.entries) {
      std::map<std::string, std::string> metadata, labels, columns;
      for (const auto& [name, value] : entry.metadata) metadata[name] = value;
      for (const auto& [name, value] : stream.labels) labels[name] = value;
      columns["message"] = entry.line;
      for (const auto& [name, value] : metadata)
        columns[columns.contains(name) ? "metadata." + name : name] = value;
      std::map<std::string, std::string> tags;
      for (const auto& [name, value] : labels) {
        const bool taken = columns.contains(name);
        tags["tag:" + (taken ? "label." + name : name)] = value;
      }
      for (const auto& [name, value] : tags) columns[name] = value;
      if (!out.empty()) out += "\n";
      out += fmt::format("logs @{}", entry.time);
      for (const auto& [name, value] : columns) out += fmt::format(" {}='{}'", name, value);
    }
  }
  return out;
}

TEST_CASE("loki: both encodings of random requests have the rows that the rules say", "[net]") {
  const unsigned seed = 11;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> names = {"app", "job", "level", "message", "a.b", "x"};
  const std::vector<std::string> values = {"", "pay", "two\nlines", "\"q\"", "\\", "é😀", "{x}"};
  const auto pairs = [&](size_t count_max) {
    std::vector<std::pair<std::string, std::string>> out;
    for (size_t n = random() % (count_max + 1); n > 0; --n)
      out.emplace_back(names[random() % names.size()], values[random() % values.size()]);
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<LokiStream> streams(random() % 4);
    for (LokiStream& stream : streams) {
      stream.labels = pairs(4);
      stream.entries.resize(random() % 5);
      for (LokiEntry& entry : stream.entries) {
        entry.time = 1'700'000'000'000'000'000 + static_cast<int64_t>(random());
        entry.line = values[random() % values.size()];
        entry.metadata = pairs(3);
      }
    }
    const std::string expected = loki_rows(streams);
    for (const bool guess : {false, true}) {
      const ParsedRecords protobuf =
          parse_loki(&parse_loki_protobuf, loki_protobuf_of(streams), guess);
      REQUIRE(protobuf.status);
      CHECK(protobuf.rows == expected);
      CHECK(protobuf.errors.empty());
      const ParsedRecords json = parse_loki(&parse_loki_json, loki_json_of(streams), guess);
      REQUIRE(json.status);
      CHECK(json.rows == expected);
    }
  }
}

TEST_CASE("loki protobuf: bad labels and times reject their entries alone", "[net]") {
  std::vector<LokiStream> streams = {{{{"a", "b"}}, {{1'700'000'000'000'000'000, "good", {}}}}};
  std::string body = loki_protobuf_of(streams);
  {
    protozero::pbf_writer request(body);
    protozero::pbf_writer stream(request, 1);
    stream.add_string(1, "app=pay");
    protozero::pbf_writer entry(stream, 2);
    entry.add_string(2, "lost labels");
  }
  {
    protozero::pbf_writer request(body);
    protozero::pbf_writer stream(request, 1);
    stream.add_string(1, "{}");
    {
      protozero::pbf_writer entry(stream, 2);
      protozero::pbf_writer time(entry, 1);
      time.add_int64(1, INT64_MAX);
    }
    protozero::pbf_writer entry(stream, 2);
    entry.add_string(2, "no time");
  }
  const ParsedRecords parsed = parse_loki(&parse_loki_protobuf, body);
  REQUIRE(parsed.status);
  CHECK(parsed.rows == fmt::format("logs @1700000000000000000 message='good' tag:a='b'\n"
                                   "logs @{} message='no time'",
                                   kLokiNow));
  CHECK(parsed.untimed == 1);
  CHECK(parsed.numbers == std::vector<uint32_t>{1, 4});
  REQUIRE(parsed.errors.size() == 2);
  CHECK(
      parsed.errors[0] ==
      R"(2: the labels of its stream are not of the form {name="value", ...}: {"name":"logs",)"
      R"("tags":{},"fields":{"message":"lost labels","labels":"app=pay"},"timestamp":"0 s and 0 ns"})");
  CHECK(parsed.errors[1].starts_with("3: the time is out of range: "));
}

TEST_CASE("loki protobuf: a truncated body is refused as a whole", "[net]") {
  const std::string body =
      loki_protobuf_of({{{{"a", "b"}}, {{1'700'000'000'000'000'000, "x", {}}}}});
  size_t refused = 0;
  for (size_t size = 1; size < body.size(); ++size)
    refused += parse_loki(&parse_loki_protobuf, body.substr(0, size)).status ? 0 : 1;
  CHECK(refused == body.size() - 1);
  CHECK(parse_loki(&parse_loki_protobuf, "{\"streams\":[]}")
            .status.error()
            .message.starts_with("the body is not a push request of Loki in protobuf"));
}

}  // namespace
}  // namespace tocsin
