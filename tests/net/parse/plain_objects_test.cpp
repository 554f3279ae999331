// Compares the fast path of JSON lines with the general parser: the same rows, lanes, lines and
// errors.
#include "net/parse/plain_objects.h"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/limits.h"
#include "net/parse/json_lines.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

ParseOptions options_of(bool guess_shapes) {
  ParseOptions options;
  options.now = 7;
  options.measurement = "m";
  options.guess_shapes = guess_shapes;
  return options;
}

std::string objects_image(const std::string& text, const ParseOptions& options) {
  Batch batch;
  LineErrors errors;
  JsonLinesParser parser;
  parser.parse(batch.keep(text), options, batch, errors);
  std::string image = batch_image(batch);
  for (const LineError& error : errors) {
    image += fmt::format("{}: {}: {}\n", error.line, error.reason, error.text);
  }
  for (const LineWarning kind : kLineWarnings) {
    image += warning_text(kind, errors.warnings()[kind]) + "\n";
  }
  return image;
}

bool is_consumed(std::string_view line) {
  ParseOptions options = options_of(true);
  options.time.keys = {"time", "ts"};
  const TimeKeys time_keys(options.time);
  LineWarnings warnings;
  Batch batch;
  PlainObjects plain(options, time_keys, batch, warnings);
  const bool first = plain.consume(line);
  CHECK(plain.consume(line) == first);  // now by its shape
  size_t rows = 0;
  for (const RowBatch& each : batch.measurements()) rows += each.row_count();
  CHECK(rows == (first ? 2 : 0));
  return first;
}

}  // namespace

TEST_CASE("plain objects: flat objects are consumed, the rest is left", "[net]") {
  for (const char* line :
       {R"({"a":1})",
        R"({"time":1793577600,"measurement":"audit","s":"x y, {z}","f":-0.5,"b":true,"n":null})",
        R"({"time":null,"a":1})", R"({"a":12345678901234567890123,"b":1e999})",
        R"(  { "a" : 1 , "b":[] })"}) {
    INFO(line);
    CHECK(is_consumed(line) == (std::string_view(line).find('[') == std::string_view::npos));
  }
  for (const char* left : {"",
                           "{",
                           "{}",
                           R"({"a":})",
                           R"({"a":1)",
                           R"({"a":1}x)",
                           R"({"a":1,})",
                           R"({"a":{"b":1}})",
                           R"({"a":[1]})",
                           R"({"a":1,"a":2})",
                           R"({"a":"x\n"})",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"\xc3\xa9\"}",
                           R"({"":1})",
                           R"({"a":01})",
                           R"({"a":1.})",
                           R"({"a":-})",
                           R"({"a":nul})",
                           R"({"a":True})",
                           R"({"time":"never","a":1})",
                           R"({"time":1793577600})",
                           R"({"a":null})",
                           R"({"measurement":5,"a":1})",
                           R"({"measurement":"","a":1})",
                           R"({a:1})",
                           R"({"a" 1})",
                           R"([1])"}) {
    INFO(left);
    CHECK_FALSE(is_consumed(left));
  }
}

TEST_CASE("plain objects: names and strings at their limits", "[net]") {
  for (const size_t more : {0, 1}) {
    const std::string name(kNameBytesMax + more, 'n');
    const std::string value(kStringBytesMax + more, 'v');
    for (const std::string& line :
         {"{\"" + name + "\":1}", "{\"measurement\":\"" + name + "\",\"a\":1}",
          "{\"a\":\"" + value + "\"}"}) {
      CHECK(is_consumed(line) == (more == 0));
      CHECK(objects_image(line + "\n", options_of(true)) ==
            objects_image(line + "\n", options_of(false)));
    }
  }
}

TEST_CASE("plain objects: many measurements and shapes yield the same rows", "[net]") {
  std::string text;
  for (int i = 0; i < 600; ++i) {
    text += fmt::format(R"({{"measurement":"m{}","service":"x{}","f{}":{},"g":{}}})", i % 23, i % 7,
                        i % 11, i * 0.25, i);
    text += "\n";
  }
  CHECK(objects_image(text, options_of(true)) == objects_image(text, options_of(false)));
  ParseOptions tagged = options_of(true);
  tagged.tags = {"g", "service"};
  tagged.time.keys = {"f3", "g"};
  ParseOptions general = tagged;
  general.guess_shapes = false;
  CHECK(objects_image(text, tagged) == objects_image(text, general));
}

TEST_CASE("plain objects: changed lines yield the same rows and errors as the general parser",
          "[net]") {
  const std::vector<std::string> corpus = {
      R"({"time":1793577600046456169,"measurement":"audit","service":"svc-01","duration_ms":165.80,"bytes":2571,"message":"a 1, b=2"})",
      R"({"time":1793577600046456170,"measurement":"audit","service":"svc-02","duration_ms":-1.5e3,"bytes":-0,"message":""})",
      R"({"ts": "2026-11-24T10:00:00Z", "measurement": "bpm", "ok": true, "n": null, "big": 18446744073709551615})",
      R"({"ts": "2026-11-24T10:00:00.5Z", "measurement": "bpm", "ok": false, "n": 12345678901234567890123, "big": 9223372036854775808})",
      R"({"name":"cpu","tags":{"host":"h"},"fields":{"usage":0.5},"timestamp":1793577600})",
      R"({"a":{"b":1},"a.b":2,"c":[1,2]})",
      R"({"name":"x","timestamp":1793577600,"@timestamp":"2026-11-24","date":5})",
      R"({"time":"16:47","unixtime":1793607304,"power":12.5})",
      R"({"time":0.111,"@timestamp":"2026-11-02T08:15:04Z","big":1e999})",
      R"({"date":"2026-11-02","time":"08:15:04.25","eventTime":null,"":1,"":2})",
      R"({"timestamp.seconds":1793607304,"timestamp.nanos":250000000,"service":"x"})",
      R"({"asctime":"2026-11-02 09:15:04,041","level":30,"x":"y"})",
  };
  const unsigned seed = 12;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string_view spice("\"\\\n\r\t ,:{}[]-.+e019tfn\xc3\xff\0", 25);
  for (int round = 0; round < 6000; ++round) {
    std::string text;
    for (unsigned lines = 1 + random() % 4; lines > 0; --lines) {
      text += corpus[random() % corpus.size()] + (random() % 5 == 0 ? "\r\n" : "\n");
    }
    change_text(random, spice, text);
    ParseOptions options = options_of(true);
    if (round % 4 == 0) options.measurement.clear();
    ParseOptions general = options;
    general.guess_shapes = false;
    const std::string expected = objects_image(text, general);
    if (objects_image(text, options) == expected) continue;
    INFO(text);
    CHECK(objects_image(text, options) == expected);
  }
}

}  // namespace tocsin
