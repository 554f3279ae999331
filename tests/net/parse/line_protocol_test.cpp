// Line protocol: the rows of each form of line, and the errors of bad ones.
#include "net/parse/line_protocol.h"

#include <random>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "net/parse/framer.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

struct ParsedLines {
  Batch batch;
  LineErrors errors;
  std::string rows;
};

ParsedLines parsed_lines(std::string text, int64_t time_unit = 1) {
  ParsedLines out;
  ParseOptions options;
  options.now = 77;
  options.time_unit = time_unit;
  parse_line_protocol(out.batch.keep(std::move(text)), options, out.batch, out.errors);
  out.rows = batch_text(out.batch);
  return out;
}

void check_lines(const std::string& text, const std::string& expected) {
  CAPTURE(text);
  const ParsedLines parsed = parsed_lines(text);
  for (const LineError& error : parsed.errors) UNSCOPED_INFO(error.reason);
  CHECK(parsed.errors.empty());
  CHECK(parsed.rows == expected);
}

void check_line_error(const std::string& text, const std::string& reason) {
  CAPTURE(text);
  const ParsedLines parsed = parsed_lines(text);
  CHECK(parsed.rows.empty());
  REQUIRE(parsed.errors.size() == 1);
  CHECK(parsed.errors[0].reason == reason);
  CHECK(parsed.errors[0].line == 1);
  CHECK(parsed.errors[0].text == text);
}

TEST_CASE("line protocol: the notation of a value determines its type", "[net]") {
  check_lines("m f=1 5", "m @5 f=1f");
  check_lines("m f=-1.5e3 5", "m @5 f=-1500f");
  check_lines("m f=.5,g=5.,h=+2 5", "m @5 f=0.5f g=5f h=2f");
  check_lines("m f=1i 5", "m @5 f=1i");
  check_lines("m f=-9223372036854775808i 5", "m @5 f=-9223372036854775808i");
  check_lines("m f=18446744073709551615u 5", "m @5 f=18446744073709551615u");
  check_lines("m f=1700000000123456t 5", "m @5 f='2023-11-14T22:13:20.123456Z'");
  check_lines("m f=1700000000123456789n 5", "m @5 f='2023-11-14T22:13:20.123456789Z'");
  check_line_error("m f=9223372036854775807t 5",
                   "invalid value \"9223372036854775807t\" of field \"f\": expected a number that "
                   "fits (12.5, 12i, 12u), true or false, or a \"string\" at byte 5");
  for (const char* word : {"t", "T", "true", "True", "TRUE"})
    check_lines("m f=" + std::string(word), "m @77 f=true");
  for (const char* word : {"f", "F", "false", "False", "FALSE"})
    check_lines("m f=" + std::string(word), "m @77 f=false");
  check_lines("m f=\"x\" 5", "m @5 f='x'");
  check_lines("m f=\"\" 5", "m @5 f=''");
  check_lines("m f=\"1i, a=b # c\" 5", "m @5 f='1i, a=b # c'");
}

TEST_CASE("line protocol: tags are string columns of kind tag", "[net]") {
  check_lines("m,a=x,b=1 f=1 5", "m @5 f=1f tag:a='x' tag:b='1'");
  check_lines("m,a=x f=1,a=2 5", "m @5 a=2f f=1f tag:a='x'");
  check_lines("m,a=x,a=y f=1 5", "m @5 f=1f tag:a='y'");
  check_lines("m,a=\"x\" f=1 5", "m @5 f=1f tag:a='\"x\"'");
}

TEST_CASE("line protocol: of duplicate keys the last one wins, with a warning", "[net]") {
  const auto check = [](const std::string& text, const std::string& rows, const std::string& key) {
    check_lines(text, rows);
    const ParsedLines parsed = parsed_lines(text);
    const LineWarnings::Entry& odd = parsed.errors.warnings()[LineWarning::kOddKey];
    CHECK(odd.count == (key.empty() ? 0 : 1));
    CHECK(odd.first ==
          (key.empty() ? "" : "the key `" + key + "` occurs twice: only its last value is stored"));
  };
  check("m a=1,b=2,a=3 5\n", "m @5 a=3f b=2f", "a");
  check("m a=\"x\",a=\"y\" 5\n", "m @5 a='y'", "a");
  check("m,h=x,h=y a=1 5\n", "m @5 a=1f tag:h='y'", "h");
  check("m a\\,b=1,a\\,b=2 5\n", "m @5 a,b=2f", "a,b");
  check("m,a=x a=1 5\n", "m @5 a=1f tag:a='x'", "");  // one tag, one field
  check("m a=1 5\nm a=\"x\" 6\nm a=2 7\n", "m @5 a=1f\nm @6 a='x'\nm @7 a=2f", "");
  check("m a=1,b=2 5\nm a=1,a=2 6\nm a=1,b=2 7\n", "m @5 a=1f b=2f\nm @6 a=2f\nm @7 a=1f b=2f",
        "a");
}

TEST_CASE("line protocol: escapes are removed", "[net]") {
  check_lines("a\\,b\\ c f=1 5", "a,b c @5 f=1f");
  check_lines("a\\=b f=1 5", "a=b @5 f=1f");
  check_lines("a\\\\=b f=1 5", "a\\=b @5 f=1f");
  check_lines("m,k\\=1\\,\\ x=v\\=\\,\\  f=1 5", "m @5 f=1f tag:k=1, x='v=, '");
  check_lines("m k\\=1\\,\\ x=1 5", "m @5 k=1, x=1f");
  check_lines("m,t=a\\b\\\\c f\\n=1 5", "m @5 f\\n=1f tag:t='a\\b\\\\c'");
  check_lines("m f=\"a\\\"b\\\\c\\d\\n\" 5", "m @5 f='a\"b\\c\\d\\n'");
  check_lines("m f=\"\\\\\" 5", "m @5 f='\\'");
  check_lines("m,t=x\\ y,u=x\\,y f=\"\\\"\",g=\"\\\\\\\\\" 5",
              "m @5 f='\"' g='\\\\' tag:t='x y' tag:u='x,y'");
}

TEST_CASE("line protocol: a string may contain raw newlines and any byte", "[net]") {
  check_lines("m f=\"a\nb\r\n\tc\" 5\nm f=\"d\" 6", "m @5 f='a\nb\r\n\tc'\nm @6 f='d'");
  check_lines("m f=\"\xff\xfe\" 5", "m @5 f='\xff\xfe'");
  check_lines(std::string("m f=\"a\0b\" 5", 11), std::string("m @5 f='a\0b'", 12));
}

TEST_CASE("line protocol: a row without a time gets the current time", "[net]") {
  check_lines("m f=1", "m @77 f=1f");
  check_lines("m f=1 ", "m @77 f=1f");
  check_lines("m f=1 -5", "m @-5 f=1f");
  check_lines("m f=1 0", "m @0 f=1f");
}

TEST_CASE("line protocol: the unit scales timestamps", "[net]") {
  CHECK(parsed_lines("m f=1 5", kSecond).rows == "m @5000000000 f=1f");
  CHECK(parsed_lines("m f=1 1700000000000", 0).rows == "m @1700000000000000000 f=1f");
  const ParsedLines over = parsed_lines("m f=1 9223372036854775807", kSecond);
  REQUIRE(over.errors.size() == 1);
  CHECK(over.errors[0].reason == "timestamp 9223372036854775807 out of range at byte 7");
}

TEST_CASE("line protocol: comments, blank lines and extra spaces are skipped", "[net]") {
  check_lines("", "");
  check_lines("\n\n", "");
  check_lines("# comment\n  # another\n\n \t\nm f=1 5\n", "m @5 f=1f");
  check_lines("  m,a=b   f=1   5  ", "m @5 f=1f tag:a='b'");
  check_lines("m f=1 5\r\nm f=2 6\r\n", "m @5 f=1f\nm @6 f=2f");
}

TEST_CASE("line protocol: the mark of a row without fields is not stored", "[net]") {
  check_lines("m,a=b _=t 5", "m @5 tag:a='b'");
  check_lines("m,a=b _=true 5", "m @5 _=true tag:a='b'");
}

TEST_CASE("line protocol: errors name the byte", "[net]") {
  check_line_error("m", "missing fields at byte 2");
  check_line_error("m,a=b", "missing fields at byte 6");
  check_line_error("m ", "missing fields at byte 3");
  check_line_error(",a=b f=1", "missing measurement at byte 1");
  check_line_error("m,=b f=1", "missing tag key at byte 3");
  check_line_error("m, f=1", "missing tag key at byte 3");
  check_line_error("m,a f=1", "missing tag value after tag key \"a\" at byte 4");
  check_line_error("m,a= f=1", "missing tag value at byte 5");
  check_line_error("m,a=b=c f=1", "invalid tag format: a `=` without `\\` before it at byte 6");
  check_line_error("m duration_ms=", "missing field value after \"duration_ms=\" at byte 15");
  check_line_error("m f=,g=1", "missing field value after \"f=\" at byte 5");
  check_line_error("m f=1,", "missing field key at byte 7");
  check_line_error("m f", "missing `=` and a value after field key \"f\" at byte 4");
  check_line_error("m f=1 x", "invalid timestamp \"x\" at byte 7");
  check_line_error("m f=1 1.5", "invalid timestamp \"1.5\" at byte 7");
  check_line_error("m f=1 5 6", "expected the end of the line after the timestamp at byte 9");
  check_line_error("m f=\"x", "missing closing `\"` of the string that begins at byte 5");
  check_line_error(
      "m f=\"x\"y",
      "expected `,`, a space or the end of the line after the closing `\"` of the string "
      "at byte 8");
  const std::string value_hint =
      ": expected a number that fits (12.5, 12i, 12u), true or false, or a \"string\" at byte 5";
  for (const char* value : {"SUCCESS", "1x", "1.5i", "9223372036854775808i", "-1u", "nan", "NaN",
                            "inf", "1e400", "tRUE", "i", "-", "'x'", "1\"x\""}) {
    check_line_error("m f=" + std::string(value),
                     "invalid value \"" + std::string(value) + "\" of field \"f\"" + value_hint);
  }
}

TEST_CASE("line protocol: JSON is named, instead of a place in it", "[net]") {
  for (const char* text : {"{\"service\":\"a\"}", "[{\"v\":1},{\"v\":2}]"}) {
    check_line_error(text,
                     "this is JSON, not line protocol: send it to /insert/jsonline, or as the "
                     "format json");
  }
}

TEST_CASE("line protocol: names and strings are limited", "[net]") {
  const std::string name(kNameBytesMax, 'n');
  check_lines(name + " f=1 5", name + " @5 f=1f");
  CHECK(parsed_lines("m," + name + "=v f=1").errors.empty());
  CHECK(parsed_lines("m " + name + "=1").errors.empty());
  for (const std::string& text : {name + "x f=1", "m," + name + "x=v f=1", "m " + name + "x=1"}) {
    const ParsedLines parsed = parsed_lines(text);
    REQUIRE(parsed.errors.size() == 1);
    CHECK(parsed.errors[0].reason.find("of 257 bytes, at most 256 are possible") !=
          std::string::npos);
  }
  const std::string text(kStringBytesMax, 's');
  CHECK(parsed_lines("m f=\"" + text + "\"").errors.empty());
  REQUIRE(parsed_lines("m f=\"" + text + "s\"").errors.size() == 1);
  REQUIRE(parsed_lines("m,a=" + text + "s f=1").errors.size() == 1);
  const ParsedLines line =
      parsed_lines("m f=1,g=\"" + std::string(kLineBytesMax, 's') + "\"\nm f=1 5");
  REQUIRE(line.errors.size() == 1);
  CHECK(line.errors[0].reason == "line of 4194314 bytes, at most 4194304 are possible");
  CHECK(line.rows == "m @5 f=1f");
}

TEST_CASE("line protocol: bad lines are numbered and do not affect the rest", "[net]") {
  const ParsedLines parsed =
      parsed_lines("m f=1 1\nbad\nm f=\"a\nb\" 2\n\n# c\nm f=x 3\nm f=\"open 4\nm f=\"fine\" 5\n");
  CHECK(parsed.rows == "m @1 f=1f\nm @2 f='a\nb'\nm @5 f='fine'");
  REQUIRE(parsed.errors.size() == 3);
  CHECK(parsed.errors[0].line == 2);
  CHECK(parsed.errors[0].text == "bad");
  CHECK(parsed.errors[1].line == 7);
  CHECK(parsed.errors[2].line == 8);
  CHECK(parsed.errors[2].text == "m f=\"open 4");
}

TEST_CASE("line protocol: a bad line leaves no values in the batch", "[net]") {
  const ParsedLines parsed = parsed_lines("m,a=x f=1,g=bad 1\nm,a=y f=2,g=3 2\nm,a=z f=4,g=bad 3");
  CHECK(parsed.rows == "m @2 f=2f g=3f tag:a='y'");
  CHECK(parsed.batch.row_count() == 1);
}

TEST_CASE("line protocol: rows keep their line, and numbers their text", "[net]") {
  const ParsedLines parsed = parsed_lines("m f=0012i,g=1.50,h=T 5\nm f=1i\r\n");
  const RowBatch& rows = parsed.batch.measurements().front();
  CHECK(rows.lines()[0] == "m f=0012i,g=1.50,h=T 5");
  CHECK(rows.lines()[1] == "m f=1i");
  CHECK(rows.lanes()[0].text[0] == "0012");
  CHECK(rows.lanes()[1].text[0] == "1.50");
  CHECK(rows.lanes()[2].text[0] == "T");
}

// Writes random rows and parses them again.
std::string random_text(std::mt19937_64& random, const char* alphabet, size_t size_min) {
  const std::string_view letters(alphabet);
  std::string text;
  const size_t size = size_min + random() % 12;
  for (size_t i = 0; i < size; ++i) text += letters[random() % letters.size()];
  return text;
}

std::string escaped(std::string_view text, std::string_view stops) {
  std::string out;
  for (const char c : text) {
    if (stops.find(c) != stops.npos) out += '\\';
    out += c;
  }
  return out;
}

TEST_CASE("line protocol: random rows survive a round trip", "[net]") {
  const auto seed = 424242U;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  // No name ends with a backslash, which line protocol cannot express.
  const auto name = [&] { return random_text(random, "ab,= \\\"#{z", 0) + "n"; };
  for (int i = 0; i < 2'000; ++i) {
    std::string line, expected;
    const std::string measurement = "m" + name();
    const std::string tag = "t" + name(), tag_value = name();
    const std::string key = "f" + name();
    const std::string text = random_text(random, "xy,= \\\"\n\r{#", 0);
    const auto number = static_cast<int64_t>(random());
    const auto time = static_cast<int64_t>(random());
    line = escaped(measurement, ",= ") + "," + escaped(tag, ",= ") + "=" +
           escaped(tag_value, ",= ") + " " + escaped(key, ",= ") + "=\"" + escaped(text, "\"\\") +
           "\",n=" + std::to_string(number) +
           "i,u=" + std::to_string(static_cast<uint64_t>(number)) + "u " + std::to_string(time);
    std::map<std::string, std::string> columns = {
        {"tag:" + tag, "'" + tag_value + "'"},
        {key, "'" + text + "'"},
        {"n", std::to_string(number) + "i"},
        {"u", std::to_string(static_cast<uint64_t>(number)) + "u"}};
    expected = measurement + " @" + std::to_string(time);
    for (const auto& [column, value] : columns) expected += " " + column + "=" + value;
    check_lines(line, expected);
  }
}

TEST_CASE("line protocol: a measurement that looks like a time or like key=value is rejected",
          "[net]") {
  for (const char* line : {"2026-11-02T08:15:00Z took_ms=0", "level=info msg=\"x\"",
                           "[2026-11-02 a=1", "1793607304 n=1", "level=info n=1 5"}) {
    CAPTURE(line);
    const ParsedLines parsed = parsed_lines(std::string(line) + "\nm n=1 5\n");
    CHECK(parsed.rows == "m @5 n=1f");
    REQUIRE(parsed.errors.size() == 1);
    CHECK(parsed.errors[0].reason.find("line of text") != std::string::npos);
  }
  check_lines("level\\=info n=1 5", "level=info @5 n=1f");
}

TEST_CASE("line protocol: an import accepts such a measurement if its row has a time", "[net]") {
  ParseOptions options;
  options.odd_names_with_time = true;
  Batch batch;
  LineErrors errors;
  parse_line_protocol("2026-11-02 n=1 5\n2026-11-02 n=2\na=b,t=x n=3 6\n", options, batch, errors);
  CHECK(batch_text(batch) == "2026-11-02 @5 n=1f\na=b @6 n=3f tag:t='x'");
  CHECK(errors.count() == 1);
}

TEST_CASE("line protocol: the caller may refuse measurements with odd names", "[net]") {
  ParseOptions options;
  options.admit_odd_name = [](std::string_view name) { return name == "a=b"; };
  Batch batch;
  LineErrors errors;
  parse_line_protocol("a\\=b n=1 5\na\\=c n=1 5\nplain n=1 5\n", options, batch, errors);
  CHECK(batch_text(batch) == "a=b @5 n=1f\nplain @5 n=1f");
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].reason.find("100") != std::string::npos);
}

TEST_CASE("line protocol: lines without a timestamp are counted", "[net]") {
  for (const bool guess : {true, false}) {
    ParseOptions options;
    options.guess_shapes = guess;
    Batch batch;
    LineErrors errors;
    parse_line_protocol(batch.keep("m f=1\nm f=2 5\nm f=3\nm f=\"a\nb\"\nm bad\n# c\n"), options,
                        batch, errors);
    CHECK(errors.warnings()[LineWarning::kNoTimestamp].count == 3);
  }
}

}  // namespace
}  // namespace tocsin
