// JSON lines: the rows of each shape of event, and the errors of bad ones.
#include "net/parse/json_lines.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "db/base/text.h"
#include "db/limits.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

struct ParsedJson {
  Batch batch;
  LineErrors errors;
  std::string rows;
};

ParseOptions default_options() {
  ParseOptions options;
  options.now = 77;
  options.measurement = "m";
  return options;
}

ParsedJson parsed_json(std::string text, const ParseOptions& options = default_options()) {
  ParsedJson out;
  JsonLinesParser parser;
  parser.parse(out.batch.keep(std::move(text)), options, out.batch, out.errors);
  out.rows = batch_text(out.batch);
  return out;
}

void check_json(const std::string& text, const std::string& expected,
                const ParseOptions& options = default_options()) {
  CAPTURE(text);
  const ParsedJson parsed = parsed_json(text, options);
  for (const LineError& error : parsed.errors) UNSCOPED_INFO(error.reason);
  CHECK(parsed.errors.empty());
  CHECK(parsed.rows == expected);
}

void check_json_error(const std::string& text, const std::string& reason,
                      const ParseOptions& options = default_options()) {
  CAPTURE(text);
  const ParsedJson parsed = parsed_json(text, options);
  CHECK(parsed.rows.empty());
  REQUIRE(parsed.errors.size() == 1);
  INFO(parsed.errors[0].reason);
  CHECK(parsed.errors[0].reason.starts_with(reason));
  CHECK(parsed.errors[0].line == 1);
}

TEST_CASE("json lines: values keep their exact type", "[net]") {
  check_json(R"({"a":1,"b":-2.5,"c":true,"d":false,"e":"x"})",
             "m @77 a=1i b=-2.5f c=true d=false e='x'");
  check_json(R"({"a":9223372036854775807,"b":-9223372036854775808})",
             "m @77 a=9223372036854775807i b=-9223372036854775808i");
  check_json(R"({"a":18446744073709551615})", "m @77 a=18446744073709551615u");
  check_json(R"({"a":1e3,"b":1.0})", "m @77 a=1000f b=1f");
  check_json(R"( { "a" : 1 , "b" : "x" } )", "m @77 a=1i b='x'");
  check_json("{\"a\":1}\r\n", "m @77 a=1i");
}

TEST_CASE("json lines: nulls are omitted", "[net]") {
  check_json(R"({"a":null,"b":1})", "m @77 b=1i");
  check_json(R"({"a":{"b":null},"c":1})", "m @77 c=1i");
}

TEST_CASE("json lines: strings are unescaped", "[net]") {
  check_json(R"({"a":"x\"y\\z\n\u00e9\ud83d\ude00"})", "m @77 a='x\"y\\z\n\u00e9\U0001F600'");
  check_json(R"({"a\u0062":"x"})", "m @77 ab='x'");
  check_json(R"({"a\"":"x"})", "m @77 a\"='x'");
}

TEST_CASE("json lines: objects flatten, arrays stay JSON", "[net]") {
  check_json(R"({"a":{"b":1,"c":{"d":"x"}},"e":2})", "m @77 a.b=1i a.c.d='x' e=2i");
  check_json(R"({"a":[1, 2.5,"x",{"b":null},[]] ,"c":1})",
             R"(m @77 a='[1, 2.5,"x",{"b":null},[]]' c=1i)");
  check_json(R"({"a":[]})", "m @77 a='[]'");
  check_json(R"({"a":{},"b":1})", "m @77 b=1i");
  check_json(R"({"a":{"b":[1] } })", "m @77 a.b='[1]'");
}

TEST_CASE("json lines: the last of duplicate keys wins", "[net]") {
  check_json(R"({"a":1,"a":"x"})", "m @77 a='x'");
  check_json(R"({"a":{"b":1},"a":{"c":2}})", "m @77 a.c=2i");
  check_json(R"({"a":{"b":1},"a":null,"d":1})", "m @77 d=1i");
  check_json(R"({"a.b":1,"a":{"c":2}})", "m @77 a.b=1i a.c=2i");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":{\"x\":1},";
  for (int i = 0; i < 100; ++i) many += "\"k" + std::to_string(i) + "\":null,";
  check_json(many + "\"last\":1}", "m @77 last=1i");
}

TEST_CASE("json lines: the measurement comes from the event or its source", "[net]") {
  check_json(R"({"measurement":"audit","a":1})", "audit @77 a=1i");
  check_json(R"({"measurement":"a\"b","a":1})", "a\"b @77 a=1i");
  check_json(R"({"measurement":5,"a":1})", "m @77 a=1i measurement=5i");
  ParseOptions none = default_options();
  none.measurement.clear();
  check_json_error(R"({"a":1})", "no measurement: the event has no key `measurement`", none);
}

TEST_CASE("json lines: the time is the first key with a valid time", "[net]") {
  constexpr const char* kRow = "m @1700000000000000000 a=1i";
  for (const char* key :
       {"time", "_time", "timestamp", "@timestamp", "ts", "date", "log_timestamp"}) {
    const std::string quoted = "\"" + std::string(key) + "\":";
    check_json("{\"a\":1," + quoted + "1700000000}", kRow);
    check_json("{" + quoted + "\"2023-11-14T22:13:20Z\",\"a\":1}", kRow);
  }
  check_json(R"({"ts":5,"time":1700000000000,"a":1})", "m @1700000000000000000 a=1i ts=5i");
  check_json(R"({"date":"2023-11-14","ts":1700000000,"a":1})",
             "m @1700000000000000000 a=1i date='2023-11-14'");
  check_json(R"({"date":"2023-11-14","a":1})", "m @1699920000000000000 a=1i");
  check_json(R"({"time":null,"ts":1700000000,"a":1})", kRow);
  check_json(R"({"time":"soon","ts":1700000000,"a":1})", "m @1700000000000000000 a=1i time='soon'");
  check_json(R"({"date":1644834856.905985,"a":1})", "m @1644834856905985000 a=1i");
}

TEST_CASE("json lines: entries of the journal have the usual names", "[net]") {
  constexpr const char* kTime = R"("__REALTIME_TIMESTAMP":"1793607304250000")";
  constexpr const char* kTimeColumn = " __REALTIME_TIMESTAMP='1793607304250000'";
  const auto check = [&](const std::string& fields, const std::string& before,
                         const std::string& after) {
    check_json(fmt::format("{{{},{}}}", kTime, fields),
               "m @1793607304250000000" + before + kTimeColumn + after);
  };
  check(R"("__CURSOR":"s=1;i=2","_HOSTNAME":"web","_SYSTEMD_UNIT":"shop.service","PRIORITY":"3",)"
        R"("SYSLOG_IDENTIFIER":"shop","_PID":"17","MESSAGE":"out of sockets")",
        " SYSLOG_IDENTIFIER='shop' _PID='17'",
        " message='out of sockets' tag:host='web' tag:level='error' tag:service='shop'");
  check(R"("SYSLOG_IDENTIFIER":"kernel","PRIORITY":"7")", "",
        " tag:level='debug' tag:service='kernel'");
  check(R"("_SYSTEMD_UNIT":"a.timer","PRIORITY":"8")", "", " tag:level='8' tag:service='a.timer'");
  check(R"("MESSAGE":"a","message":"b","PRIORITY":null)", " MESSAGE='a'", " message='b'");
  // Bytes are text, several values of a field are an array.
  check(R"("MESSAGE":[104,105,10])", "", " message='hi\n'");
  check(R"("MESSAGE":[])", "", " message=''");
  check(R"("MESSAGE":[ 104 , 105 ])", "", " message='hi'");
  check(R"("MESSAGE":["a","b"])", "", R"( message='["a","b"]')");
  check(R"("MESSAGE":[256])", "", " message='[256]'");
  check(R"("MESSAGE":[-1])", "", " message='[-1]'");
  check(R"("MESSAGE":[1.5])", "", " message='[1.5]'");
  // Other events may have such fields.
  check_json(R"({"time":1793607304,"MESSAGE":[104],"PRIORITY":"3"})",
             "m @1793607304000000000 MESSAGE='[104]' PRIORITY='3'");
}

TEST_CASE("json lines: entries of the journal are in `journal` if nothing else is said", "[net]") {
  const std::string entry = R"({"__REALTIME_TIMESTAMP":"1793607304250000","MESSAGE":"x"})";
  ParseOptions options = default_options();
  options.measurement = "logs";
  const char* columns = " @1793607304250000000 __REALTIME_TIMESTAMP='1793607304250000' message='x'";
  // Twice, because the second line has the shape of the first.
  check_json(entry + "\n" + entry, fmt::format("journal{0}\njournal{0}", columns), options);
  check_json(entry, fmt::format("m{}", columns));
  check_json("{\"measurement\":\"n\"," + entry.substr(1), fmt::format("n{}", columns), options);
}

TEST_CASE("json lines: the usual shapes of time are read, and newer ones stay columns", "[net]") {
  constexpr const char* kRow = "m @1793607304250000000 ";
  const auto check = [&](const std::string& text, const std::string& columns) {
    check_json(text, kRow + columns);
  };
  check(R"({"eventTime":"2026-11-02T08:15:04.25Z"})", "eventTime='2026-11-02T08:15:04.25Z'");
  check(R"({"@t":"2026-11-02T08:15:04.2500000Z","Amount":12})",
        "@t='2026-11-02T08:15:04.2500000Z' Amount=12i");
  check(R"({"asctime":"2026-11-02 08:15:04,250"})", "asctime='2026-11-02 08:15:04,250'");
  check(R"({"time_iso8601":"2026-11-02T09:15:04.25+01:00"})",
        "time_iso8601='2026-11-02T09:15:04.25+01:00'");
  check(R"({"StartUTC":"2026-11-02T08:15:04.25Z"})", "StartUTC='2026-11-02T08:15:04.25Z'");
  check(R"({"__REALTIME_TIMESTAMP":"1793607304250000","MESSAGE":[104,105,255]})",
        "__REALTIME_TIMESTAMP='1793607304250000' message='hi\xEF\xBF\xBD'");
  check(R"({"instant":{"epochSecond":1793607304,"nanoOfSecond":250000000},"a":1})",
        "a=1i instant.epochSecond=1793607304i instant.nanoOfSecond=250000000i");
  check(R"({"timestamp":{"nanos":250000000,"seconds":"1793607304"}})",
        "timestamp.nanos=250000000i timestamp.seconds='1793607304'");
  check(R"({"t":{"$date":"2026-11-02T09:15:04.250+01:00"},"msg":"x"})",
        "msg='x' t.$date='2026-11-02T09:15:04.250+01:00'");
  check(R"({"ts":{"$date":{"$numberLong":"1793607304250"}}})",
        "ts.$date.$numberLong='1793607304250'");
  check(R"({"time":"02/Nov/2026:09:15:04.25 +0100","a":1})", "a=1i");
  check(R"({"time":1.79360730425e9,"a":1})", "a=1i");
  check(R"({"time":"1793607304250","a":1})", "a=1i");
  check_json(R"({"time":{"seconds":1793607304},"a":1})",
             "m @1793607304000000000 a=1i time.seconds=1793607304i");
}

TEST_CASE("json lines: what is not a time leaves the choice to the next key", "[net]") {
  check_json(R"({"time":0.111,"@timestamp":"2026-11-02T08:15:04Z"})",
             "m @1793607304000000000 time=0.111f");
  check_json(R"({"time":"16:47","unixtime":1793607304})",
             "m @1793607304000000000 time='16:47' unixtime=1793607304i");
  check_json(R"({"time":"0001-01-01T00:00:00Z","ts":1793607304})",
             "m @1793607304000000000 time='0001-01-01T00:00:00Z'");
  check_json(R"({"timestamp":{"seconds":1793607304,"nanos":-5},"ts":1793607305})",
             "m @1793607305000000000 timestamp.nanos=-5i timestamp.seconds=1793607304i");
  check_json(R"({"date":"2026-11-02","time":"08:15:04.25"})",
             "m @1793607304250000000 date='2026-11-02' time='08:15:04.25'");
  for (const char* value : {"[1]", "true", "\"soon\"", "12", "-1", "999999999", "1e300"}) {
    CAPTURE(value);
    const ParsedJson parsed = parsed_json(std::string("{\"time\":") + value + "}");
    CHECK(parsed.errors.empty());
    CHECK(parsed.rows.starts_with("m @77 time="));
    CHECK(parsed.errors.warnings()[LineWarning::kNoTime].count == 1);
  }
}

TEST_CASE("json lines: events without a time are counted, and the first one's keys named",
          "[net]") {
  const ParsedJson parsed = parsed_json(
      "{\"time\":\"16:47\",\"power\":1}\n{\"a\":{\"b\":1}}\n{\"a\":2,\"time\":1793607304}\n{bad");
  const LineWarnings& warnings = parsed.errors.warnings();
  CHECK(warning_text(LineWarning::kNoTime, warnings[LineWarning::kNoTime]) ==
        "2 events without a recognisable time are stored with their time of arrival (keys: time "
        "(\"16:47\" is not a time), power)");
  std::string many = "{";
  for (int i = 0; i < 20; ++i) many += fmt::format("\"k{}\":1,", i);
  const ParsedJson keys = parsed_json(many + "\"x\":1}");
  CHECK(keys.errors.warnings()[LineWarning::kNoTime].first ==
        "keys: k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11 and 9 more");
}

TEST_CASE("json lines: a named time key, its layout and its zone", "[net]") {
  ParseOptions own = default_options();
  own.time.keys = {"when.at", "start"};
  check_json(R"({"when":{"at":1700000000},"time":5,"a":1})", "m @1700000000000000000 a=1i time=5i",
             own);
  check_json(R"({"start":5,"time":1700000000})", "m @5000000000 time=1700000000i", own);
  check_json(R"({"start":{"seconds":5,"nanos":1}})",
             "m @5000000001 start.nanos=1i start.seconds=5i", own);
  check_json_error(R"({"start":"soon","a":1})",
                   "invalid time \"soon\" in key `start`: expected RFC 3339", own);
  check_json_error(R"({"start":[1],"a":1})", "invalid time \"[1]\" in key `start`", own);
  const ParsedJson missing = parsed_json("{\"time\":1700000000}\n{\"start\":null,\"a\":1}", own);
  CHECK(missing.rows == "m @77 time=1700000000i\nm @77 a=1i");
  CHECK(warning_text(LineWarning::kTimeKeyMissing,
                     missing.errors.warnings()[LineWarning::kTimeKeyMissing]) ==
        "2 events without the named time key are stored with their time of arrival (keys: time)");
  own.time = *read_time_options({{"start"}, "%d.%m.%Y %H:%M", "Europe/Berlin"});
  check_json(R"({"start":"02.11.2026 09:15","a":1})", "m @1793607300000000000 a=1i", own);
  check_json_error(R"({"start":1793607300,"a":1})",
                   "invalid time \"1793607300\" in key `start`: expected a time like %d.%m.%Y",
                   own);
  own.time = *read_time_options({{}, "", "Europe/Berlin"});
  check_json(R"({"time":"2026-11-02 09:15:00","a":1})", "m @1793607300000000000 a=1i", own);
  own.time = *read_time_options({{}, "ms", ""});
  check_json(R"({"ts":5,"a":1})", "m @5000000 a=1i", own);
  CHECK(
      read_time_options({{}, "", "Mars"}).error().message.starts_with("unknown time zone `Mars`"));
}

TEST_CASE("json lines: numbers that no type holds keep their digits", "[net]") {
  check_json(R"({"a":123456789012345678901234567890,"b":-9223372036854775809,"c":1e400})",
             "m @77 a='123456789012345678901234567890' b='-9223372036854775809' c='1e400'");
  check_json(R"({"a":{"status":18446744073709551616}})", "m @77 a.status='18446744073709551616'");
}

TEST_CASE("json lines: odd keys lose no value, and a warning says their names", "[net]") {
  const auto check = [](const std::string& text, const std::string& rows,
                        const std::string& warning) {
    CAPTURE(text);
    const ParsedJson parsed = parsed_json(text);
    CHECK(parsed.errors.empty());
    CHECK(parsed.rows == "m @77 " + rows);
    CHECK(parsed.errors.warnings()[LineWarning::kOddKey].first == warning);
  };
  check(R"({"a.b":1,"a":{"b":2}})", "a.b=2i a.b_2=1i",
        "two keys are called `a.b`: one of them is stored as `a.b_2`");
  check(R"({"a":{"b":2},"a.b":1})", "a.b=2i a.b_2=1i",
        "two keys are called `a.b`: one of them is stored as `a.b_2`");
  check(R"({"a.b.c":1,"a.b":{"c":2},"a":{"b":{"c":3},"b.c":"x"},"a.b.c_2":5})",
        "a.b.c=3i a.b.c_2=5i a.b.c_3=2i a.b.c_4='x' a.b.c_5=1i",
        "two keys are called `a.b.c`: one of them is stored as `a.b.c_3`");
  check(R"({"a.b":1,"a":{"c":2}})", "a.b=1i a.c=2i", "");
  check(R"({"labels":{"":"x","app":"web"}})", "labels._empty='x' labels.app='web'",
        "an empty key is called `labels._empty`");
  check(R"({"":{"":1},"x":2,"_empty":3})", "_empty=3i _empty._empty=1i x=2i",
        "an empty key is called `_empty`");
  check(R"({"":1,"_empty":2})", "_empty=1i _empty_2=2i", "an empty key is called `_empty`");
  check(R"({"a":1,"b":2,"a":3})", "a=3i b=2i",
        "the key `a` occurs twice: only its last value is stored");
  check(R"({"a":{"b":1},"a":null,"d":1})", "d=1i",
        "the key `a` occurs twice: only its last value is stored");
  const std::string name(kNameBytesMax, 'n');
  const ParsedJson longer = parsed_json("{\"" + name + "x\":1,\"" + name + "y\":2,\"z\":3}");
  CHECK(longer.errors.empty());
  const RowBatch& rows = longer.batch.measurements().front();
  REQUIRE(rows.lanes().size() == 3);
  CHECK(rows.lanes()[0].name.size() == kNameBytesMax);
  CHECK(rows.lanes()[0].name != rows.lanes()[1].name);
  CHECK(longer.errors.warnings()[LineWarning::kOddKey].first ==
        "a key of 257 bytes is stored as `" + rows.lanes()[0].name + "`");
  std::string umlauts = "x";
  while (umlauts.size() <= kNameBytesMax) umlauts += "\u00e4";
  const ParsedJson shortened = parsed_json("{\"" + umlauts + "\":1}");
  CHECK(is_valid_utf8(shortened.batch.measurements().front().lanes()[0].name));
}

TEST_CASE("json lines: tags are the usual keys or those of the options", "[net]") {
  check_json(
      R"({"service":"pay","host":"h","status":"OK","level":"INFO","transaction":"t","message":"x"})",
      "m @77 message='x' tag:host='h' tag:level='INFO' tag:service='pay' tag:status='OK' "
      "tag:transaction='t'");
  check_json(R"({"status":200})", "m @77 status=200i");
  ParseOptions own = default_options();
  own.tags = {"k8s.pod"};
  check_json(R"({"k8s":{"pod":"p"},"service":"pay"})", "m @77 service='pay' tag:k8s.pod='p'", own);
}

TEST_CASE("json lines: Telegraf's shape is recognized", "[net]") {
  check_json(
      R"({"fields":{"v":1,"s":"x"},"name":"cpu","tags":{"host":"h","x":"y"},"timestamp":1700000000})",
      "cpu @1700000000000000000 s='x' tag:host='h' tag:x='y' v=1i");
  check_json(R"({"name":"cpu","fields":{"v":1},"other":2})",
             "m @77 fields.v=1i name='cpu' other=2i");
  check_json(R"({"name":"bob","timestamp":1700000000})", "m @1700000000000000000 name='bob'");
}

TEST_CASE("json lines: invalid UTF-8 becomes U+FFFD", "[net]") {
  check_json("{\"a\":\"x\xffy\"}", "m @77 a='x\xef\xbf\xbdy'");
}

TEST_CASE("json lines: half a surrogate pair becomes U+FFFD", "[net]") {
  check_json(R"({"a":"x\ud83d"})", "m @77 a='x\uFFFD'");
  check_json(R"({"a":"\ude00y","b":1})", "m @77 a='\uFFFDy' b=1i");
  check_json(R"({"a":"\ud83d\ud83d\ude00\\ud83d"})", "m @77 a='\uFFFD\U0001F600\\ud83d'");
  check_json(R"({"a":"\uD83D\n","b":["\uDE00"]})", "m @77 a='\uFFFD\n' b='[\"\\ufffd\"]'");
  check_json(R"({"k\ud83d":"x"})", "m @77 k\uFFFD='x'");
  check_json("{\"a\":\"\xff\\ud83d\"}", "m @77 a='\uFFFD\uFFFD'");
}

TEST_CASE("json lines: errors say what is wrong", "[net]") {
  check_json_error("{", "invalid JSON: ");
  check_json_error("x", "invalid JSON: ");
  check_json_error("[1]", "invalid JSON: ");
  check_json_error(R"({"a":1)", "invalid JSON: ");
  check_json_error(R"({"a":1}})", "invalid JSON: ");
  check_json_error(R"({"a":1} {"b":2})", "invalid JSON: ");
  check_json_error(R"({"a" 1})", "invalid JSON: ");
  check_json_error(R"({"a":tru})", "invalid JSON: text without quotes: `tru` at byte 6");
  check_json_error(R"({"a":nul})", "invalid JSON: text without quotes: `nul` at byte 6");
  check_json_error(R"({"a":01})", "invalid JSON: invalid number `01` at byte 6");
  check_json_error(R"({"a":1 2})", "invalid JSON: ");
  check_json_error(R"({"a":"x"y})", "invalid JSON: ");
  check_json_error(R"({"a":[1,,2]})", "invalid JSON");
  check_json_error(R"({"a":[1)", "invalid JSON: ");
  check_json_error(R"({"a":["\x"]})", "invalid JSON: ");
  check_json_error(R"({"a":"\x"})", "invalid JSON: ");
  check_json_error(R"({"a":"\ud80"})", "invalid JSON: ");
  check_json_error(R"({"a":"\x"})", "invalid JSON: ");
  check_json_error("{\"a\":\"x\ty\"}", "invalid JSON: ");
  check_json_error("{\"a\":\"x}", "invalid JSON: ");
  check_json_error("{}", "JSON object without any value");
  check_json_error(R"({"time":1700000000})", "JSON object without any value");
}

TEST_CASE("json lines: depth, keys, names and strings are limited", "[net]") {
  const auto nested = [](size_t depth, const std::string& open, const std::string& close) {
    std::string text = "{\"a\":";
    for (size_t i = 1; i < depth; ++i) text += open;
    text += "1";
    for (size_t i = 1; i < depth; ++i) text += close;
    return text + "}";
  };
  CHECK(parsed_json(nested(64, "{\"b\":", "}")).errors.empty());
  CHECK(parsed_json(nested(64, "[", "]")).errors.empty());
  check_json_error(nested(65, "{\"b\":", "}"), "JSON is nested deeper than 64 levels");
  check_json_error(nested(65, "[", "]"), "JSON is nested deeper than 64 levels");
  check_json_error(nested(65, "[{\"b\":", "}]"), "JSON is nested deeper than 64 levels");
  std::string keys = "{\"k\":1";
  for (size_t i = 1; i < kJsonKeysMax; ++i) keys += ",\"k\":1";
  CHECK(parsed_json(keys + "}").errors.empty());
  check_json_error(keys + ",\"k\":1}", "more than 10000 keys in one line");
  const std::string name(kNameBytesMax, 'n');
  CHECK(parsed_json("{\"" + name + "\":1}").errors.empty());
  const std::string text(kStringBytesMax, 's');
  CHECK(parsed_json("{\"a\":\"" + text + "\"}").errors.empty());
  check_json_error("{\"a\":\"" + text + "s\"}", "string of 1048577 bytes");
}

TEST_CASE("json lines: bad lines do not affect the rest", "[net]") {
  const ParsedJson parsed = parsed_json("{\"a\":1}\n\n{bad\n{\"a\":2}\nx\n{\"a\":3}");
  CHECK(parsed.rows == "m @77 a=1i\nm @77 a=2i\nm @77 a=3i");
  REQUIRE(parsed.errors.size() == 2);
  CHECK(parsed.errors[0].line == 3);
  CHECK(parsed.errors[0].text == "{bad");
  CHECK(parsed.errors[1].line == 5);
}

TEST_CASE("json lines: rows keep their line, and numbers their text", "[net]") {
  const ParsedJson parsed = parsed_json("{\"a\":1.50}\n{\"a\":true}\n");
  const RowBatch& rows = parsed.batch.measurements().front();
  CHECK(rows.lines()[0] == "{\"a\":1.50}");
  CHECK(rows.lanes()[0].text[0] == "1.50");
  CHECK(rows.lanes()[1].text[0] == "true");
}

}  // namespace
}  // namespace tocsin
