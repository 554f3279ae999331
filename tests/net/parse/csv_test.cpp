// CSV: records, fields, headers and values.
#include <catch2/catch.hpp>

#include "db/limits.h"
#include "net/parse/csv_records.h"
#include "net/parse/csv_rows.h"
#include "net/parse/framer.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

using Strings = std::vector<std::string>;

Strings records_of(std::string_view data) {
  Strings records;
  while (!data.empty()) records.emplace_back(next_record(data));
  return records;
}

struct ParsedCsv {
  std::string rows;
  Strings errors;
  LineWarnings warnings;
};

ParsedCsv parsed_csv(const std::string& text, ParseOptions options = {}) {
  Batch batch;
  LineErrors errors;
  std::string_view records = batch.keep(text);
  const auto header = read_csv_header(records);
  REQUIRE(header);
  parse_csv(records, *header, options, batch, errors);
  ParsedCsv parsed{batch_text(batch), {}, errors.warnings()};
  for (const LineError& error : errors) {
    parsed.errors.push_back(std::to_string(error.line) + ": " + error.reason);
  }
  return parsed;
}

std::string rows_of(const std::string& text, const ParseOptions& options = {}) {
  const ParsedCsv parsed = parsed_csv(text, options);
  CHECK(parsed.errors == Strings());
  return parsed.rows;
}

std::string header_error(const std::string& text) {
  std::string_view records = text;
  const auto header = read_csv_header(records);
  REQUIRE(!header);
  return header.error().message;
}

}  // namespace

TEST_CASE("csv: records end at newlines outside quotes", "[net]") {
  CHECK(records_of("a,b\nc,d\r\ne") == Strings{"a,b", "c,d", "e"});
  CHECK(records_of("a,\"b\nc\r\nd\"\r\ne\n") == Strings{"a,\"b\nc\r\nd\"", "e"});
  CHECK(records_of("\"a\"\"\n\"\"b\",c\nd") == Strings{"\"a\"\"\n\"\"b\",c", "d"});
  CHECK(records_of("a\"b,c\"\nd") ==
        Strings{"a\"b,c\"", "d"});  // a quote counts only at the start of a field
}

TEST_CASE("csv: a broken quote costs only its own line", "[net]") {
  CHECK(records_of("a,\"b\nc\nd\n") == Strings{"a,\"b", "c", "d"});
  CHECK(records_of("\"a\"b,\"c\nd\"\ne") == Strings{"\"a\"b,\"c", "d\"", "e"});
  const ParsedCsv parsed = parsed_csv("measurement,x\nm,\"open\nm,1\n");
  CHECK(parsed.rows == "m @0 x=1i");
  REQUIRE(parsed.errors.size() == 1);
  CHECK(parsed.errors[0] ==
        "1: a quote is not closed, or its closing quote is not followed by a comma");
}

TEST_CASE("csv: whole records are those whose end has arrived", "[net]") {
  const auto check = [](std::string_view data, size_t whole) {
    CHECK(whole_records(data) == whole);
  };
  check("", 0);
  check("a,b", 0);
  check("a,b\nc", 4);
  check("a,\"b\nc", 0);  // the quote may still be closed
  check("a\n\"b\"", 2);  // or be followed by another quote
  check("a\n\"b\"\n\"c\n", 6);
  const std::string open = "x,\"" + std::string(kLineBytesMax, 'y') + "\n";
  check(open, open.size());  // but not after kLineBytesMax bytes
  check("a\n\"b\" c\nd", 8);
}

TEST_CASE("csv: quotes around fields are removed, and doubled quotes become single", "[net]") {
  std::vector<CsvField> fields;
  REQUIRE(split_record(R"(a,"b,c",,"","say ""hi""", d )", fields));
  Strings texts;
  for (const CsvField& field : fields) {
    texts.push_back(without_doubled_quotes(field.text) + (field.quoted ? "|" : ""));
  }
  CHECK(texts == Strings{"a", "b,c|", "", "|", "say \"hi\"|", " d "});
  REQUIRE(split_record("a,", fields));
  CHECK(fields.size() == 2);
  CHECK_FALSE(split_record("\"a\"b", fields));
  CHECK_FALSE(split_record("a,\"b", fields));
}

TEST_CASE("csv: the roles and types of columns in a plain file are guessed", "[net]") {
  CHECK(rows_of("time,measurement,service,n,x,ok,zip\r\n"
                "2026-11-24T10:00:00Z,audit,pay,1,1,true,007\r\n"
                "1764000000,audit,\"a, b\",-2,1.5,false,12\r\n") ==
        "audit @1795514400000000000 n=1i ok=true tag:service='pay' x=1f zip='007'\n"
        "audit @1764000000000000000 n=-2i ok=false tag:service='a, b' x=1.5f zip='12'");
  ParseOptions options;
  options.measurement = "m";
  options.time.keys = {"created"};
  options.tags = {"who"};
  CHECK(rows_of("created,time,who,service\n5,6,me,s\n", options) ==
        "m @5000000000 service='s' tag:who='me' time=6i");
}

TEST_CASE("csv: an empty field is null, and a quoted empty field an empty string", "[net]") {
  CHECK(rows_of("measurement,a,b,n\nm,,\"\",\nm,x,y,1\n") == "m @0 b=''\nm @0 a='x' b='y' n=1i");
  CHECK(rows_of("measurement,time\nm,1000000000\n\nm,2000000000\n") ==
        "m @1000000000000000000\nm @2000000000000000000");
}

TEST_CASE("csv: a value that does not fit the guessed type gets its own type", "[net]") {
  std::string text = "measurement,n\n";
  while (text.size() < 300'000) text += "m,1\n";  // more than is sampled for types
  const std::string rows = rows_of(text + "m,2.5\nm,x\nm,true\n");
  CHECK(rows.ends_with("m @0 n=1i\nm @0 n=2.5f\nm @0 n='x'\nm @0 n=true"));
}

TEST_CASE("csv: errors of records name the line", "[net]") {
  ParseOptions named;
  named.time.keys = {"time"};
  const ParsedCsv parsed = parsed_csv(
      "measurement,time,a\n"
      "m,1\n"
      "m,\"1\n2\",x\n"
      "m,never,x\n"
      ",1,x\n"
      ",,\n"
      "m,1,x\n",
      named);
  CHECK(parsed.rows == "m @1000000000 a='x'");
  CHECK(
      parsed.errors ==
      Strings{"1: 2 values, but the header has 3 columns",
              "2: invalid time \"1\n2\" in key `time`: expected RFC 3339 or a number of s, ms, us "
              "or ns "
              "since 1970",
              "4: invalid time \"never\" in key `time`: expected RFC 3339 or a number of s, ms, us "
              "or ns "
              "since 1970",
              "5: no measurement: the file has no column `measurement`, and its source sets none",
              "6: no measurement: the file has no column `measurement`, and its source sets none"});
  ParseOptions options;
  options.measurement = "m";
  CHECK(parsed_csv("a,b\n,\n", options).errors == Strings{"1: record without any value"});
}

TEST_CASE("csv: limits of records, strings, names and columns", "[net]") {
  const std::string long_text(kStringBytesMax + 1, 'x');
  CHECK(parsed_csv("measurement,a\nm," + long_text + "\n").errors ==
        Strings{"1: string of 1048577 bytes in `a`, at most 1048576 are possible"});
  CHECK(rows_of("measurement,a\nm," + long_text.substr(1) + "\n").size() > kStringBytesMax);
  const std::string record = "m," + std::string(kLineBytesMax, 'x');
  CHECK(parsed_csv("measurement,a\n" + record + "\n").errors ==
        Strings{"1: record of 4194306 bytes, at most 4194304 are possible"});
  CHECK(parsed_csv("measurement,a\n" + std::string(257, 'm') + ",1\n").errors ==
        Strings{"1: measurement of 257 bytes, at most 256 are possible"});
  CHECK(
      header_error("#measurement,time,i64 tag\nmeasurement,time," + std::string(257, 'n') + "\n") ==
      "the name of column 3 has 257 bytes, at most 256 are possible; the first line of CSV names "
      "its columns");
  std::string names = "a";
  for (size_t i = 1; i < kCsvColumnCountMax; ++i) names += ",a";
  CHECK(parsed_csv(names + "\n").rows.empty());
  CHECK(header_error(names + ",a\n") == "CSV with 10001 columns, at most 10000 are possible");
}

TEST_CASE("csv: odd names are replaced with a warning, and lose no value", "[net]") {
  ParseOptions options;
  options.measurement = "m";
  const auto check = [&](const std::string& text, const std::string& rows,
                         const std::string& warning) {
    CAPTURE(text);
    const ParsedCsv parsed = parsed_csv(text, options);
    CHECK(parsed.errors == Strings());
    CHECK(parsed.rows == rows);
    CHECK(warning_text(LineWarning::kOddKey, parsed.warnings[LineWarning::kOddKey]) == warning);
  };
  check(",a\n0,1\n1,2\n", "m @0 _empty=0i a=1i\nm @0 _empty=1i a=2i",
        "2 events with odd keys (column 1, \"\", is stored as `_empty`)");
  check("a,a,a,a_2\n1,2,3,4\n", "m @0 a=1i a_2=4i a_3=2i a_4=3i",
        "1 event with odd keys (column 2, \"a\", is stored as `a_3`)");
  const std::string name(300, 'n');
  const ParsedCsv parsed = parsed_csv(name + "," + name + "x\n1,2\n", options);
  CHECK(parsed.errors == Strings());
  CHECK(parsed.rows.find("=1i") != std::string::npos);
  CHECK(parsed.rows.find("=2i") != std::string::npos);
}

TEST_CASE("csv: each record's time is in the first column with a valid one", "[net]") {
  ParseOptions options;
  options.measurement = "m";
  CHECK(rows_of("time,eventTime,n\n0.111,2026-11-02T08:15:04Z,1\n16:47,1793607305,2\n", options) ==
        "m @1793607304000000000 eventTime='2026-11-02T08:15:04Z' n=1i time='0.111'\n"
        "m @1793607305000000000 eventTime='1793607305' n=2i time='16:47'");
  CHECK(rows_of("date,time,status\n2026-11-02,08:15:04,200\n", options) ==
        "m @1793607304000000000 date='2026-11-02' status=200i time='08:15:04'");
  const ParsedCsv untimed = parsed_csv("time,n\nsoon,1\n,2\n", options);
  CHECK(untimed.rows == "m @0 n=1i time='soon'\nm @0 n=2i");
  CHECK(warning_text(LineWarning::kNoTime, untimed.warnings[LineWarning::kNoTime]) ==
        "2 events without a recognisable time are stored with their time of arrival (keys: time "
        "(\"soon\" is not a time), n)");
  options.time.keys = {"when"};
  const ParsedCsv missing = parsed_csv("time,n\n1793607304,1\n", options);
  CHECK(missing.warnings[LineWarning::kTimeKeyMissing].count == 1);
}

TEST_CASE("csv: integers keep every digit", "[net]") {
  CHECK(rows_of("measurement,a,b\nm,1,18446744073709551615\nm,-1,2\n") ==
        "m @0 a=1i b=18446744073709551615u\nm @0 a=-1i b=2u");
  CHECK(rows_of("measurement,a\nm,123456789012345678901234567890\n") ==
        "m @0 a='123456789012345678901234567890'");
}

TEST_CASE("csv: a typed header must name every column", "[net]") {
  CHECK(header_error("a,\"b\n") ==
        "a quote is not closed; the first line of CSV names its columns");
  CHECK(header_error("") ==
        "the file has no line with names; the first line of CSV names its columns");
  CHECK(header_error("#measurement,time,i64 tag\nmeasurement,time,\n") ==
        "column 3 has no name; the first line of CSV names its columns");
  CHECK(header_error("#measurement,time,i64 field\nmeasurement,time\n") ==
        "3 types for 2 columns; the first line of CSV names its columns");
  CHECK(header_error("#measurement,time,i64 tag\nmeasurement,time,a\n") ==
        "unknown type \"i64 tag\" of column 3; the first line of CSV names its columns");
  CHECK(header_error("#measurement,time,i64 field,f64 field,i64 field\nmeasurement,time,a,a,a\n") ==
        "column 5 has the name and type of an earlier one: `a`; the first line of CSV names its "
        "columns");
}

TEST_CASE("csv: a typed file declares its types and accepts no others", "[net]") {
  const std::string header =
      "#measurement,time,i64 field,f64 field,string tag base64,u64 field,bool field\r\n"
      "measurement,time,n,x,base64:/w==,u,b\r\n";
  CHECK(
      rows_of(header + "m,1970-01-01T00:00:00.000000001Z,5,5,AA==,18446744073709551615,true\r\n") ==
      "m @1 b=true n=5i tag:\xff='" + std::string(1, '\0') + "' u=18446744073709551615u x=5f");
  CHECK(rows_of(header + "m,1,,-inf,,,\n") == "m @1000000000 x=-inff");
  CHECK(
      parsed_csv(header + "m,1,x,,,,\nm,1,,,,,1\nm,1,,,%,,\n,1,,,,,\nm,,,,,,\n").errors ==
      Strings{"1: \"x\" of column `n` is not a valid i64",
              "2: \"1\" of column `b` is not a valid bool",
              "3: the value of column `\xff` is not valid base64",
              "4: no measurement: the file has no column `measurement`, and its source sets none",
              "5: invalid time \"\": expected RFC 3339 or a number of s, ms, us or ns since 1970"});
}

TEST_CASE("csv: other separators, and files without a header", "[net]") {
  const auto parsed = [](const std::string& text, CsvLayout layout) {
    Batch batch;
    LineErrors errors;
    ParseOptions options;
    options.measurement = "m";
    std::string_view records = batch.keep(text);
    const auto header = read_csv_header(records, layout);
    REQUIRE(header);
    parse_csv(records, *header, options, batch, errors);
    CHECK(errors.empty());
    return batch_text(batch);
  };
  CHECK(parsed("time;s;n\n1970-01-01T00:00:05Z;\"a;b\";1,5\n", {';', true}) ==
        "m @5000000000 n='1,5' s='a;b'");
  CHECK(parsed("time\ts\n1970-01-01T00:00:05Z\ta,b\n", {'\t', true}) == "m @5000000000 s='a,b'");
  CHECK(parsed("edge,1970-01-01T00:00:05Z,200\nedge,1970-01-01T00:00:06Z,404\n", {',', false}) ==
        "m @5000000000 column1='edge' column3=200i\nm @6000000000 column1='edge' column3=404i");
}

TEST_CASE("csv: a header that looks like data is refused", "[net]") {
  const auto is_refused = [](std::string_view records) {
    const auto header = read_csv_header(records);
    if (!header) CHECK(header.error().message.find("--no-header") != std::string::npos);
    return !header;
  };
  CHECK(is_refused("2026-11-02T08:15:04Z,edge,200\n2026-11-02T08:15:05Z,edge,404\n"));
  CHECK(is_refused("2026-11-02T08:15:04Z,edge,200\n"));
  CHECK(is_refused("1,2\n3,4\n"));
  CHECK(!is_refused("service,2025,2026\npay,1,2\n"));
  CHECK(!is_refused("service,2026-11-02,2026-11-03\npay,1,2\n"));
  CHECK(!is_refused("time,n\n2026-11-02T08:15:04Z,1\n"));
}

}  // namespace tocsin
