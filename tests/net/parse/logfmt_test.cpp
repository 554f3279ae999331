// logfmt, against examples and against a slow second reader.
#include "net/parse/logfmt.h"

#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "net/parse/event_parser.h"
#include "net/parse/number.h"
#include "tests/net/parse/event_text.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

EventText logfmt(const std::string& text, ParseOptions options = {}) {
  return parse_events({InputFormat::kLogfmt, false}, text, std::move(options));
}

/// A pair, as `key=type:text`.
using Pairs = std::vector<std::string>;

std::string typed(const std::string& word) {
  if (word == "true" || word == "false") return "bool:" + word;
  const auto number = parse_json_number(word);
  if (!number) return "string:" + word;
  if (std::holds_alternative<int64_t>(*number)) return "i64:" + word;
  if (std::holds_alternative<uint64_t>(*number)) return "u64:" + word;
  if (std::holds_alternative<double>(*number)) return "f64:" + word;
  return "huge:" + word;
}

// One character after the other, without any table or search.
std::optional<Pairs> slow_pairs(const std::string& line) {
  Pairs pairs;
  bool any = false;
  size_t i = 0;
  const auto blank = [&] { return static_cast<unsigned char>(line[i]) <= 32; };
  while (i < line.size()) {
    if (blank()) {
      ++i;
      continue;
    }
    std::string key;
    while (i < line.size() && !blank() && line[i] != '=') {
      if (line[i] == '"') return std::nullopt;
      key += line[i++];
    }
    if (key.empty()) return std::nullopt;
    if (i == line.size() || line[i] != '=') {
      pairs.push_back(key + "=bool:true");
      continue;
    }
    any = true;
    std::string value;
    if (++i < line.size() && line[i] == '"') {
      bool closed = false;
      for (++i; i < line.size() && !closed; ++i) {
        if (line[i] == '"') {
          closed = true;
        } else if (line[i] != '\\') {
          value += line[i];
        } else if (++i == line.size()) {
          return std::nullopt;
        } else if (const size_t known = std::string("ntrbf\"\\/'").find(line[i]);
                   known != std::string::npos) {
          value += std::string("\n\t\r\b\f\"\\/'")[known];
        } else {
          value += '\\';
          value += line[i];
        }
      }
      if (!closed || (i < line.size() && !blank())) return std::nullopt;
      pairs.push_back(key + "=string:" + value);
      continue;
    }
    while (i < line.size() && !blank()) value += line[i++];
    if (value != "null" && value != "nil") pairs.push_back(key + "=" + typed(value));
  }
  if (!any) return std::nullopt;
  return pairs;
}

std::optional<Pairs> fast_pairs(const std::string& line) {
  Batch batch;
  std::vector<JsonValue> values;
  if (!read_logfmt(line, batch, values).empty()) return std::nullopt;
  Pairs pairs;
  for (const JsonValue& value : values) {
    const char* const names[] = {"i64", "u64", "f64", "huge", "bool", "string", "array"};
    pairs.push_back(std::string(value.path) + "=" + names[static_cast<size_t>(value.kind)] + ":" +
                    std::string(value.text));
  }
  return pairs;
}

}  // namespace

TEST_CASE("logfmt: the usual lines become rows with time, level and typed columns", "[net]") {
  const auto parsed = logfmt(
      "ts=2026-11-02T08:15:04Z level=info msg=\"server started\" port=8080\n"
      "ts=2026-11-02T08:15:05Z level=error msg=\"bind: \\\"x\\\"\\n\" took=0.25 ok=false retry\n");
  CHECK(parsed.rows ==
        "m @1793607304000000000 msg='server started' port=8080i tag:level='info'\n"
        "m @1793607305000000000 msg='bind: \"x\"\n' ok=false retry=true tag:level='error' "
        "took=0.25f");
  CHECK(parsed.errors.empty());
}

TEST_CASE("logfmt: values without quotes have the types of JSON, and null is omitted", "[net]") {
  const auto row = [](const std::string& text) { return logfmt(text).rows; };
  CHECK(row("a=1 b=-0.5 c=18446744073709551615 d=1e3 e=007 f= g=null h=nil i=x=y") ==
        "m @7 a=1i b=-0.5f c=18446744073709551615u d=1000f e='007' f='' i='x=y'");
  CHECK(row("a=1.2.3 b=true c=True d=\"1\" e=\"\" f=\"null\" g=caf\xc3\xa9") ==
        "m @7 a='1.2.3' b=true c='True' d='1' e='' f='null' g='caf\xc3\xa9'");
  CHECK(row("measurement=audit a=1") == "audit @7 a=1i");
  CHECK(row(R"(a="\u00e9\ud83d\ude00\ud800\q\u12")") ==
        "m @7 a='\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\\q\\u12'");
}

TEST_CASE("logfmt: what is wrong with a line is named by its place", "[net]") {
  const auto reason = [](const std::string& text) {
    const auto errors = logfmt("a=1\n" + text + "\nb=2\n").errors;
    REQUIRE(errors.size() == 1);
    return errors[0];
  };
  CHECK(reason("only words here") == "2: not logfmt: no `key=value` is found");
  CHECK(reason("a=\"open") == "2: not logfmt: the quote at byte 3 is not closed");
  CHECK(reason("a=\"x\\") == "2: not logfmt: the quote at byte 3 is not closed");
  CHECK(reason("a=\"x\"y b=1") == "2: not logfmt: expected a space after the quote at byte 5");
  CHECK(reason("a=1 =2") == "2: not logfmt: expected a key before `=` at byte 5");
  CHECK(reason("a=1 \"b\"=2") == "2: not logfmt: expected a key before `\"` at byte 5");
  CHECK(reason("a=1 b\"c=2") == "2: not logfmt: a quote within the key at byte 6");
  CHECK(reason("a=null") == "2: line of logfmt without any value");
}

TEST_CASE("logfmt: the last of several values with one key wins", "[net]") {
  const auto parsed = logfmt("a=1 b=2 a=x\n");
  CHECK(parsed.rows == "m @7 a='x' b=2i");
  CHECK(parsed.oddity == "the key `a` occurs twice: only its last value is stored");
  std::string many;
  for (int i = 0; i < 50; ++i) many += "k" + std::to_string(i % 40) + "=" + std::to_string(i) + " ";
  CHECK(logfmt(many).rows.find("k9=49i") != std::string::npos);
  CHECK(logfmt(many).rows.find("=9i") == std::string::npos);
}

TEST_CASE("logfmt: key, layout and zone of the time can be set", "[net]") {
  ParseOptions options;
  options.time = *read_time_options({{"when"}, "%d.%m.%Y %H:%M", "Europe/Berlin"});
  CHECK(logfmt("when=\"02.11.2026 09:15\" a=1", options).rows == "m @1793607300000000000 a=1i");
  CHECK(logfmt("when=soon a=1", options).errors.size() == 1);
}

TEST_CASE("logfmt: recognised files keep their other lines as JSON and text", "[net]") {
  const auto parsed = parse_events({InputFormat::kLogfmt, true},
                                   "ts=2026-11-02T08:15:04Z level=info msg=a\n"
                                   "panic: runtime error\n"
                                   "{\"time\":\"2026-11-02T08:15:05Z\",\"n\":1}\n"
                                   "ts=2026-11-02T08:15:06Z msg=\"open\n",
                                   {});
  CHECK(parsed.rows ==
        "m @1793607304000000000 msg='a' tag:level='info'\n"
        "m @1793607304000000000 message='panic: runtime error'\n"
        "m @1793607305000000000 n=1i");
  CHECK(parsed.errors ==
        std::vector<std::string>{"4: not logfmt: the quote at byte 29 is not closed"});
}

TEST_CASE("logfmt: random lines are read as a second reader reads them", "[net]") {
  const unsigned seed = 11;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"a",  "key", "=",    "=",  " ",   " ",     "\"",
                                           "\"", "\\",  "n",    "12", "0.5", "true",  "null",
                                           "\t", "=x ", "b=\"", "é",  "-1 ", "1e999", "{"};
  size_t good = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string line;
    for (unsigned n = random() % 12; n > 0; --n) line += pieces[random() % pieces.size()];
    CAPTURE(line);
    const auto expected = slow_pairs(line);
    good += expected ? 1 : 0;
    REQUIRE(fast_pairs(line) == expected);
  }
  CHECK(good > 1000);
}

TEST_CASE("logfmt: the rows are the same with and without memory of earlier lines", "[net]") {
  std::mt19937 random(5);
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text += "ts=" + std::to_string(1793607304 + i) + " level=" + (random() % 2 ? "info" : "warn");
    if (random() % 3 == 0) text += " user=u" + std::to_string(random() % 5);
    text += random() % 4 == 0 ? " n=x" : " n=" + std::to_string(random() % 100);
    if (random() % 9 == 0) text += " n=2";
    if (random() % 9 == 0) text += " measurement=other";
    text += "\n";
  }
  ParseOptions plain;
  plain.guess_shapes = false;
  const auto expected = logfmt(text, plain);
  const auto found = logfmt(text);
  CHECK(found.rows == expected.rows);
  CHECK(found.errors == expected.errors);
}

}  // namespace tocsin
