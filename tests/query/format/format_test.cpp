#include "query/format/format.h"

#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include "query/format/result.h"
#include "query/format/result_writer.h"

using namespace tocsin;

namespace {

ResultTable sample_table() {
  ResultTable table;
  const auto add = [&](const char* name, ValueType type, std::vector<Value> values) {
    ResultColumn& column = table.columns.emplace_back();
    column.name = name;
    column.type = type;
    for (const Value& value : values) column.append(value);
  };
  add("time", ValueType::kTime,
      {Value::time(1'764'000'000'000'000'000), Value::time(1'500'000'000), Value::null()});
  add("measurement", ValueType::kString, {Value::of("audit log"), Value::of("bpm"), Value::null()});
  add("text", ValueType::kString,
      {Value::of("say \"hi\",\nnow\x1b[31m"), Value::of(""), Value::of("gr\xC3\xBC\xFF")});
  add("i", ValueType::kI64, {Value::of(INT64_MIN), Value::of(int64_t{7}), Value::null()});
  add("u", ValueType::kU64, {Value::of(UINT64_MAX), Value::null(), Value::of(uint64_t{0})});
  add("f", ValueType::kF64, {Value::of(0.1), Value::of(std::nan("")), Value::of(1234567.0)});
  add("ok, b", ValueType::kBool, {Value::of(true), Value::of(false), Value::null()});
  add("d", ValueType::kDuration,
      {Value::duration(90 * kSecond), Value::duration(0), Value::null()});
  table.row_count = 3;
  table.rows_matched = 3;
  table.statistics = {10, 2, 1, 0, 0, 1500, 4, 80, 0, {}};
  table.warnings = {"one \"thing\""};
  return table;
}

}  // namespace

TEST_CASE("format: JSON keeps 64-bit integers exact and counts invalid UTF-8", "[query]") {
  CHECK(
      format_result(sample_table(), ResultFormat::kJson) ==
      R"({"columns":[{"name":"time","type":"time"},{"name":"measurement","type":"string"},{"name":"text","type":"string"},{"name":"i","type":"i64"},{"name":"u","type":"u64"},{"name":"f","type":"f64"},{"name":"ok, b","type":"bool"},{"name":"d","type":"duration"}],"rows":[
["2025-11-24T16:00:00.000000000Z","audit log","say \"hi\",\nnow\u001b[31m",-9223372036854775808,18446744073709551615,0.1,true,"1m30s"],
["1970-01-01T00:00:01.500000000Z","bpm","",7,null,null,false,"0s"],
[null,null,"gr)"
      "\xC3\xBC\xEF\xBF\xBD"
      R"(",null,0,1234567,null,null]
],"warnings":["one \"thing\""],"stats":{"rows":3,"rows_matched":3,"rows_scanned":10,"segments_read":2,"segments_skipped":1,"segments_answered":4,"bytes_read":80,"windows_remembered":0,"invalid_utf8":1,"elapsed_us":1500}}
)");
}

TEST_CASE("format: JSON of no rows is still one document", "[query]") {
  ResultTable table;
  table.columns.emplace_back().name = "n";
  table.columns[0].type = ValueType::kI64;
  FormatOptions options;
  options.statistics = false;
  CHECK(format_result(table, ResultFormat::kJson, options) ==
        "{\"columns\":[{\"name\":\"n\",\"type\":\"i64\"}],\"rows\":[]}\n");
  CHECK(format_result(table, ResultFormat::kNdjson, options).empty());
}

TEST_CASE("format: NDJSON has one object per row, then stats", "[query]") {
  FormatOptions options;
  options.times_as_ns = true;
  const std::string text = format_result(sample_table(), ResultFormat::kNdjson, options);
  CHECK(text.starts_with(
      R"({"time":1764000000000000000,"measurement":"audit log","text":"say \"hi\",\nnow\u001b[31m","i":-9223372036854775808,"u":18446744073709551615,"f":0.1,"ok, b":true,"d":90000000000}
)"));
  CHECK(text.ends_with(R"("elapsed_us":1500},"warnings":["one \"thing\""]}
)"));
}

TEST_CASE("format: CSV follows RFC 4180; an empty string is quoted, null is not", "[query]") {
  CHECK(format_result(sample_table(), ResultFormat::kCsv) ==
        "time,measurement,text,i,u,f,\"ok, b\",d\r\n"
        "2025-11-24T16:00:00.000000000Z,audit log,\"say "
        "\"\"hi\"\",\nnow\x1b[31m\",-9223372036854775808,"
        "18446744073709551615,0.1,true,1m30s\r\n"
        "1970-01-01T00:00:01.500000000Z,bpm,\"\",7,,,false,0s\r\n"
        ",,gr\xC3\xBC\xEF\xBF\xBD,,0,1234567,,\r\n");
}

TEST_CASE("format: line protocol uses measurement and time as name and timestamp", "[query]") {
  ResultTable table = sample_table();
  CHECK(format_result(table, ResultFormat::kLineProtocol) ==
        "audit\\ log text=\"say \\\"hi\\\",\nnow\x1b[31m\",i=-9223372036854775808i,"
        "u=18446744073709551615u,f=0.1,ok\\,\\ b=true,d=90000000000i 1764000000000000000\n"
        "bpm text=\"\",i=7i,ok\\,\\ b=false,d=0i 1500000000\n"
        "result text=\"gr\xC3\xBC\xFF\",u=0u,f=1234567\n");
  table.columns.resize(2);
  CHECK(format_result(table, ResultFormat::kLineProtocol) ==
        "audit\\ log _=t 1764000000000000000\nbpm _=t 1500000000\nresult _=t\n");
}

TEST_CASE("format: a table is aligned, shows nulls, and never prints control characters",
          "[query]") {
  ResultTable table = sample_table();
  table.columns.erase(table.columns.begin() + 3, table.columns.begin() + 5);
  CHECK(format_result(table, ResultFormat::kTable) ==
        R"(time                    measurement  text                          f  ok, b  d
2025-11-24T16:00:00Z    audit log    say "hi",\nnow\x1b[31m      0.1  true   1m30s
1970-01-01T00:00:01.5Z  bpm                                        -  false  0s
-                       -            gr)"
        "\xC3\xBC\xEF\xBF\xBD"
        R"(                    1234567  -      -
)");
}

TEST_CASE("format: a table stays aligned with wide characters and combining marks", "[query]") {
  ResultTable table;
  table.columns.resize(2);
  ResultColumn& name = table.columns[0];
  name.name = "名前";
  name.type = ValueType::kString;
  for (const char* text : {"支払い", "cafe\xCC\x81", "🔥 hot"}) name.append(Value::of(text));
  ResultColumn& count = table.columns[1];
  count.name = "n";
  count.type = ValueType::kI64;
  for (const int64_t value : {1, 20, 3}) count.append(Value::of(value));
  table.row_count = 3;
  CHECK(format_result(table, ResultFormat::kTable) ==
        "名前     n\n"
        "支払い   1\n"
        "cafe\xCC\x81    20\n"
        "🔥 hot   3\n");
  name.append(Value::of("支払い支払い支払い"));
  count.append(Value::of(int64_t{4}));
  table.row_count = 4;
  FormatOptions options;
  options.terminal_width = 14;
  CHECK(format_result(table, ResultFormat::kTable, options) ==
        "名前         n\n"
        "支払い       1\n"
        "cafe\xCC\x81        20\n"
        "🔥 hot       3\n"
        "支払い支…    4\n");
}

TEST_CASE("format: a table is truncated to fit the terminal, the widest text first", "[query]") {
  ResultTable table = sample_table();
  table.columns.resize(3);
  FormatOptions options;
  options.terminal_width = 30;
  CHECK(format_result(table, ResultFormat::kTable, options) ==
        "time\n"
        "2025-11-24T16:00:00Z\n"
        "1970-01-01T00:00:01.5Z\n"
        "-\n"
        "… 2 more columns, too wide for the terminal: measurement, text; choose with `| keep`\n");
  options.terminal_width = 48;
  CHECK(format_result(table, ResultFormat::kTable, options) ==
        "time                    measurement  text\n"
        "2025-11-24T16:00:00Z    audit log    say \"hi\",\\\xE2\x80\xA6\n"
        "1970-01-01T00:00:01.5Z  bpm\n"
        "-                       -            gr\xC3\xBC\xEF\xBF\xBD\n");
}

TEST_CASE("format: a table names the columns that do not fit the terminal", "[query]") {
  ResultTable table;
  for (const char* name : {"first", "second", "third"}) {
    ResultColumn& column = table.columns.emplace_back();
    column.name = name;
    column.type = ValueType::kI64;
    column.append(Value::of(int64_t{1'000'000}));
  }
  table.row_count = 1;
  FormatOptions options;
  options.terminal_width = 16;
  CHECK(format_result(table, ResultFormat::kTable, options) ==
        "  first   second\n"
        "1000000  1000000\n"
        "… 1 more column, too wide for the terminal: third; choose with `| keep`\n");
  options.terminal_width = 5;
  CHECK(format_result(table, ResultFormat::kTable, options) ==
        "  fi…\n"
        "1000…\n"
        "… 2 more columns, too wide for the terminal: second, third; choose with `| keep`\n");
}

TEST_CASE("format: the shortest text of a double reads back the same", "[query]") {
  CHECK(text_of(0.1) == "0.1");
  CHECK(text_of(1e300) == "1e+300");
  CHECK(text_of(-0.0) == "-0");
  CHECK(text_of(INFINITY).empty());
  CHECK(json_of(Value::of(std::nan(""))) == "null");
}

TEST_CASE("format: writing in pieces produces the same text", "[query]") {
  const ResultTable table = sample_table();
  for (const ResultFormat format : {ResultFormat::kTable, ResultFormat::kCsv, ResultFormat::kJson,
                                    ResultFormat::kNdjson, ResultFormat::kLineProtocol}) {
    for (const size_t bytes : {size_t{1}, size_t{20}, size_t{100'000}}) {
      const auto writer = make_result_writer(table, format, {});
      std::string text;
      while (writer->write(text, bytes)) {
      }
      CHECK(text == format_result(table, format));
      CHECK_FALSE(writer->write(text, bytes));
    }
  }
}

TEST_CASE("format: parses the names of formats", "[query]") {
  CHECK(parse_result_format("ndjson") == ResultFormat::kNdjson);
  const auto unknown = parse_result_format("xml");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message ==
        "unknown result format `xml`; expected table, csv, json, ndjson or lp");
}
